// The clock of a hold, on every page that a fan sees while they have one.

import { fill } from "/static/base/js/page_parts.js";
import { formatClock, plural, text } from "/static/base/js/texts.js";

const TICK_MS = 500; // a second is never shown much too late
const LAST_MINUTE_MS = 60_000;
const SAY_AT_MINUTES = [5, 2]; // a screen reader hears these, and the last minute

export class HoldClock {
  #bar;
  #handlers;
  #endsAt;
  #timer;
  #lastMinute = Infinity;

  // handlers: say(words), onOver(), and mayEnd() which says no while a payment is under way.
  constructor(bar, leftMs, { say, onOver, mayEnd = () => true }) {
    this.#bar = bar;
    this.#handlers = { say, onOver, mayEnd };
    this.restart(leftMs);
  }

  // The hold lasts so long from now on.
  restart(leftMs) {
    this.#endsAt = performance.now() + leftMs;
    this.#lastMinute = Infinity;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  stop() {
    clearInterval(this.#timer);
    this.#bar.classList.add("is-over");
  }

  #tick() {
    const leftMs = this.#endsAt - performance.now();
    fill("hold_clock", formatClock(leftMs));
    this.#bar.classList.toggle("is-urgent", leftMs < LAST_MINUTE_MS);
    if (leftMs <= 0 && this.#handlers.mayEnd()) {
      this.stop();
      this.#handlers.onOver();
      return;
    }
    const minute = Math.ceil(leftMs / LAST_MINUTE_MS);
    if (minute < this.#lastMinute && SAY_AT_MINUTES.includes(minute)) this.#handlers.say(plural("say_time", minute));
    if (minute < this.#lastMinute && minute === 1) this.#handlers.say(text("say_last"));
    this.#lastMinute = minute;
  }
}
