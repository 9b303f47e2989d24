// Choosing seats by oneself: map and list, the filter, and the tray with what was picked.

import { SeatFilter, countFree, sectionLines, sectionWords } from "./seat_filter.js";
import { SeatList } from "./seat_list.js";
import { SeatMap } from "./seat_map.js";
import { FREE, HELD } from "./seat_plan.js";
import { SeatWords } from "./seat_words.js";
import { fill, make, show } from "/static/base/js/page_parts.js";
import { text } from "/static/base/js/texts.js";

const BUTTON_ZOOM = 1.8;
const SAME_TAP_MS = 400; // a second tap on the same seat so soon is impatience, not a change of mind

export class SeatChooser {
  #root;
  #plan;
  #page;
  #picked = new Set();
  #lastTap = { index: -1, at: 0 };
  #filter;
  #map;
  #list;
  #sections;

  // page: { currency, seatsMax, question, say(words), isHolding(), together(), onLimit(), onApart(), onGone(places), onFree(by tier), onPicks(ids) };
  // together() says how many a tap picks, question is a PlaceQuestion.
  constructor(root, plan, page) {
    this.#root = root;
    this.#plan = plan;
    this.#page = page;
    this.words = new SeatWords(plan, page.currency, page.charges);
    this.#filter = new SeatFilter(plan);
    const onPick = (index) => this.pick(index);
    this.#map = new SeatMap(root.querySelector("canvas"), root.querySelector("[data-map-shapes]"), plan, {
      onPick,
      onSeat: (index) => page.say(this.words.all(index, this.#picked.has(index))),
      onSection: (section) => page.say(this.#sectionWords(section)),
      onWhere: (section) => (root.querySelector("[data-jump]").value = section < 0 ? "" : section),
      onCloser: () => page.say(text("zoom_hint")),
      tip: (...pointed) => this.#tip(...pointed),
    });
    this.#list = new SeatList(root.querySelector('[data-panel="list"]'), plan, this.words, page.currency, onPick);
    this.#wire();
    this.update();
  }

  get pickedIds() {
    return [...this.#picked].map((index) => this.#plan.ids[index]);
  }

  // What to ask for: accessible places, and companions' beside them, go to who has said that one of them needs one.
  get wish() {
    const accessible = this.#page.question.isSaid && [...this.#picked].some((index) => this.#isSpecial(index));
    return { seat_ids: this.pickedIds, ...(accessible ? { accessible } : {}) };
  }

  pick(index) {
    const now = performance.now();
    const isSameTap = index === this.#lastTap.index && now - this.#lastTap.at < SAME_TAP_MS;
    this.#lastTap = { index, at: now };
    return isSameTap ? undefined : this.#choose(index);
  }

  #choose(index) {
    const count = this.#page.together();
    if (count > 1 && this.#plan.isFree(index) && !this.#picked.has(index)) return this.#pickTogether(index, count);
    if (this.#picked.delete(index)) this.#page.say(this.words.all(index, false));
    else if (!this.#plan.isFree(index)) return this.#page.say(this.words.all(index, false));
    else if (this.#picked.size >= this.#page.seatsMax) return this.#page.onLimit();
    else if (this.#toBeAsked([index]) >= 0) return this.#askFirst(index, index);
    else {
      this.#picked.add(index);
      this.#page.say(`${this.words.all(index, true)}. ${this.words.total(this.#picked).join(", ")}`);
    }
    return this.update();
  }

  // With one tap so many side by side, in place of what was picked.
  #pickTogether(index, count) {
    const isGood = (each) => this.#plan.isFree(each) && this.#filter.shows(each) && this.#isSpecial(each) === this.#isSpecial(index);
    const found = this.#plan.together(index, count, isGood);
    if (!found) return this.#page.onApart();
    const asked = this.#toBeAsked(found);
    if (asked >= 0) return this.#askFirst(index, asked);
    this.#picked.clear();
    for (const each of found) this.#picked.add(each);
    this.#page.say(`${found.map((each) => this.words.place(each)).join("; ")}. ${this.words.total(this.#picked).join(", ")}`);
    return this.update();
  }

  #isSpecial(index) {
    return this.#plan.isAccessible[index] === 1 || this.#plan.companions.has(index);
  }

  // Which of them is kept for fans who need one, if the fan has not said yet that one of them does; or -1.
  #toBeAsked(indexes) {
    const kept = indexes.find((each) => this.#plan.isKept(each)) ?? -1;
    return kept >= 0 && this.#page.question.isSaidNow() ? -1 : kept;
  }

  // The tap counts once the fan has said that one of them needs the place, and not without.
  async #askFirst(tapped, place) {
    if (await this.#page.question.ask(this.words.place(place))) this.#choose(tapped);
    else this.#page.say(this.words.all(place, false));
  }

  // Pick just these seats, by their names, as far as they are free.
  pickOnly(ids) {
    this.#picked.clear();
    for (const id of ids) {
      const index = this.#plan.indexOf.get(id);
      if (index !== undefined && this.#plan.isFree(index)) this.#picked.add(index);
    }
    this.update();
  }

  takeSnapshot(status) {
    this.#plan.takeSnapshot(status);
    this.#dropLost();
    this.update();
  }

  // Pairs of seat and state. Seats that were free and are no more are shown going.
  takeChanges(changes) {
    const going = changes.filter(([index, code]) => code !== FREE && this.#plan.isFree(index)).map(([index]) => index);
    for (const [index, code] of changes) this.#plan.status[index] = code;
    this.#map.showGoing(going);
    this.#dropLost();
    this.update();
  }

  // The server says that these are gone, or else not for this wish; says whether the fan was told so.
  takeTaken(ids, areGone) {
    const known = ids.map((id) => this.#plan.indexOf.get(id)).filter((index) => index !== undefined);
    if (areGone) this.takeChanges(known.map((index) => [index, HELD]));
    return areGone && known.length > 0;
  }

  // The seats of these names in words.
  placesOf(ids) {
    return ids.filter((id) => this.#plan.indexOf.has(id)).map((id) => this.words.place(this.#plan.indexOf.get(id)));
  }

  // What one should know of the seat of this name.
  notesOf(id) {
    return this.#plan.indexOf.has(id) ? this.words.notes(this.#plan.indexOf.get(id)) : [];
  }

  #dropLost() {
    if (this.#page.isHolding()) return; // they may be gone because this fan has just got them
    const lost = [...this.#picked].filter((index) => !this.#plan.isFree(index));
    for (const index of lost) this.#picked.delete(index);
    if (lost.length) this.#page.onGone(lost.map((index) => this.words.place(index)).join("; "));
  }

  update({ isFilterNew = false } = {}) {
    const { tiers, sections } = countFree(this.#plan, this.#filter);
    this.#sections = sections;
    const { currency } = this.#page;
    const state = { picked: this.#picked, filter: this.#filter };
    this.#map.update({ ...state, sections, lines: sections.map((each) => sectionLines(each, currency)) });
    this.#list.update({ ...state, labels: sections.map((each) => sectionWords(each, currency)), isFilterNew });
    this.#page.onFree(this.#plan.tiers.map(({ tier }, at) => ({ tier, available: tiers[at] })));
    this.#fillTray();
    this.#page.onPicks(this.pickedIds);
  }

  #fillTray() {
    show("[data-tray]", this.#picked.size > 0);
    const [places, total] = this.words.total(this.#picked);
    fill("picked", places);
    fill("total", total);
    const chips = [...this.#picked].map((index) => {
      const seat = this.words.place(index);
      return make("li", {}, make("button",
        { type: "button", "aria-label": text("remove", { seat }), onclick: () => this.pick(index) }, seat, make("span", { "aria-hidden": "true" }, " ×")));
    });
    this.#root.querySelector("[data-tray-seats]").replaceChildren(...chips);
  }

  #sectionWords(section) {
    return `${this.#plan.sections[section]}, ${sectionWords(this.#sections[section], this.#page.currency)}`;
  }

  // What is under the mouse or the keyboard's cursor, beside it.
  #tip(kind, index, x, y) {
    const element = this.#root.querySelector("[data-map-tip]");
    element.hidden = index < 0;
    if (index < 0) return;
    const [title, facts] = kind === "section"
      ? [this.#plan.sections[index], sectionWords(this.#sections[index], this.#page.currency)]
      : [this.words.place(index), this.words.facts(index, this.#picked.has(index))];
    element.firstElementChild.textContent = title;
    element.lastElementChild.textContent = facts;
    const { clientWidth } = element.parentElement;
    const half = element.offsetWidth / 2 + 8;
    const isBelow = y < element.offsetHeight + 24;
    const left = Math.min(clientWidth - half, Math.max(half, x));
    element.style.transform = `translate(${left}px, ${y}px) translate(-50%, ${isBelow ? "20px" : "calc(-100% - 18px)"})`;
  }

  #wire() {
    const { sections } = this.#plan;
    const jump = this.#root.querySelector("[data-jump]");
    sections.forEach((name, section) => jump.append(make("option", { value: section }, name)));
    jump.addEventListener("change", () => (jump.value === "" ? this.#map.showAll() : this.#map.showSection(Number(jump.value))));
    this.#onClick("[data-zoom]", ({ dataset }) => this.#map.zoom(dataset.zoom === "in" ? BUTTON_ZOOM : 1 / BUTTON_ZOOM));
    this.#onClick("[data-view]", ({ dataset }) => this.#chooseView(dataset.view));
    this.#onClick(".tier-filter", (button) => {
      button.ariaPressed = String(this.#filter.toggleTier(button.dataset.tier));
      this.update({ isFilterNew: true });
    });
    this.#root.querySelector("[data-accessible-only]").addEventListener("change", ({ target }) => {
      this.#filter.isAccessibleOnly = target.checked;
      this.update({ isFilterNew: true });
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#map.readColors();
      this.update();
    });
  }

  #onClick(selector, act) {
    for (const button of this.#root.querySelectorAll(selector)) button.addEventListener("click", () => act(button));
  }

  #chooseView(name) {
    for (const button of this.#root.querySelectorAll("[data-view]")) button.ariaPressed = String(button.dataset.view === name);
    for (const panel of this.#root.querySelectorAll("[data-panel]")) panel.hidden = panel.dataset.panel !== name;
    this.#root.dataset.view = name;
  }
}
