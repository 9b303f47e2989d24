// How much time went by, also while the device slept: the browser's steady clock stands still then
// on most phones, and the wall clock alone jumps whenever somebody sets it.

const SLEPT_FROM_MS = 2_000; // less is the wall clock being set right, as it is all day

let sleptMs = 0;
let hidden = null;

// For lengths only: what it counts from means nothing.
export function elapsedMs() {
  return performance.now() + sleptMs;
}

function note() {
  const now = { wallMs: Date.now(), steadyMs: performance.now() };
  if (hidden && !document.hidden) {
    const lostMs = now.wallMs - hidden.wallMs - (now.steadyMs - hidden.steadyMs);
    if (lostMs >= SLEPT_FROM_MS) sleptMs += lostMs;
  }
  hidden = document.hidden ? now : null;
}

// This is heard before the listeners of those who import it, so that they have the time right.
document.addEventListener("visibilitychange", note);
note();
