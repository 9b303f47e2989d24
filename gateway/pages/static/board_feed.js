// Brings the status board: pushed by the server while that works, else polled as often as the board
// itself allows. Who looks elsewhere is polled for too, only less often: the page has to call them.

import { SharedStream } from "./shared_stream.js";
import { ask, jittered } from "/static/base/js/requests.js";
import { elapsedMs } from "/static/base/js/steady_clock.js";

const POLL_FIRST_MS = 3_000; // before a board has told us how often
const POLL_FAILED_MS = 5_000; // doubled with each failure up to the next line
const POLL_FAILED_MAX_MS = 60_000;
const POLL_UNSEEN_MS = 15_000; // up to twice that: a call leaves minutes, and unseen tabs are many
const SEEN_AGAIN_MS = 3_000; // who comes back waits no longer for news
// Boards come every second: five that are missing are no hiccup any more. It happens to all who
// listen at once when it is ours, so that the first look is spread.
const SILENCE_MAX_MS = 5_000;
const SILENCE_SPREAD_MS = 10_000;
const LOOK_EVERY_MS = 1_000;
// Who is answered with the board they have asks half as often each time: while nobody makes new ones, all
// streams are silent and all browsers poll. Of a closed sale none comes any more.
const UNCHANGED_MAX_MS = 30_000;
const CLOSED_MAX_MS = 300_000;

export class BoardFeed {
  #saleId;
  #onBoard;
  #onState;
  #stream;
  #policy = { after_ms: POLL_FIRST_MS, jitter_ms: 0 };
  #timer = 0;
  #failures = 0;
  #unchanged = 0;
  #last = null;
  #askedAt = elapsedMs(); // or told: the page itself came with a board
  #pushedAt = -Infinity;
  #isAsking = false;

  // `onBoard(board)` for each newer board; `onState({ mode: "live" | "polling" | "lost", nextAt })`.
  constructor(saleId, onBoard, onState) {
    this.#saleId = saleId;
    this.#onBoard = onBoard;
    this.#onState = onState;
    this.#stream = new SharedStream(`/api/sales/${saleId}/events`, {
      onBoard: (board) => this.#pushed(board),
      // Nearly always it broke for all: the stream is back by then, or they ask one after the other.
      onTrouble: () => this.#timer || this.#schedule(this.#pollMs() / 2 + this.#spreadMs()),
    });
  }

  start() {
    document.addEventListener("visibilitychange", () => this.#seenOrNot());
    addEventListener("online", () => this.#schedule(0));
    setInterval(() => this.#breakSilence(), LOOK_EVERY_MS);
    this.#stream.start();
  }

  // Only what it says tells that a stream is there: one may die without a word, and a proxy may keep it back.
  get #isLive() {
    return elapsedMs() - this.#pushedAt < SILENCE_MAX_MS;
  }

  #pushed(board) {
    this.#pushedAt = elapsedMs();
    this.#schedule(null);
    this.#take(board);
    this.#onState({ mode: "live", nextAt: null });
  }

  #take(board) {
    this.#failures = 0;
    this.#askedAt = elapsedMs();
    this.#unchanged = board.seq === this.#last?.seq ? this.#unchanged + 1 : 0;
    this.#last = board;
    if (board.poll?.after_ms > 0) this.#policy = board.poll;
    this.#onBoard(board);
  }

  // Poll in that many milliseconds; null: not at all.
  #schedule(delayMs) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (delayMs === null) return;
    const waitMs = document.hidden ? Math.max(delayMs, jittered(POLL_UNSEEN_MS, 1)) : delayMs;
    this.#timer = setTimeout(() => this.#poll(), waitMs);
    const mode = this.#failures ? "lost" : "polling";
    this.#onState({ mode, nextAt: elapsedMs() + waitMs });
  }

  async #poll() {
    this.#timer = 0;
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#askedAt = elapsedMs();
    let delayMs;
    try {
      const answer = await ask("GET", `/api/sales/${this.#saleId}/status`);
      if (!answer.ok) throw Object.assign(new Error(answer.code), answer);
      this.#take(answer.document);
      delayMs = this.#pollMs() + Math.random() * (this.#policy.jitter_ms ?? 0);
    } catch (error) {
      this.#failures += 1;
      const backoff = Math.min(POLL_FAILED_MAX_MS, POLL_FAILED_MS * 2 ** (this.#failures - 1));
      delayMs = jittered(Math.max(error.retryAfterMs ?? 0, backoff));
    } finally {
      this.#isAsking = false;
    }
    if (!this.#isLive) return this.#schedule(delayMs);
    this.#schedule(null);
    return this.#onState({ mode: "live", nextAt: null });
  }

  #pollMs() {
    const { after_ms: afterMs } = this.#policy;
    const mostMs = this.#last?.phase === "closed" ? CLOSED_MAX_MS : UNCHANGED_MAX_MS;
    return Math.max(afterMs, Math.min(mostMs, afterMs * 2 ** this.#unchanged));
  }

  #spreadMs() {
    return Math.random() * Math.min(this.#pollMs(), SILENCE_SPREAD_MS);
  }

  #seenOrNot() {
    if (this.#isLive || this.#isAsking) return;
    // Whoever switches to and fro must not poll each time.
    const soonMs = this.#policy.after_ms - (elapsedMs() - this.#askedAt);
    this.#schedule(document.hidden ? this.#policy.after_ms : Math.max(0, Math.min(soonMs, SEEN_AGAIN_MS)));
  }

  #breakSilence() {
    const isSoon = elapsedMs() - this.#askedAt < SILENCE_MAX_MS; // a stream takes a moment to open, too
    if (this.#timer || this.#isAsking || this.#isLive || isSoon) return;
    this.#schedule(this.#spreadMs());
  }
}
