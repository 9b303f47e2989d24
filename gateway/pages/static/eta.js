// How long the wait is: from the board's table of distances, in words.

import { text } from "/static/base/js/texts.js";

// { p10, p50, p90 } in seconds for that distance, straight lines between the rows of the table;
// null when the table says nothing.
export function estimate(table, distance) {
  const rows = (table ?? []).filter((row) => row.p90 != null);
  if (!rows.length || distance == null) return null;
  rows.sort((a, b) => a.distance - b.distance);
  const above = rows.find((row) => row.distance >= distance);
  const last = rows.at(-1);
  if (!above) return scaled(last, last.distance ? distance / last.distance : 1);
  const below = rows[rows.indexOf(above) - 1] ?? { distance: 0, p10: 0, p50: 0, p90: 0 };
  const span = above.distance - below.distance;
  const share = span ? (distance - below.distance) / span : 1;
  const between = (key) => below[key] + (above[key] - below[key]) * share;
  return { p10: between("p10"), p50: between("p50"), p90: between("p90") };
}

// The same words as the macro eta_text of waiting_parts.html.
export function etaWords(eta, phase) {
  if (phase === "paused") return text("eta_paused");
  if (!eta) return text("eta_unknown");
  if (eta.p90 < 60) return text("eta_soon");
  const [unit, name] = eta.p90 >= 7200 ? [3600, "hours"] : [60, "minutes"];
  const low = Math.floor(eta.p10 / unit);
  const high = Math.ceil(eta.p90 / unit);
  if (!low) return text(`eta_${name}_most`, { high });
  if (low === high) return text(name === "minutes" ? "eta_minutes" : "eta_hours_most", { high });
  return text(`eta_${name}_range`, { low, high });
}

function scaled(row, factor) {
  return { p10: row.p10 * factor, p50: row.p50 * factor, p90: row.p90 * factor };
}
