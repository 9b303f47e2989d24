// The page of a move with JavaScript: takes the place with a key of this browser.

import { FanRecord } from "./fan_record.js";
import { offerCopy } from "./move_link.js";
import { openDeviceKey } from "/static/base/js/device_key.js";
import { fill, localTimes, show } from "/static/base/js/page_parts.js";
import { ask } from "/static/base/js/requests.js";
import { hasText, text } from "/static/base/js/texts.js";

const main = document.getElementById("main");
const { sale: saleId, waitingRoom, nowMs } = main.dataset;
const clockOffsetMs = Number(nowMs) - Date.now();
const form = document.querySelector('form[data-form="claim"]');

// The answer, or null when nobody answered; undefined where this browser can keep no key.
async function claim(link) {
  const url = `/api/sales/${saleId}/move/claim`;
  const key = await openDeviceKey(saleId);
  if (!key) return undefined;
  const headers = { DPoP: await key.prove("POST", url, Date.now() + clockOffsetMs) };
  return ask("POST", url, { body: { link }, headers }).catch(() => null);
}

function refused({ code, document: problem }) {
  const reason = code === "move-link-invalid" && problem.reason === "used" ? "taken" : problem.reason;
  const words = hasText(`${reason}_text`) ? reason : "invalid";
  fill("title", text(`${words}_title`));
  fill("refusal", text(`${words}_text`));
  show('[data-part="refusal"]', true);
  show('[data-part="claim"]', false);
  show('[data-part="way-on"]', true);
  const heading = document.querySelector("h1");
  heading.setAttribute("tabindex", "-1");
  heading.focus();
}

async function take() {
  const answer = await claim(new FormData(form).get("link"));
  if (answer === undefined) return form.submit(); // as a browser without JavaScript does it
  if (answer?.ok) {
    const record = new FanRecord(saleId);
    record.forget(); // of a place that this browser had
    record.write({ ticket: answer.document.ticket });
    return location.assign(waitingRoom);
  }
  if (["move-link-invalid", "move-refused"].includes(answer?.code)) return refused(answer);
  show('[data-notice="trouble"]', true);
}

localTimes();
if (document.querySelector("[data-move-copy]")) offerCopy(document);
if (form) {
  const button = form.querySelector("button");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return; // impatient taps are one wish
    button.setAttribute("aria-disabled", "true");
    show('[data-notice="trouble"]', false);
    await take().catch(() => show('[data-notice="trouble"]', true));
    button.removeAttribute("aria-disabled");
  });
}
