// The seats as a list: one table for each section, one line for each row, one button for each seat.
// An equal alternative to the map; a section's table is made when it is opened.

import { make } from "/static/base/js/page_parts.js";
import { formatMoney, text } from "/static/base/js/texts.js";

export class SeatList {
  #root;
  #plan;
  #words;
  #currency;
  #onPick;
  #sections = [];
  #buttons = new Map();
  #filter = { shows: () => true };
  #picked = new Set();

  constructor(root, plan, words, currency, onPick) {
    this.#root = root;
    this.#plan = plan;
    this.#words = words;
    this.#currency = currency;
    this.#onPick = onPick;
    plan.sections.forEach((name, section) => this.#addSection(name, section));
  }

  // What is free changed, or picks or the filter did; `labels` say so for each section.
  update({ picked, filter, labels, isFilterNew }) {
    this.#picked = picked;
    this.#filter = filter;
    this.#sections.forEach(({ details, count }, section) => {
      count.textContent = labels[section];
      if (isFilterNew && details.open) this.#fillSection(section);
    });
    for (const [index, button] of this.#buttons) this.#updateButton(index, button);
  }

  #addSection(name, section) {
    const count = make("span", { class: "soft small" });
    const body = make("div", { class: "list-body" });
    const details = make("details", {}, make("summary", {}, make("span", { class: "list-name" }, name), count), body);
    details.addEventListener("toggle", () => details.open && this.#fillSection(section));
    this.#sections.push({ details, count, body, name });
    this.#root.append(details);
  }

  #fillSection(section) {
    const { body, name } = this.#sections[section];
    const rows = new Map();
    for (let i = 0; i < this.#plan.count; i++) {
      if (this.#plan.sectionOf[i] !== section) continue;
      this.#buttons.delete(i);
      if (!this.#filter.shows(i) && !this.#picked.has(i)) continue;
      const key = `${this.#plan.rows[i]}\n${this.#plan.tierOf[i]}`;
      if (rows.has(key)) rows.get(key).push(i);
      else rows.set(key, [i]);
    }
    if (!rows.size) return body.replaceChildren(make("p", { class: "soft" }, text("nothing_here")));
    const head = ["row", "seats", "price"].map((each) => make("th", { scope: "col" }, text(each)));
    const lines = [...rows.values()].map((seats) => this.#row(seats));
    return body.replaceChildren(make("table", {},
      make("caption", { class: "unseen" }, name), make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...lines)));
  }

  #row(seats) {
    const tier = this.#plan.tier(seats[0]);
    const buttons = seats.map((index) => {
      const button = make("button", { type: "button", class: "seat", onclick: () => this.#onPick(index) }, this.#plan.numbers[index]);
      this.#buttons.set(index, button);
      this.#updateButton(index, button);
      return button;
    });
    return make("tr", {},
      make("th", { scope: "row" }, this.#plan.rows[seats[0]]),
      make("td", {}, make("div", { class: "seats" }, ...buttons)),
      make("td", {}, formatMoney(tier.price, this.#currency)));
  }

  #updateButton(index, button) {
    const isPicked = this.#picked.has(index);
    const isFree = this.#plan.isFree(index);
    const state = text(isPicked ? "state_picked" : `state_${this.#plan.status[index]}`);
    const place = text("seat_short", { row: this.#plan.rows[index], number: this.#plan.numbers[index] });
    const notes = this.#words.notes(index);
    button.ariaLabel = [place, ...notes, formatMoney(this.#plan.tier(index).price, this.#currency), state].join(", ");
    button.title = notes.join(", ");
    button.ariaPressed = String(isPicked);
    button.ariaDisabled = String(!isFree && !isPicked);
    button.classList.toggle("is-restricted", this.#plan.restrictedViews.has(index));
    button.classList.toggle("is-accessible", Boolean(this.#plan.isAccessible[index]));
  }
}
