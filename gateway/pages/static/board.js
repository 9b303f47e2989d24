// What the status board means for one fan: the same rules as gateway/pages/board_view.py and views.py.

const GENERAL = "general";
const ESTIMATES_TOLD_MIN = 20; // fewer say little
const RATE_CHANGE_SHOWN_MS = 15 * 60_000; // so long a change explains an estimate
const STALE_AFTER_MS = 15_000; // boards are made every second, until the sale is closed

export function isPriority(lane) {
  return Boolean(lane) && lane !== GENERAL;
}

// How far the fan's lane was called.
export function servingIn(board, lane) {
  const found = isPriority(lane) ? board.lanes?.find((each) => each.lane === lane) : null;
  return found ? found.serving ?? found.called : board.serving;
}

// How many wait in the lanes that are called before the fan's own.
function waitingBefore({ lanes = [] }, lane) {
  const position = lanes.findIndex((each) => each.lane === (lane || GENERAL));
  return lanes.slice(0, Math.max(0, position)).reduce((sum, each) => sum + each.waiting, 0);
}

// The waits by distance that are told in the fan's lane.
export function etaTableOf({ lanes = [], eta }, lane) {
  const own = lanes.find((each) => each.lane === lane)?.eta;
  return own?.length ? own : eta;
}

// Places between two numbers that nobody has: what a store lost is passed over.
function gapsBetween({ lanes = [], gaps = [] }, lane, serving, place) {
  const own = isPriority(lane) ? lanes.find((each) => each.lane === lane)?.gaps ?? [] : gaps;
  return own.reduce((sum, [first, last]) => sum + Math.max(0, Math.min(last, place - 1) - Math.max(first, serving + 1) + 1), 0);
}

export function aheadOf({ board, place, lane }) {
  const serving = servingIn(board, lane);
  const inLane = (place ?? 0) - serving - 1 - gapsBetween(board, lane, serving, place ?? 0);
  return Math.max(0, inLane) + waitingBefore(board, lane);
}

// Before the draw is made nobody can know their place, so nobody asks.
export function isDrawn({ draw }) {
  return !draw || draw.state === "drawn";
}

// Which part of the page is shown; the same rules as WaitingPage.stage.
export function stageOf(state, nowMs) {
  const { board, place, entryNumber, goTo, refusal, lane, isMoved } = state;
  if (goTo) return "inside";
  if (isMoved) return "moved";
  if (board.phase === "closed" || board.phase === "sold_out") return board.phase;
  if (place != null) return place <= servingIn(board, lane) ? "called" : "waiting";
  const isEarly = board.phase === "before" && nowMs < Date.parse(board.opens_at);
  if (entryNumber != null) return isEarly ? "entered" : "drawing";
  if (refusal) return "refused";
  if (board.phase === "draining") return "full";
  return board.phase === "before" ? "before" : "open";
}

// Whether the fan may go in: in a pause, and until a postponed opening, nobody may.
export function isTurnOf(stage, { phase }) {
  return stage === "called" && ["open", "draining"].includes(phase);
}

// What title and heading name: the stage, or what keeps a called fan out.
export function headingOf(stage, board) {
  if (stage !== "called" || isTurnOf(stage, board)) return stage;
  return board.phase === "paused" ? "paused" : "before";
}

// "likely", "uncertain", "unlikely", or "" when nobody knows.
export function chanceOf({ board, place, lane }) {
  if (!board.odds || place == null) return "";
  const ahead = aheadOf({ board, place, lane });
  if (ahead < board.odds.likely) return "likely";
  return ahead < board.odds.uncertain ? "uncertain" : "unlikely";
}

// The share of estimates that held, cut down to whole percent; null while too few were told.
export function keptShare({ eta_kept: kept }) {
  return kept && kept.told >= ESTIMATES_TOLD_MIN ? Math.floor((100 * kept.kept) / kept.told) / 100 : null;
}

export function isPaceNews({ rate_changed: changed, at_ms: atMs }) {
  return Boolean(changed) && atMs - Date.parse(changed.at) < RATE_CHANGE_SHOWN_MS;
}

export function isStale({ at_ms: atMs, phase }, nowMs) {
  return phase !== "closed" && nowMs - atMs > STALE_AFTER_MS;
}

// The tiers that were to be had in the board before and are not any more: [{ event, tier }].
export function tiersGone(before, now) {
  if (!before?.stock || !now.stock) return [];
  const had = new Map(before.stock.flatMap(({ event, tiers }) => tiers.map((tier) => [`${event}\n${tier.tier}`, tier.available])));
  return now.stock.flatMap((event) =>
    event.tiers.filter((tier) => tier.available <= 0 && had.get(`${event.event}\n${tier.tier}`) > 0).map((tier) => ({ event, tier })));
}
