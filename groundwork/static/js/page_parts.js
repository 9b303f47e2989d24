// Small helpers to write into the page: data-fill elements, a live region that does not chatter.

import { dateLocale } from "./texts.js";

const ANNOUNCE_EVERY_MS = 60_000; // a screen reader should not be interrupted more often

export function fill(name, value, root = document) {
  for (const element of root.querySelectorAll(`[data-fill="${name}"]`)) {
    if (element.textContent !== String(value)) element.textContent = value;
  }
}

export function show(selector, isShown, root = document) {
  for (const element of root.querySelectorAll(selector)) element.hidden = !isShown;
}

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Speaks through a role=status element: changes of stage at once, the rest once a minute.
export class Announcer {
  #element;
  #lastAt = -Infinity;

  constructor(element) {
    this.#element = element;
  }

  say(words, { isNews = false } = {}) {
    if (!isNews && performance.now() - this.#lastAt < ANNOUNCE_EVERY_MS) return;
    this.#lastAt = performance.now();
    this.#element.textContent = words;
  }
}

// Every <time data-local> in the clock of the fan, with the name of the time zone;
// data-local="day" shows the day alone, data-local="time" the time alone.
export function localTimes() {
  const day = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
  const time = { hour: "2-digit", minute: "2-digit" };
  const shown = { day, time };
  for (const element of document.querySelectorAll("time[data-local]")) {
    const wanted = shown[element.dataset.local] ?? { ...day, ...time, timeZoneName: "short" };
    element.textContent = new Intl.DateTimeFormat(dateLocale(), wanted).format(new Date(element.dateTime));
  }
}
