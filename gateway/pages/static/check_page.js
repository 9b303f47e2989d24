// The page of the check before going in, with JavaScript: computes for some seconds, then goes on.

import { FanRecord } from "./fan_record.js";
import { ProofOfWork } from "./proof_of_work.js";
import { openDeviceKey } from "/static/base/js/device_key.js";
import { fill, show } from "/static/base/js/page_parts.js";
import { ask } from "/static/base/js/requests.js";
import { text } from "/static/base/js/texts.js";

const main = document.getElementById("main");
const { sale: saleId, waitingRoom, nowMs, proofWorker } = main.dataset;
const clockOffsetMs = Number(nowMs) - Date.now();
const form = document.querySelector('form[data-form="work"]');
const proof = new ProofOfWork(saleId, proofWorker, (step) => fill("check", text(`check_${step}`)), "step-up");

// Ask for something in the name of the fan, whose key signs it; `bodyFor` is given that key.
async function send(path, bodyFor) {
  const url = `/api/sales/${saleId}/${path}`;
  const key = await openDeviceKey(saleId);
  const asked = await bodyFor(key);
  const { ticket } = new FanRecord(saleId).read();
  const headers = key ? { DPoP: await key.prove("POST", url, Date.now() + clockOffsetMs) } : {};
  return ask("POST", url, { body: { ...asked, ...(ticket ? { ticket } : {}) }, headers });
}

async function check(way, answerFor) {
  hideNotices();
  const asked = send("step-up", async (key) => ({ way, answer: await answerFor(key) }));
  const answer = await asked.catch(() => null);
  if (answer?.ok) return location.assign(waitingRoom);
  proof.discard();
  if (way === "work") fill("check", text("check_failed"));
  if (way === "captcha") renewWidget();
  show(`[data-notice="${answer?.status === 429 ? "limited" : "trouble"}"]`, true);
}

// A widget's answer counts once, also where it did not count. Only what was loaded is there.
function renewWidget() {
  for (const widget of [window.turnstile, window.hcaptcha, window.grecaptcha]) widget?.reset();
  for (const widget of window.frcaptcha?.getAllWidgets() ?? []) widget.reset();
}

function hideNotices() {
  for (const name of ["trouble", "limited"]) show(`[data-notice="${name}"]`, false);
}

// --- a code by mail

const MAIL_REASONS = {
  "request-invalid": "email",
  "too-many-requests": "limited",
  "mail-unavailable": "unavailable",
};

function tellOfMail(answer) {
  const reason = answer?.code === "mail-code-invalid" ? answer.document.reason : MAIL_REASONS[answer?.code];
  if (reason) fill("mail_told", text(`mail_${reason}`));
  else show('[data-notice="trouble"]', true);
}

async function askForCode(form) {
  hideNotices();
  const email = new FormData(form).get("email");
  const answer = await send("step-up/code", async () => ({ email })).catch(() => null);
  if (!answer?.ok) return tellOfMail(answer);
  fill("mail_told", text("mail_sent"));
  show('form[data-form="mail"]', true);
  document.getElementById("code").focus();
}

async function tryCode(form) {
  hideNotices();
  const code = new FormData(form).get("code");
  const answer = await send("step-up", async () => ({ way: "mail", answer: code })).catch(() => null);
  if (answer?.ok) return location.assign(waitingRoom);
  tellOfMail(answer);
}

function onSubmit(form, action) {
  const button = form.querySelector("button");
  button.disabled = false; // now that a press is heard
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return; // impatient taps are one wish
    button.setAttribute("aria-disabled", "true");
    await action();
    button.removeAttribute("aria-disabled");
  });
}

// Without Web Crypto the page works like one without JavaScript.
if (ProofOfWork.isPossible) {
  onSubmit(form, () => check("work", (key) => proof.payload(key?.jkt)));
  const other = document.querySelector('form[data-form="captcha"]');
  for (const [name, act] of Object.entries({ "mail-ask": askForCode, mail: tryCode })) {
    const mail = document.querySelector(`form[data-form="${name}"]`);
    if (mail) onSubmit(mail, () => act(mail));
  }
  if (other) onSubmit(other, () => check("captcha", async () => new FormData(other).get(other.dataset.field)));
} else document.documentElement.classList.add("plain");
