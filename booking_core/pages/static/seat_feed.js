// Keeps the seats' states current: a snapshot, then changes; a gap means a new snapshot.

import { ask, jittered, pause } from "/static/base/js/requests.js";

const RETRY_MS = 3_000;
const RETRY_MAX_MS = 30_000;
const REOPEN_MS = 5_000; // up to six times that: who was refused was refused with many
// A map that nobody sees needs no stream; a browser over HTTP/1.1 has but six connections for all its
// tabs. Whoever switches to and fro keeps theirs.
const UNSEEN_MS = 20_000;

export class SeatFeed {
  #url;
  #handlers;
  #epoch = null;
  #seq = -1;
  #loading = null;
  #isWanted = false;
  #meanwhile = [];
  #isRefused = false;
  #stream = null;
  #reopening = 0;
  #closing = 0;

  // handlers: onSnapshot(document), onChanges(pairs, stock), onTrouble(isTrouble), onRefused(answer).
  constructor(seatsUrl, handlers) {
    this.#url = seatsUrl;
    this.#handlers = handlers;
  }

  async start() {
    await this.reload();
    if (!globalThis.EventSource) return;
    document.addEventListener("visibilitychange", () => this.#seenOrNot());
    addEventListener("pagehide", () => this.#close());
    this.#seenOrNot();
  }

  // Get a snapshot; one that is asked for while another is on its way comes after it.
  reload() {
    this.#isWanted = true;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
      for (const batch of this.#meanwhile.splice(0)) this.#take(batch);
    });
    return this.#loading;
  }

  #seenOrNot() {
    clearTimeout(this.#closing);
    if (document.hidden) this.#closing = setTimeout(() => this.#close(), UNSEEN_MS);
    else if (!this.#stream && !this.#reopening) this.#open();
  }

  #close() {
    this.#stream?.close();
    this.#stream = null;
  }

  // What changed since the newest state we have is told first.
  #open() {
    if (this.#isRefused) return;
    const stream = new EventSource(`${this.#url}/changes?since=${this.#epoch}-${this.#seq}`);
    this.#stream = stream;
    stream.addEventListener("seats", ({ data }) => this.#take(JSON.parse(data)));
    stream.addEventListener("reload", () => this.reload());
    stream.addEventListener("open", () => this.#handlers.onTrouble(false));
    stream.addEventListener("error", () => {
      this.#handlers.onTrouble(true);
      if (stream.readyState === EventSource.CLOSED && stream === this.#stream) this.#reopenLater();
    });
  }

  // A browser tries again what broke off, but not what was refused.
  #reopenLater() {
    this.#close();
    this.#reopening = setTimeout(async () => {
      await this.reload(); // all that is seen, should the stream be refused for longer
      this.#reopening = 0;
      if (!document.hidden) this.#open();
    }, jittered(REOPEN_MS, 5));
  }

  async #load() {
    while (this.#isWanted) {
      this.#isWanted = false;
      for (let delayMs = RETRY_MS; !(await this.#loadOnce(delayMs)); delayMs = Math.min(RETRY_MAX_MS, delayMs * 2));
    }
  }

  // Says whether there is an answer; else it has waited until the next one may be asked for.
  async #loadOnce(delayMs) {
    const answer = await ask("GET", this.#url).catch(() => null);
    if (answer?.ok) {
      ({ epoch: this.#epoch, seq: this.#seq } = answer.document);
      this.#handlers.onSnapshot(answer.document);
      return true;
    }
    this.#isRefused = answer?.status === 403;
    if (this.#isRefused) {
      this.#handlers.onRefused(answer);
      return true;
    }
    this.#handlers.onTrouble(true);
    await pause(jittered(answer?.retryAfterMs || delayMs));
    return false;
  }

  #take(batch) {
    // The snapshot that is on its way may be older than this or newer: that shows when it is here.
    if (this.#loading) return this.#meanwhile.push(batch);
    const { epoch, from, seq, changes, stock } = batch;
    if (epoch === this.#epoch && seq <= this.#seq) return undefined;
    if (epoch !== this.#epoch || from > this.#seq) return this.reload();
    this.#seq = seq;
    return this.#handlers.onChanges(changes ?? [], stock);
  }
}
