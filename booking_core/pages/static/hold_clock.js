// The clock of a hold, on every page that a fan sees while they have one.

import { checkoutOf, holdNow } from "./hold_now.js";
import { fill } from "/static/base/js/page_parts.js";
import { jittered, pause } from "/static/base/js/requests.js";
import { elapsedMs } from "/static/base/js/steady_clock.js";
import { formatClock, plural, text } from "/static/base/js/texts.js";

const TICK_MS = 500; // a second is never shown much too late
const LAST_MINUTE_MS = 60_000;
const ASKED_AGAIN_MS = 5_000; // whoever switches to and fro has a clock that is right
const SAY_AT_MINUTES = [5, 2]; // a screen reader hears these, and the last minute

export class HoldClock {
  #bar;
  #reservationId;
  #handlers;
  #endsAt;
  #setAt;
  #timer;
  #lastMinute = Infinity;

  // handlers: say(words), onOver(), and mayEnd() which says no while a payment is under way.
  constructor(bar, reservationId, leftMs, { say, onOver, mayEnd = () => true }) {
    this.#bar = bar;
    this.#reservationId = reservationId;
    this.#handlers = { say, onOver, mayEnd };
    this.restart(leftMs);
    document.addEventListener("visibilitychange", () => document.hidden || this.#seenAgain());
  }

  // The hold lasts so long from now on.
  restart(leftMs) {
    this.#setAt = elapsedMs();
    this.#endsAt = this.#setAt + leftMs;
    this.#lastMinute = Infinity;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#bar.classList.add("is-over");
  }

  // The hold may have got more time elsewhere, or be over.
  async setRight() {
    const { leftMs } = await holdNow(this.#reservationId);
    if (leftMs !== undefined && this.#timer) this.restart(leftMs);
  }

  #seenAgain() {
    if (this.#timer && elapsedMs() - this.#setAt >= ASKED_AGAIN_MS) this.setRight();
  }

  // Over by what this page knows: another one, or a payment, may have given it more time, or paid for it.
  // Says whether it goes on; only the shop can tell, and without its answer nothing is said to be over.
  async end() {
    const timer = this.#timer;
    clearInterval(timer);
    for (;;) {
      const { leftMs, isElsewhere } = await holdNow(this.#reservationId);
      if (this.#timer !== timer) return Boolean(this.#timer); // it was set right or ended meanwhile
      if (leftMs > 0) {
        this.restart(leftMs);
        return true;
      }
      if (isElsewhere) {
        location.assign(checkoutOf(this.#reservationId));
        return false;
      }
      if (leftMs === 0) break;
      await pause(jittered(ASKED_AGAIN_MS));
    }
    this.stop();
    this.#handlers.onOver();
    return false;
  }

  #tick() {
    const leftMs = this.#endsAt - elapsedMs();
    fill("hold_clock", formatClock(leftMs));
    this.#bar.classList.toggle("is-urgent", leftMs < LAST_MINUTE_MS);
    if (leftMs <= 0 && this.#handlers.mayEnd()) {
      this.end();
      return;
    }
    const minute = Math.ceil(leftMs / LAST_MINUTE_MS);
    if (minute < this.#lastMinute && SAY_AT_MINUTES.includes(minute)) this.#handlers.say(plural("say_time", minute));
    if (minute < this.#lastMinute && minute === 1) this.#handlers.say(text("say_last"));
    this.#lastMinute = minute;
  }
}
