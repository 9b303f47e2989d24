// The bot check: fetches a challenge and solves it in workers, in the background, before the fan
// presses the button.

import { ask, isPassing, jittered, pause } from "/static/base/js/requests.js";

const WORKERS_MAX = 4; // more only heats a phone
// The server refuses what was handed out more than five minutes ago; stay clear of that.
const FRESH_FOR_MS = 4 * 60_000;
const CHALLENGE_ATTEMPTS_MAX = 6;

export class ProofOfWork {
  #saleId;
  #workerUrl;
  #onState;
  #purpose;
  #solving = null;
  #solvedAt = -Infinity;

  // `onState` hears "solving", "solved" and "failed". `purpose` is "" for joining, else "step-up".
  constructor(saleId, workerUrl, onState, purpose = "") {
    this.#purpose = purpose;
    this.#saleId = saleId;
    this.#workerUrl = workerUrl;
    this.#onState = onState;
  }

  static get isPossible() {
    return Boolean(globalThis.crypto?.subtle && globalThis.Worker);
  }

  // The base64 payload for joining, from the work done ahead if that is still fresh.
  payload(jkt) {
    const isStale = this.#solvedAt !== -Infinity && performance.now() - this.#solvedAt > FRESH_FOR_MS;
    if (!this.#solving || isStale) this.#solving = this.#solve(jkt);
    return this.#solving;
  }

  // Forget what was solved: the server did not want it.
  discard() {
    this.#solving = null;
  }

  async #solve(jkt) {
    this.#solvedAt = -Infinity;
    this.#onState("solving");
    try {
      const challenge = await this.#fetchChallenge(jkt);
      const startedAt = performance.now();
      const solution = await search(challenge.parameters, this.#workerUrl);
      this.#solvedAt = performance.now();
      solution.time = Math.round(this.#solvedAt - startedAt);
      this.#onState("solved");
      return btoa(JSON.stringify({ challenge, solution }));
    } catch (error) {
      this.#solving = null;
      this.#onState("failed");
      throw error;
    }
  }

  async #fetchChallenge(jkt) {
    const query = new URLSearchParams({ ...(jkt ? { jkt } : {}), ...(this.#purpose ? { for: this.#purpose } : {}) });
    for (let attempt = 1; ; attempt++) {
      const answer = await ask("GET", `/api/sales/${this.#saleId}/challenge?${query}`);
      if (answer.ok) return answer.document;
      if (!isPassing(answer) || attempt === CHALLENGE_ATTEMPTS_MAX) throw new Error(answer.code);
      await pause(jittered(answer.retryAfterMs || 1000 * attempt));
    }
  }
}

function search(parameters, workerUrl) {
  const step = Math.min(WORKERS_MAX, Math.max(1, navigator.hardwareConcurrency || 1));
  const workers = Array.from({ length: step }, () => new Worker(workerUrl));
  return new Promise((resolve, reject) => {
    workers.forEach((worker, start) => {
      worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
      worker.onerror = () => reject(new Error("the worker did not start"));
      worker.postMessage({ parameters, start, step });
    });
  }).finally(() => workers.forEach((worker) => worker.terminate()));
}
