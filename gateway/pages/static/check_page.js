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
const button = form.querySelector("button");
const proof = new ProofOfWork(saleId, proofWorker, (step) => fill("check", text(`check_${step}`)), "step-up");

async function passed() {
  const url = `/api/sales/${saleId}/step-up`;
  const key = await openDeviceKey(saleId);
  const answer = await proof.payload(key?.jkt);
  const { ticket } = new FanRecord(saleId).read();
  const headers = key ? { DPoP: await key.prove("POST", url, Date.now() + clockOffsetMs) } : {};
  const body = { way: "work", answer, ...(ticket ? { ticket } : {}) };
  return (await ask("POST", url, { body, headers })).ok;
}

async function check() {
  show('[data-notice="trouble"]', false);
  if (await passed().catch(() => false)) return location.assign(`/sales/${saleId}`);
  proof.discard();
  fill("check", text("check_failed"));
  show('[data-notice="trouble"]', true);
}

// Without Web Crypto the page works like one without JavaScript.
if (ProofOfWork.isPossible) {
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return; // impatient taps are one wish
    button.setAttribute("aria-disabled", "true");
    await check();
    button.removeAttribute("aria-disabled");
  });
} else document.documentElement.classList.add("plain");
