// The waiting page with JavaScript: joins, follows the board, and goes in when it is the turn.

import { isDrawn, isStale, servingIn } from "./board.js";
import { BoardFeed } from "./board_feed.js";
import { Cues } from "./cues.js";
import { askedWithinMs, placeOnBoard } from "./drawn_place.js";
import { FanRecord, noteCommitment } from "./fan_record.js";
import { MoveLink } from "./move_link.js";
import { PlaceView } from "./place_view.js";
import { ProofOfWork } from "./proof_of_work.js";
import { RETRY_MS, endWaits, waitOut } from "./retries.js";
import { focusStage, keepFocus } from "./stage_focus.js";
import { openDeviceKey } from "/static/base/js/device_key.js";
import { localTimes } from "/static/base/js/page_parts.js";
import { ask, isPassing, jittered, pause } from "/static/base/js/requests.js";
import { elapsedMs } from "/static/base/js/steady_clock.js";
import { formatClock, text } from "/static/base/js/texts.js";

const ATTEMPTS_MAX = 30; // with the pauses between them about five minutes; then the fan decides
const CALL_KNOWN_MS = 1_200; // every process has heard of a call by then
const PLACE_AGAIN_MS = 45_000; // a called fan's clock is set right this often: an outage of ours gives them time

const root = document.getElementById("main");
const { sale: saleId, event: eventId, proofWorker, servingAtJoin, nowMs } = root.dataset;
const api = `/api/sales/${saleId}`;
const wanted = eventId ? { event: eventId } : {}; // it goes along wherever the fan is sent
const eventQuery = eventId && `?event=${eventId}`;
const clockOffsetMs = Number(nowMs) - Date.now();
const record = new FanRecord(saleId);
const view = new PlaceView(root);
const cues = new Cues(root);
const movePart = root.querySelector("[data-move]"); // not where a mailbox has the place
const moveLink = movePart && new MoveLink(movePart, () => askPlace(0));
const numberOr = (value, change = (number) => number) => (value === undefined ? null : change(Number(value)));
const state = {
  board: JSON.parse(root.dataset.board),
  place: numberOr(root.dataset.place),
  entryNumber: numberOr(root.dataset.entryNumber),
  servingAtJoin: Number(servingAtJoin) || record.read().servingAtJoin || 0,
  goTo: root.dataset.goTo,
  refusal: root.dataset.refusal,
  lane: root.dataset.lane,
  isMoved: root.dataset.stage === "moved" || record.read().isMoved,
};
let claimEndsAt = numberOr(root.dataset.claimWithinMs, (ms) => elapsedMs() + ms);
let feed = { mode: "polling", nextAt: elapsedMs() };
let isOld = isStale(state.board, serverNow()); // it came so; one that grows old here is replaced soon
let deviceKey = Promise.resolve(null);
let isAskingPlace = false;

function serverNow() {
  return Date.now() + clockOffsetMs;
}

function render() {
  const wasTurn = view.isTurn;
  const isNews = view.render(state, serverNow());
  if (lacksPlace() && isDrawn(state.board)) learnPlace();
  if (view.isTurn && !wasTurn) called(); // also when the sale goes on
  if (!view.isTurn && wasTurn) cues.stop();
  if (view.isTurn !== wasTurn) view.trouble(null); // what was told at the door is over
  if (!view.isTurn) claimEndsAt = null; // in a pause it stands still
  if (isNews) keepFocus(root);
}

// What follows from the board needs nobody to be asked: then thousands learn their place at once.
async function learnPlace() {
  const place = await placeOnBoard(state.board, state.entryNumber);
  if (place != null && lacksPlace()) takePlace({ place });
  else askPlace(Math.random() * askedWithinMs(state.board));
}

// How long room is kept only the server says: the news of the call may have come late.
function called() {
  cues.start(() => {
    const leftMs = claimEndsAt === null ? 0 : claimEndsAt - elapsedMs();
    return leftMs > 0 ? text("title_called_clock", { clock: formatClock(leftMs) }) : text("title_called");
  });
  askPlace(0);
}

