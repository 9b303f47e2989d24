// The page of the check before going in, with JavaScript: computes for some seconds, then goes on.

import { FanRecord } from "./fan_record.js";
import { ProofOfWork } from "./proof_of_work.js";
import { openDeviceKey } from "/static/base/js/device_key.js";
import { fill, show } from "/static/base/js/page_parts.js";
import { ask } from "/static/base/js/requests.js";
import { text } from "/static/base/js/texts.js";

const main = document.getElementById("main");
const { sale: saleId, nowMs, proofWorker } = main.dataset;
const clockOffsetMs = Number(nowMs) - Date.now();
const form = document.querySelector('form[data-form="work"]');
const proof = new ProofOfWork(saleId, proofWorker, (step) => fill("check", text(`check_${step}`)), "step-up");

async function passed(way, answerFor) {
  const url = `/api/sales/${saleId}/step-up`;
  const key = await openDeviceKey(saleId);
  const answer = await answerFor(key);
  const { ticket } = new FanRecord(saleId).read();
  const headers = key ? { DPoP: await key.prove("POST", url, Date.now() + clockOffsetMs) } : {};
  const body = { way, answer, ...(ticket ? { ticket } : {}) };
  return (await ask("POST", url, { body, headers })).ok;
}

async function check(way, answerFor) {
  show('[data-notice="trouble"]', false);
  if (await passed(way, answerFor).catch(() => false)) return location.assign(`/sales/${saleId}`);
  proof.discard();
  if (way === "work") fill("check", text("check_failed"));
  show('[data-notice="trouble"]', true);
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
  if (other) onSubmit(other, () => check("captcha", async () => new FormData(other).get(other.dataset.field)));
} else document.documentElement.classList.add("plain");
