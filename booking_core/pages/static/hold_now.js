// How long a hold lasts at this moment. Its checkout page knows, and nothing else does.

const ANSWER_WITHIN_MS = 10_000; // a clock that runs meanwhile is good enough without

// In milliseconds, 0 when it is over; null when nobody answered or when there is an order by now.
export async function holdLeftMs(reservationId) {
  const address = `/checkout/${encodeURIComponent(reservationId)}`;
  const asked = { headers: { Accept: "text/html" }, redirect: "manual", signal: AbortSignal.timeout(ANSWER_WITHIN_MS) };
  try {
    const response = await fetch(address, asked);
    if (response.status === 404) return 0;
    if (!response.ok) return null;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return Number(page.getElementById("main").dataset.expiresInMs);
  } catch {
    return null;
  }
}