function tick() {
  const opensInMs = Math.max(0, Date.parse(state.board.opens_at) - serverNow());
  if (!opensInMs && view.stage === "entered") render();
  view.tick({
    opensInMs,
    claimInMs: claimEndsAt === null ? null : Math.max(0, claimEndsAt - elapsedMs()),
    isOld,
    feed,
  });
}

// --- joining

const proof = new ProofOfWork(saleId, proofWorker, (step) => view.check(step));

async function join(form) {
  state.refusal = ""; // of a try before this one
  render();
  const key = await deviceKey;
  const accessCode = new FormData(form).get("access_code");
  let resolvedStale = false;
  let said = "";
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const altcha = await proof.payload(key?.jkt);
    const answer = await send("join", { altcha, ...(accessCode ? { access_code: accessCode } : {}) });
    if (answer?.ok) return joined(answer.document);
    if (answer && !isPassing(answer)) {
      proof.discard();
      // A solution can grow old on its way; that is nobody's fault, so solve another once.
      if (answer.code === "bot-check-failed" && !resolvedStale) {
        resolvedStale = true;
        continue;
      }
      return joinRefused(answer);
    }
    said = await waitOut(view, answer, attempt, "busy_text", said);
  }
  proof.discard(); // it may be spent, and for another code it is none
  return view.trouble("trouble");
}

function joined({ ticket, place, entry_number: entryNumber, lane }) {
  Object.assign(state, { place: place ?? null, entryNumber: entryNumber ?? null, lane: lane ?? "" });
  state.servingAtJoin = servingIn(state.board, state.lane);
  record.write({ ticket, servingAtJoin: state.servingAtJoin });
  noteCommitment(record, state.board.draw);
  view.trouble(null);
  render();
  focusStage(root);
}

function joinRefused({ code, document: problem }) {
  if (code === "ticket-moved") return moved();
  if (code === "mailbox-needed") return location.assign(problem.mailbox_url + eventQuery);
  if (code === "bot-check-failed") state.refusal = problem.reason || "other";
  else view.refused(code);
  render();
}

// --- going in

async function admit() {
  let said = "";
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const { ticket } = record.read();
    const answer = await send("admit", { ...(ticket ? { ticket } : {}), ...wanted });
    if (answer?.ok) {
      state.goTo = answer.document.go_to;
      render();
      return location.assign(state.goTo);
    }
    if (answer?.code === "ticket-moved") return moved();
    if (answer?.code === "step-up-needed") return location.assign(answer.document.check_url + eventQuery);
    if (answer?.code === "device-proof-invalid") return view.trouble("busy", text("lost_key_text"));
    const isEarly = answer?.status === 425;
    if (answer && !isEarly && !isPassing(answer)) return view.refused(answer.code);
    if (isEarly) attempt = 1; // we were reached, and who falls silent loses the room they wait for
    said = await waitOut(view, answer, attempt, isEarly ? "too_early_text" : "busy_text", said);
    if (!view.isTurn) return undefined; // given up meanwhile, or nobody is let in
  }
  return view.trouble("trouble");
}

async function leave() {
  const { ticket } = record.read();
  if (!(await send("leave", ticket ? { ticket } : {}))?.ok) return view.trouble("trouble");
  forgetPlace();
  view.trouble(null);
  return focusStage(root);
}

// --- going on elsewhere

async function makeLink() {
  const { ticket } = record.read();
  const answer = await send("move", { ...(ticket ? { ticket } : {}), ...wanted });
  if (answer?.ok) return moveLink.show(answer.document, clockOffsetMs);
  if (answer?.code === "ticket-moved") return moved();
  if (answer?.code === "device-proof-invalid") return view.trouble("busy", text("lost_key_text"));
  return answer && !isPassing(answer) ? view.refused(answer.code) : view.trouble("trouble");
}

// Another device has the place. The page still says so after it was loaded again.
function moved() {
  state.isMoved = true;
  forgetPlace();
  record.write({ isMoved: true });
}

