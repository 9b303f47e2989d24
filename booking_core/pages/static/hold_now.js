// How a hold stands at this moment. Its checkout page knows, and nothing else does.

const ANSWER_WITHIN_MS = 10_000; // a clock that runs meanwhile is good enough without

// { leftMs }, 0 when it is over; { isElsewhere } where its page leads on, to its order or to the waiting room;
// neither when nobody answered.
export async function holdNow(reservationId) {
  const asked = { headers: { Accept: "text/html" }, redirect: "manual", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) };
  try {
    const response = await fetch(checkoutOf(reservationId), asked);
    if (response.type === "opaqueredirect") return { isElsewhere: true };
    if (response.status === 404) return { leftMs: 0 };
    // After a declined card the page comes with 402, and the hold lives.
    if (!response.ok && response.status !== 402) return {};
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return { leftMs: Number(page.getElementById("main").dataset.expiresInMs) };
  } catch {
    return {};
  }
}

// The page of a hold; of one that was paid for it leads to the order.
export function checkoutOf(reservationId) {
  return `/checkout/${encodeURIComponent(reservationId)}`;
}
