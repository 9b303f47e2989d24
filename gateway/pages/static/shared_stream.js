// One stream of boards for all tabs of a browser: over HTTP/1.1 that opens six connections to a
// host, and a stream takes one for as long as its tab is open. The tab with the lock has the stream
// and passes every board on; when it goes, the next one has the lock.

import { jittered } from "/static/base/js/requests.js";

const STREAM_RETRY_MS = 30_000; // a stream that was refused is tried again this much later

export class SharedStream {
  #url;
  #handlers;
  #stream = null;
  #channel = null;
  #leaving = null;

  // handlers: onBoard(board), and onTrouble() when the stream of this tab broke or was refused.
  constructor(url, handlers) {
    this.#url = url;
    this.#handlers = handlers;
  }

  start() {
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", ({ persisted }) => persisted && this.#enter());
    this.#enter();
  }

  #enter() {
    if (!globalThis.EventSource) return this.#handlers.onTrouble();
    // Without https a browser has no locks; then each tab has its own stream.
    if (!navigator.locks || !globalThis.BroadcastChannel) return this.#open();
    this.#channel = new BroadcastChannel(this.#url);
    this.#channel.addEventListener("message", ({ data }) => this.#handlers.onBoard(JSON.parse(data)));
    const { signal } = (this.#leaving = new AbortController());
    const hold = () => new Promise((release) => {
      signal.addEventListener("abort", release);
      if (signal.aborted) release();
      else this.#open();
    });
    return navigator.locks.request(this.#url, { signal }, hold).catch(() => signal.aborted || this.#open());
  }

  #leave() {
    this.#leaving?.abort();
    this.#stream?.close();
    this.#channel?.close();
    this.#stream = this.#channel = this.#leaving = null;
  }

  #open() {
    const stream = new EventSource(this.#url);
    this.#stream = stream;
    stream.addEventListener("board", ({ data }) => {
      this.#channel?.postMessage(data);
      this.#handlers.onBoard(JSON.parse(data));
    });
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) {
        setTimeout(() => stream === this.#stream && this.#open(), jittered(STREAM_RETRY_MS));
      }
      this.#handlers.onTrouble();
    });
  }
}
