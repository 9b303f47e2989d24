// Seats in words, in the language of the page.

import { totalWith } from "./charges.js";
import { formatMoney, plural, text } from "/static/base/js/texts.js";

export class SeatWords {
  #plan;
  #currency;
  #charges;

  constructor(plan, currency, charges) {
    this.#plan = plan;
    this.#currency = currency;
    this.#charges = charges;
  }

  // "Block C, row 7, seat 14"
  place(index) {
    const { sections, sectionOf, rows, numbers } = this.#plan;
    return text("seat", { section: sections[sectionOf[index]], row: rows[index], number: numbers[index] });
  }

  // "Gold €145, wheelchair place, free"
  facts(index, isPicked) {
    const { name, price } = this.#plan.tier(index);
    return [`${name} ${formatMoney(price, this.#currency)}`, ...this.notes(index), this.state(index, isPicked)].join(", ");
  }

  all(index, isPicked) {
    return `${this.place(index)}, ${this.facts(index, isPicked)}`;
  }

  // What one should know before buying it.
  notes(index) {
    const { isAccessible, companions, restrictedViews } = this.#plan;
    const notes = [];
    if (isAccessible[index]) notes.push(text("accessible"));
    if (companions.has(index)) notes.push(text("companion"));
    if (restrictedViews.has(index)) notes.push(`${text("restricted")} (${restrictedViews.get(index)})`);
    return notes;
  }

  state(index, isPicked) {
    return text(isPicked ? "state_picked" : `state_${this.#plan.status[index]}`);
  }

  // ["2 places", "€170"]
  total(picked) {
    const places = [...picked].reduce((sum, index) => sum + this.#plan.tier(index).price, 0);
    const total = totalWith(this.#charges, places, picked.size);
    return [plural("picked", picked.size), formatMoney(total, this.#currency)];
  }
}
