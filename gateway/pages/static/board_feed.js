// Brings the status board: pushed by the server while that works, else polled as often as the
// board itself allows. A hidden page polls nothing and asks once when it is seen again.

import { ask, jittered } from "/static/base/js/requests.js";

const POLL_FIRST_MS = 3_000; // before a board has told us how often
const POLL_FAILED_MS = 5_000; // doubled with each failure up to the next line
const POLL_FAILED_MAX_MS = 60_000;
const STREAM_RETRY_MS = 30_000; // a stream that was refused is tried again this much later
const SILENCE_MAX_MS = 60_000; // a stream may die without a word; then look once

export class BoardFeed {
  #saleId;
  #onBoard;
  #onState;
  #stream = null;
  #policy = { after_ms: POLL_FIRST_MS, jitter_ms: 0 };
  #timer = 0;
  #failures = 0;
  #lastAt = performance.now();
  #isAsking = false;

  // `onBoard(board)` for each newer board; `onState({ mode: "live" | "polling" | "lost", nextAt })`.
  constructor(saleId, onBoard, onState) {
    this.#saleId = saleId;
    this.#onBoard = onBoard;
    this.#onState = onState;
  }

  start() {
    document.addEventListener("visibilitychange", () => this.#seenAgain());
    addEventListener("online", () => this.#schedule(0));
    addEventListener("pagehide", () => this.#stream?.close());
    addEventListener("pageshow", (event) => event.persisted && this.#openStream());
    setInterval(() => this.#breakSilence(), SILENCE_MAX_MS / 4);
    this.#openStream();
  }

  #openStream() {
    this.#stream?.close();
    if (!globalThis.EventSource) return this.#schedule(0);
    const stream = new EventSource(`/api/sales/${this.#saleId}/events`);
    this.#stream = stream;
    stream.addEventListener("board", ({ data }) => {
      this.#schedule(null);
      this.#take(JSON.parse(data));
      this.#onState({ mode: "live", nextAt: null });
    });
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) {
        setTimeout(() => stream === this.#stream && this.#openStream(), jittered(STREAM_RETRY_MS));
      }
      if (!this.#timer) this.#schedule(jittered(this.#policy.after_ms / 2));
    });
  }

  #take(board) {
    this.#failures = 0;
    this.#lastAt = performance.now();
    if (board.poll?.after_ms > 0) this.#policy = board.poll;
    this.#onBoard(board);
  }

  // Poll in that many milliseconds; null: not at all.
  #schedule(delayMs) {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (delayMs === null || document.hidden) return;
    this.#timer = setTimeout(() => this.#poll(), delayMs);
    const mode = this.#failures ? "lost" : "polling";
    this.#onState({ mode, nextAt: performance.now() + delayMs });
  }

  async #poll() {
    this.#timer = 0;
    if (this.#isAsking) return;
    this.#isAsking = true;
    let delayMs;
    try {
      const answer = await ask("GET", `/api/sales/${this.#saleId}/status`);
      if (!answer.ok) throw Object.assign(new Error(answer.code), answer);
      this.#take(answer.document);
      delayMs = this.#policy.after_ms + Math.random() * (this.#policy.jitter_ms ?? 0);
    } catch (error) {
      this.#failures += 1;
      const backoff = Math.min(POLL_FAILED_MAX_MS, POLL_FAILED_MS * 2 ** (this.#failures - 1));
      delayMs = jittered(Math.max(error.retryAfterMs ?? 0, backoff));
    } finally {
      this.#isAsking = false;
    }
    const isLive = this.#stream?.readyState === EventSource.OPEN && !this.#failures;
    this.#schedule(isLive ? null : delayMs);
    if (isLive) this.#onState({ mode: "live", nextAt: null });
  }

  #seenAgain() {
    if (document.hidden) return this.#schedule(null);
    // Whoever switches to and fro must not poll each time.
    const sinceMs = performance.now() - this.#lastAt;
    if (sinceMs > 1000) this.#schedule(Math.max(0, Math.min(this.#policy.after_ms - sinceMs, 3000)));
  }

  #breakSilence() {
    if (!this.#timer && performance.now() - this.#lastAt > SILENCE_MAX_MS) this.#schedule(0);
  }
}
