// How long the wait is: from the board's table of distances, in words.

import { formatTime, plural, text } from "/static/base/js/texts.js";

const MINUTE_MS = 60_000;

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
  if (!low || (name === "hours" && low === high)) return plural(`eta_${name}_most`, high, { high });
  return plural(low === high ? "eta_minutes" : `eta_${name}_range`, high, { low, high });
}

// When the turn comes, as times of the day in the fan's own clock; "" when that says nothing.
export function etaTimes(eta, phase, atMs) {
  if (!eta || phase === "paused" || eta.p90 < 60) return "";
  const [earliest, time, latest] = [eta.p10, eta.p50, eta.p90].map((seconds) => formatTime(atMs + seconds * 1000));
  const isNarrow = (eta.p90 - eta.p10) * 1000 < MINUTE_MS;
  return isNarrow || earliest === latest ? text("eta_around", { time }) : text("eta_between", { time, earliest, latest });
}

function scaled(row, factor) {
  return { p10: row.p10 * factor, p50: row.p50 * factor, p90: row.p90 * factor };
}
