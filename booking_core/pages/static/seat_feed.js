// Keeps the seats' states current: a snapshot, then changes; a gap means a new snapshot.

import { ask, jittered, pause } from "/static/base/js/requests.js";

const RETRY_MS = 3_000;
const RETRY_MAX_MS = 30_000;

export class SeatFeed {
  #url;
  #handlers;
  #epoch = null;
  #seq = -1;
  #isLoading = false;

  // handlers: onSnapshot(document), onChanges(pairs, stock), onTrouble(isTrouble), onRefused(answer).
  constructor(seatsUrl, handlers) {
    this.#url = seatsUrl;
    this.#handlers = handlers;
  }

  async start() {
    await this.reload();
    if (!globalThis.EventSource) return;
    const stream = new EventSource(`${this.#url}/changes`);
    stream.addEventListener("seats", ({ data }) => this.#take(JSON.parse(data)));
    stream.addEventListener("reload", () => this.reload());
    // What was missed while away comes with a new snapshot.
    stream.addEventListener("open", () => this.#handlers.onTrouble(false));
    stream.addEventListener("error", () => this.#handlers.onTrouble(true));
    addEventListener("pagehide", () => stream.close());
  }

  async reload() {
    if (this.#isLoading) return;
    this.#isLoading = true;
    for (let delayMs = RETRY_MS; ; delayMs = Math.min(RETRY_MAX_MS, delayMs * 2)) {
      const answer = await ask("GET", this.#url).catch(() => null);
      if (answer?.ok) {
        ({ epoch: this.#epoch, seq: this.#seq } = answer.document);
        this.#handlers.onSnapshot(answer.document);
        break;
      }
      if (answer?.status === 403) {
        this.#handlers.onRefused(answer);
        break;
      }
      this.#handlers.onTrouble(true);
      await pause(jittered(answer?.retryAfterMs || delayMs));
    }
    this.#isLoading = false;
  }

  #take({ epoch, from, seq, changes, stock }) {
    if (epoch === this.#epoch && seq <= this.#seq) return undefined;
    if (epoch !== this.#epoch || from > this.#seq) return this.reload();
    this.#seq = seq;
    return this.#handlers.onChanges(changes ?? [], stock);
  }
}
