// The place that follows from what the board says of the draw, so that at the opening nobody need ask for theirs.

import { placeOf } from "./draw.js";

// From 1; null where only the server knows: the entry was lost with a store, or some stand behind others of
// their cluster, which the board does not say.
export function drawnPlace({ draw, phase }, entryNumber) {
  if (!draw) return phase === "before" ? null : entryNumber;
  if (draw.state !== "drawn" || !draw.seed || draw.behind) return null;
  return placeOf(draw.seed, entryNumber, draw.count, draw.gaps);
}
