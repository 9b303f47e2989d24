// How long the waiting page waits before it asks again, and what the fan is told meanwhile.

import { jittered } from "/static/base/js/requests.js";
import { elapsedMs } from "/static/base/js/steady_clock.js";
import { plural } from "/static/base/js/texts.js";

export const RETRY_MS = 4_000; // when the server did not say how long
const RETRY_MAX_MS = 30_000;

const waits = new Set();

// Waits after an answer that is none yet (null: nobody answered), and returns what the fan was told. `words`
// is the text of the notice; `said` what the round before returned: what lasts is said aloud once.
export async function waitOut(view, answer, attempt, words, said) {
  // Who stands at the door is told the very moment; nobody else comes at it.
  const exactMs = answer?.document?.retry_after_ms;
  const delayMs = exactMs ?? jittered(answer?.retryAfterMs || Math.min(RETRY_MAX_MS, RETRY_MS * attempt), 0.3);
  const name = answer ? "busy" : navigator.onLine ? "trouble" : "offline";
  const told = answer ? words : name;
  view.trouble(name, answer ? plural(words, Math.ceil(delayMs / 1000)) : "", told !== said);
  await new Promise((resolve) => {
    waits.add({ endsAt: elapsedMs() + delayMs, resolve });
    setTimeout(resolve, delayMs);
  });
  return told;
}

// Ends the waits whose time is over. Browsers let timers of a tab that nobody sees for long run once a minute,
// and the line takes half a minute without a question for leaving; boards of a stream come in time there.
export function endWaits() {
  for (const wait of waits) {
    if (elapsedMs() < wait.endsAt) continue;
    waits.delete(wait);
    wait.resolve();
  }
}
