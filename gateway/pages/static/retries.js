// How long the waiting page waits before it asks again, and what the fan is told meanwhile.

import { jittered, pause } from "/static/base/js/requests.js";
import { plural } from "/static/base/js/texts.js";

export const RETRY_MS = 4_000; // when the server did not say how long
const RETRY_MAX_MS = 30_000;

// Waits after an answer that is none yet (null: nobody answered), and returns what the fan was told. `words`
// is the text of the notice; `said` what the round before returned: what lasts is said aloud once.
export async function waitOut(view, answer, attempt, words, said) {
  // Who stands at the door is told the very moment; nobody else comes at it.
  const exactMs = answer?.document?.retry_after_ms;
  const delayMs = exactMs ?? jittered(answer?.retryAfterMs || Math.min(RETRY_MAX_MS, RETRY_MS * attempt), 0.3);
  const name = answer ? "busy" : navigator.onLine ? "trouble" : "offline";
  const told = answer ? words : name;
  view.trouble(name, answer ? plural(words, Math.ceil(delayMs / 1000)) : "", told !== said);
  await pause(delayMs);
  return told;
}
