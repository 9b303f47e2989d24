// The order page: while the bank is not clear, looks again and shows the outcome when it is there.

import { localTimes } from "/static/base/js/page_parts.js";
import { ask, jittered, pause } from "/static/base/js/requests.js";
import { formatTime, text } from "/static/base/js/texts.js";

const LOOK_FIRST_MS = 2_000;
const LOOK_MAX_MS = 15_000; // a bank that took minutes will not be noticed later by this

const root = document.getElementById("main");
const { booking, status } = root.dataset;

async function watch() {
  const line = root.querySelector("[data-announcer]");
  for (let delayMs = LOOK_FIRST_MS; ; delayMs = Math.min(LOOK_MAX_MS, delayMs * 1.4)) {
    await pause(jittered(delayMs, 0.3));
    if (document.hidden) await seenAgain();
    const answer = await ask("GET", `/api/bookings/${encodeURIComponent(booking)}`).catch(() => null);
    if (answer?.ok && (answer.document.status !== status || hasNewAction(answer.document))) return location.reload();
    // Said once, then only shown: a line that changes every few seconds is noise to a screen reader.
    line.setAttribute("aria-live", "off");
    const time = formatTime(new Date());
    line.textContent = answer?.ok ? text("still", { time }) : text("unreachable");
  }
}

function hasNewAction({ next_action_url: url }) {
  return Boolean(url) && !root.querySelector(`a[href="${CSS.escape(url)}"]`);
}

function seenAgain() {
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

localTimes();
if (["pending", "awaited"].includes(status)) watch();
