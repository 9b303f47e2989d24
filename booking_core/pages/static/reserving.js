// Holding places: one operation for one wish, however often it is asked for, and what comes of it.

import { ask, isPassing, jittered, pause } from "/static/base/js/requests.js";

const ATTEMPTS_MAX = 4;
const RETRY_MS = 1_500; // a gateway that restarts is back by the second try
const PATIENCE_MS = 10_000; // who has to wait for longer is told, and decides
const KEY_BYTES = 16; // nobody else's wish has the same key

// Hold what the wish says; with a hold already, change that to the wish instead. Returns the answer, or null when none came;
// then, and while the shop is busy, the same wish is the same operation when it is asked for again, also after a reload, and
// never a second hold.
export async function reserve(eventId, wish, heldId = "") {
  const key = { idempotency_key: operationOf(eventId, { ...wish, heldId }) };
  const body = heldId ? { ...wish, ...key } : { event_id: eventId, ...wish, ...key };
  const url = heldId ? `/api/bookings/${encodeURIComponent(heldId)}/swap` : "/api/bookings/reserve";
  for (let attempt = 1; ; attempt++) {
    const answer = await ask("POST", url, { body }).catch(() => null);
    if (answer && !mayPass(answer)) {
      sessionStorage.removeItem(nameOf(eventId));
      return answer;
    }
    if (attempt === ATTEMPTS_MAX || answer?.retryAfterMs > PATIENCE_MS) return answer;
    await pause(jittered(answer?.retryAfterMs || RETRY_MS * attempt));
  }
}

// With 429 the shop also says that others have their turn; it does so for minutes.
function mayPass(answer) {
  return isPassing(answer) && answer.code !== "held-long-enough";
}

// Give a hold back; says whether it is gone.
export async function release(reservationId) {
  const answer = await ask("DELETE", `/api/bookings/${encodeURIComponent(reservationId)}`).catch(() => null);
  return Boolean(answer?.ok || answer?.status === 404);
}

function nameOf(eventId) {
  return `onsale.wish.${eventId}`;
}

function operationOf(eventId, wish) {
  const wanted = JSON.stringify(wish);
  const kept = JSON.parse(sessionStorage.getItem(nameOf(eventId)) ?? "{}");
  if (kept.wanted === wanted) return kept.key;
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem(nameOf(eventId), JSON.stringify({ wanted, key }));
  return key;
}
