// Checkout: the clock of the hold, more time, and a payment that is made once however often it is
// asked for.

import { HoldClock } from "./hold_clock.js";
import { loadDeviceKey } from "/static/base/js/device_key.js";
import { Announcer, fill, localTimes, show } from "/static/base/js/page_parts.js";
import { ask, isPassing, jittered, pause } from "/static/base/js/requests.js";
import { hasText, text } from "/static/base/js/texts.js";

const PAY_WITHIN_MS = 75_000; // the slowest card we know authorises after 30 s
const SLOW_AFTER_MS = 5_000; // then we say that it is the bank
const ATTEMPTS_MAX = 8;
const RETRY_MS = 3_000;
const KEY_BYTES = 16; // nobody else's payment has the same key
// Nothing was tried at the bank, and the shop has let the hold go; the last of them is too many cards.
const LET_GO = ["seats-taken", "sold-out", "over-seat-limit", "too-many-requests"];

const root = document.getElementById("main");
const { reservation: reservationId, sale: saleId } = root.dataset;
const payForm = root.querySelector('form[data-form="pay"]');
// The shop names another key once an order of this hold has come to its end, on this page or elsewhere.
const keyName = `onsale.pay.${reservationId}.${payForm.elements.idempotency_key.value}`;
const announcer = new Announcer(root.querySelector("[data-announcer]"));
// A phone's clock may be minutes off; proofs carry the server's time.
const clockOffsetMs = root.dataset.nowMs ? Number(root.dataset.nowMs) - Date.now() : 0;
let clock = null;
let isPaying = false;

// --- the clock of the hold

// The time ran out, unless there is another reason.
function lose(code = "") {
  clock?.stop();
  show('[data-while="held"]', false);
  show('[data-while="lost"]', true);
  if (code) fill("lost_title", text(`lost_${code}_title`));
  if (code) fill("lost_text", text(`lost_${code}_text`));
  const words = code ? `${text(`lost_${code}_title`)}. ${text(`lost_${code}_text`)}` : text("say_lost");
  announcer.say(words, { isNews: true });
}

// More time is given once, and to a press whose answer was lost the same again.
async function extend(form) {
  const headers = { "Idempotency-Key": `extend.${reservationId}` };
  const answer = await ask("POST", `/api/bookings/${encodeURIComponent(reservationId)}/extend`, { headers }).catch(() => null);
  if (answer?.status === 410) return clock?.end();
  const isUsed = answer?.code === "extension-refused";
  if (!answer?.ok && !isUsed) return refuse("problem", problemWords(answer && !isPassing(answer) ? answer.code : "other"));
  show('[data-notice="pay"]', false);
  form.hidden = isUsed || !answer.document.extendable;
  show("[data-extended]", form.hidden);
  if (isUsed) return clock?.setRight(); // given in another tab, perhaps: the clock here does not know
  announcer.say(text("say_extended"), { isNews: true });
  return clock?.restart(answer.document.expires_in_ms);
}

// --- paying

// One key for one attempt to pay, kept over reloads; a declined attempt ends it.
function paymentKey() {
  const key = sessionStorage.getItem(keyName) ?? payForm.elements.idempotency_key.value;
  sessionStorage.setItem(keyName, key);
  return key;
}

function newPaymentKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  const key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  sessionStorage.setItem(keyName, key);
  payForm.elements.idempotency_key.value = key;
}

async function pay() {
  const data = new FormData(payForm);
  const body = { reservation_id: reservationId, payment_method: data.get("payment_method"), idempotency_key: paymentKey() };
  if (data.get("email")) body.email = data.get("email");
  const deviceKey = await loadDeviceKey(saleId);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const url = "/api/bookings/complete";
    const headers = deviceKey ? { DPoP: await deviceKey.prove("POST", url, Date.now() + clockOffsetMs) } : {};
    const answer = await ask("POST", url, { body, headers, withinMs: PAY_WITHIN_MS }).catch(() => null);
    if (answer && answer.code !== "request-in-progress" && !(isPassing(answer) && !LET_GO.includes(answer.code))) return settle(answer);
    const delayMs = jittered(answer?.retryAfterMs || RETRY_MS * attempt, 0.3);
    refuse("unknown", text("unknown_text", { seconds: Math.ceil(delayMs / 1000) }));
    await pause(delayMs);
  }
  return refuse("unknown", text("gave_up_text"));
}

async function settle({ status, code, document: answer }) {
  if (status === 201 || status === 200) return location.assign(`/orders/${encodeURIComponent(answer.booking_id)}`);
  // A card is typed at the payment provider; what a bank asks is announced on the order's page first.
  if (status === 202 && answer.next_action_url && payForm.elements.payment_method.value === "card_form") return location.assign(answer.next_action_url);
  if (status === 202) return location.assign(answer.order_url ?? `/orders/${encodeURIComponent(answer.booking_id)}`);
  if (LET_GO.includes(code)) return lose(code);
  // It may have been paid for, by an earlier press or in another tab.
  if (code === "hold-lost" && !(await clock?.end())) return;
  if (code !== "payment-declined") {
    if (["idempotency-key-reused", "hold-lost"].includes(code)) newPaymentKey();
    return refuse("problem", problemWords(code === "hold-lost" ? "other" : code)); // it is held still
  }
  newPaymentKey();
  clock?.setRight(); // the payment was given time, and the hold has kept it
  const reason = `decline_${answer.decline_reason}`;
  return refuse("declined", text("declined_text", { reason: text(hasText(reason) ? reason : "decline_declined") }));
}

function problemWords(code) {
  return text(hasText(`problem_${code}`) ? `problem_${code}` : "problem_other");
}

function refuse(kind, words) {
  fill("pay_title", text(`${kind}_title`));
  fill("pay_text", words);
  const notice = root.querySelector('[data-notice="pay"]');
  notice.hidden = false;
  notice.classList.toggle("bad", kind !== "unknown");
  notice.scrollIntoView({ block: "nearest" });
  announcer.say(`${text(`${kind}_title`)}. ${words}`, { isNews: true });
}

async function onPay(event) {
  event.preventDefault();
  if (isPaying) return; // impatient presses are one payment
  isPaying = true;
  show('[data-notice="pay"]', false);
  const button = payForm.querySelector(".pay");
  button.setAttribute("aria-disabled", "true");
  fill("pay_label", text("paying"));
  const slow = setTimeout(() => fill("pay_label", text("paying_long")), SLOW_AFTER_MS);
  await pay().catch(() => refuse("problem", text("problem_other")));
  clearTimeout(slow);
  fill("pay_label", text("pay"));
  button.removeAttribute("aria-disabled");
  isPaying = false;
}

localTimes();
payForm.addEventListener("submit", onPay);
root.querySelector('form[data-form="extend"]').addEventListener("submit", (event) => {
  event.preventDefault();
  extend(event.target);
});
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
if (Number(root.dataset.expiresInMs) > 0) {
  clock = new HoldClock(root.querySelector("[data-hold-bar]"), reservationId, Number(root.dataset.expiresInMs), {
    say: (words) => announcer.say(words, { isNews: true }),
    onOver: lose,
    mayEnd: () => !isPaying,
  });
}