// The answer, or null when nobody answered.
async function send(action, body) {
  const url = `${api}/${action}`;
  const key = await deviceKey;
  const headers = key ? { DPoP: await key.prove("POST", url, serverNow()) } : {};
  return ask("POST", url, { body, headers }).catch(() => null);
}

// --- where the fan stands

async function askPlace(delayMs) {
  if (isAskingPlace) return;
  isAskingPlace = true;
  await pause(delayMs);
  const { ticket } = record.read();
  const headers = ticket ? { Authorization: `Bearer ${ticket}` } : {};
  const answer = await ask("GET", `${api}/place`, { headers }).catch(() => null);
  isAskingPlace = false;
  if (answer?.ok) takePlace(answer.document);
  else if (answer?.code === "ticket-moved") moved();
  else if (answer?.code === "ticket-invalid") forgetPlace();
  else if (lacksPlace() || lacksClock()) askPlace(jittered(answer?.retryAfterMs || RETRY_MS));
}

const lacksPlace = () => ["drawing", "sold_out"].includes(view.stage) && state.place == null && state.entryNumber != null;
const lacksClock = () => view.isTurn && claimEndsAt === null;

// The server does not know our ticket: better to say so now than to let the fan wait for nothing.
function forgetPlace() {
  record.forget();
  claimEndsAt = null;
  moveLink?.hide();
  Object.assign(state, { place: null, entryNumber: null, servingAtJoin: 0, lane: "", refusal: "" });
  render();
}

function takePlace(found) {
  state.place = found.place ?? state.place;
  state.entryNumber = found.entry_number ?? state.entryNumber;
  state.lane = found.lane ?? state.lane;
  if (found.called !== false) claimEndsAt = numberOr(found.claim_within_ms, (ms) => elapsedMs() + ms);
  render();
  // Another process answered, which does not know of the call yet.
  if (found.called === false && lacksClock()) askPlace(jittered(CALL_KNOWN_MS));
}

// --- start

function onSubmit(name, action) {
  const form = root.querySelector(`form[data-form="${name}"]`);
  if (!form) return; // not on this sale's page
  let isRunning = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isRunning) return; // impatient taps are one wish
    isRunning = true;
    const button = form.querySelector("button");
    button.setAttribute("aria-disabled", "true");
    await action(form).catch(() => view.trouble("trouble"));
    view.revealTrouble();
    button.removeAttribute("aria-disabled");
    isRunning = false;
  });
  form.querySelector("button").disabled = false; // now that a press is heard
}

function start() {
  localTimes();
  onSubmit("join", (form) => {
    if (root.querySelector("[data-check]").dataset.check === "solving") view.check("waiting");
    return join(form);
  });
  onSubmit("code", join);
  onSubmit("admit", admit);
  onSubmit("leave", leave);
  onSubmit("move", makeLink);
  deviceKey = openDeviceKey(saleId);
  new BoardFeed(saleId, (board) => {
    state.board = board;
    isOld = isStale(board, serverNow());
    view.updated(new Date(board.at_ms - clockOffsetMs));
    render();
    endWaits();
  }, (next) => {
    // A notice about something the fan did stays; only our own "cannot reach" goes with its cause.
    if (next.mode === "lost") view.trouble(navigator.onLine ? "trouble" : "offline");
    else if (feed.mode === "lost") view.trouble(null);
    feed = next;
    tick();
  }).start();
  setInterval(tick, 1000);
  const setClockRight = () => view.isTurn && !document.hidden && askPlace(0);
  setInterval(setClockRight, PLACE_AGAIN_MS);
  document.addEventListener("visibilitychange", setClockRight);
  view.updated(new Date(state.board.at_ms - clockOffsetMs));
  render();
  if (state.place == null && state.entryNumber == null && record.read().ticket) askPlace(0);
  const canJoin = root.querySelector('form[data-form="join"]') && ["before", "open"].includes(view.stage);
  if (canJoin) deviceKey.then((key) => proof.payload(key?.jkt)).catch(() => {});
}

// Without Web Crypto (an address without https) the page works like one without JavaScript.
if (ProofOfWork.isPossible) start();
else document.documentElement.classList.add("plain");
