// The place that follows from what the board says of the draw, so that at the opening nobody need ask for theirs.

const SPREAD_MS = 4_000; // others ask for it after the draw: not all in one moment,
const PLACES_A_SECOND = 2_000; // and no more of them in a second than a gateway with a core to itself answers

// From 1; null where only the server knows: the entry was lost with a store, or some stand behind others of
// their cluster, which the board does not say.
export async function placeOnBoard({ draw, phase }, entryNumber) {
  if (entryNumber == null) return null;
  if (!draw) return phase === "before" ? null : entryNumber;
  if (draw.state !== "drawn" || !draw.seed || draw.behind) return null;
  // Only where there is a draw, and then once.
  const { placeOf } = await import("./draw.js").catch(() => ({}));
  return placeOf?.(draw.seed, entryNumber, draw.count, draw.gaps) ?? null;
}

// Within how long all who have to ask do so.
export function askedWithinMs({ draw }) {
  return Math.max(SPREAD_MS, ((draw?.count ?? 0) / PLACES_A_SECOND) * 1000);
}
