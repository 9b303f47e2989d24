// The page of the seats: best available, choosing by oneself, and holding what was chosen.

import { HoldClock } from "./hold_clock.js";
import { checkoutOf } from "./hold_now.js";
import { PlaceQuestion } from "./place_question.js";
import { Refusals } from "./refusals.js";
import { release, reserve } from "./reserving.js";
import { SeatChooser } from "./seat_chooser.js";
import { SeatFeed } from "./seat_feed.js";
import { SeatPlan } from "./seat_plan.js";
import { fill, localTimes, show } from "/static/base/js/page_parts.js";
import { ask, pause } from "/static/base/js/requests.js";
import { formatMoney, plural, text } from "/static/base/js/texts.js";

const PLAN_RETRY_MS = 4_000;

const root = document.getElementById("main");
const { event: eventId, currency, planUrl, seatsUrl } = root.dataset;
const seatsMax = Number(root.dataset.seatsMax);
const tiers = JSON.parse(root.dataset.tiers);
const charges = JSON.parse(root.dataset.charges);
const picksName = `onsale.picks.${eventId}`;
const announcer = root.querySelector("[data-announcer]");
const refusals = new Refusals(root.querySelector('[data-notice="refusal"]'), say);
let heldId = root.querySelector("[data-hold-bar]")?.dataset.held ?? "";
let clock = null;
let chooser = null;
let isHolding = false;
let isMapKnown = false;

function say(words) {
  announcer.textContent = words;
}

// --- what is held already

function watchHold() {
  const bar = root.querySelector("[data-hold-bar]");
  if (!bar) return;
  clock = new HoldClock(bar, heldId, Number(bar.dataset.expiresInMs), { say, onOver: loseHold });
  fill("reserve_label", text("change_hold"));
}

function loseHold() {
  heldId = "";
  clock?.stop();
  show('[data-while="held"]', false);
  show('[data-while="lost"]', true);
  fill("reserve_label", text("hold"));
  say(text("say_lost"));
}

// Not there to be changed: it ran out, or was paid for, in another tab perhaps; then its order is shown.
async function lookAtHold() {
  const isHeld = await clock.end();
  if (isHeld) refusals.show("held-still");
  else if (!heldId) refusals.show("hold-lost");
}

// --- refusals

function takeRefusal({ code, document: problem }) {
  if (code === "request-in-progress" && heldId) {
    goToCheckout(heldId); // it is being paid for; the checkout leads on to the order
    return;
  }
  if (code === "hold-lost" && heldId) {
    lookAtHold();
    return;
  }
  const isTold = chooser?.takeTaken(problem.seat_ids ?? [], code === "seats-taken"); // it names what the fan has lost
  if (problem.offer) offer(problem.offer);
  else if (problem.instead) offerInstead(problem.instead);
  else if (!isTold) refusals.show(code, { count: seatsMax });
  if (problem.waiting_room_url) location.assign(problem.waiting_room_url);
}

// Others that are just as good are held for the fan already.
function offer({ reservation_id: id, seats, total }) {
  const words = seats.map((seat) => [text("seat", seat), ...(chooser?.notesOf(seat.seat_id) ?? [])].join(", ")).join("; ");
  refusals.show("offer", { seats: words, total: formatMoney(total, currency) }, [
    { label: text("take_offer"), act: () => goToCheckout(id) },
    { label: text("leave_offer"), isQuiet: true, act: () => release(id).then(() => refusals.hide()) },
  ]);
}

// The wish would leave a single seat alone; these would not.
function offerInstead(ids) {
  const seats = chooser.placesOf(ids).join("; ");
  const act = ({ currentTarget }) => {
    chooser.pickOnly(ids);
    hold(chooser.wish, currentTarget);
  };
  refusals.show("leaves-orphan", { seats }, [{ label: text("take_instead"), act }]);
}

// --- holding

function goToCheckout(reservationId) {
  location.assign(checkoutOf(reservationId));
}

async function hold(wish, button) {
  if (isHolding) return; // impatient presses are one wish
  isHolding = true;
  button.setAttribute("aria-disabled", "true");
  say(text("holding"));
  const answer = await reserve(eventId, wish, heldId);
  if (answer?.ok) {
    sessionStorage.removeItem(picksName);
    goToCheckout(answer.document.reservation_id);
    return; // the page is on its way: nothing may be pressed any more
  }
  isHolding = false;
  button.removeAttribute("aria-disabled");
  chooser?.takeChanges([]); // what went meanwhile
  if (answer) takeRefusal(answer);
  else refusals.show("trouble");
}

function onWish(name, makeWish) {
  for (const form of root.querySelectorAll(`form[data-form="${name}"]`)) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      hold(makeWish(new FormData(form)), form.querySelector("button:not([type])"));
    });
  }
}

function bestWish(data) {
  const category = data.get("tier");
  if (tiers.find(({ tier }) => tier === category)?.is_stock) return stockWish(data);
  const best = { quantity: Number(data.get("quantity")) };
  if (category) best.category = category;
  if (data.has("accessible")) best.accessible = true;
  return { best_available: best };
}

function stockWish(data) {
  return { stock: { tier: data.get("tier"), quantity: Number(data.get("quantity")) } };
}

// --- what the server says

function takeFree(counts) {
  if (!isMapKnown) return; // the page itself came with what was free
  for (const { tier, available } of counts) {
    const words = plural(chooser ? "free" : "left", available);
    for (const element of root.querySelectorAll(`[data-free-of="${CSS.escape(tier)}"]`)) {
      element.textContent = available ? words : text("none_free");
    }
    allow(tier, available > 0);
  }
}

// What is gone cannot be asked for, and can again once some came back.
function allow(tier, isFree) {
  for (const form of root.querySelectorAll('form[data-form="stock"]')) {
    if (form.elements.tier.value === tier) form.querySelector("button:not([type])").disabled = !isFree;
  }
  // What is chosen stays so: without it the wish would be for any.
  for (const option of root.querySelectorAll("#tier option")) {
    if (option.value === tier) option.disabled = !isFree && !option.selected;
  }
}

function mapState(name) {
  const element = root.querySelector("[data-map-state]");
  if (!element) return;
  element.textContent = name ? text(name) : "";
  element.hidden = !name;
}

// `kept` is what was picked before the page was loaded again.
function follow(kept) {
  let picksToRestore = kept;
  new SeatFeed(seatsUrl || `/api/events/${eventId}/seats`, {
    onSnapshot: ({ status, stock }) => {
      isMapKnown = true;
      chooser?.takeSnapshot(status);
      if (picksToRestore.length) chooser?.pickOnly(picksToRestore);
      picksToRestore = [];
      takeFree(stock);
      mapState("");
    },
    onChanges: (changes, stock) => {
      chooser?.takeChanges(changes);
      takeFree(stock);
    },
    onTrouble: (isTrouble) => mapState(isTrouble ? "stale" : ""),
    onRefused: takeRefusal,
  }).start();
}

// --- start

async function loadPlan() {
  for (;;) {
    const answer = await ask("GET", planUrl).catch(() => null);
    if (answer?.ok) return new SeatPlan(answer.document, tiers);
    mapState("load_failed");
    await pause(answer?.retryAfterMs || PLAN_RETRY_MS);
  }
}

function wireSteppers() {
  for (const button of root.querySelectorAll("[data-step]")) {
    const input = document.getElementById(button.getAttribute("aria-controls"));
    button.addEventListener("click", () => {
      const wanted = Number(input.value) + Number(button.dataset.step);
      input.value = Math.min(Number(input.max), Math.max(1, wanted || 1));
    });
  }
}

async function start() {
  localTimes();
  wireSteppers();
  watchHold();
  onWish("best", bestWish);
  onWish("stock", stockWish);
  let kept = [];
  if (planUrl) {
    kept = JSON.parse(sessionStorage.getItem(picksName) ?? "[]");
    chooser = new SeatChooser(root, await loadPlan(), {
      currency,
      charges,
      seatsMax,
      question: new PlaceQuestion(root, eventId),
      say,
      isHolding: () => isHolding,
      together: () => (root.querySelector("[data-together]").checked ? Number(root.querySelector("#quantity").value) : 1),
      onApart: () => refusals.show("apart"),
      onLimit: () => refusals.show("limit"),
      onGone: (seats) => refusals.show("gone", { seats }),
      onFree: takeFree,
      onPicks: (ids) => sessionStorage.setItem(picksName, JSON.stringify(ids)),
    });
    const button = root.querySelector("[data-reserve]");
    button.addEventListener("click", () => hold(chooser.wish, button));
  }
  follow(kept);
}

// The browser's own way back shows the page as it was left: its buttons, and its idea of what is held.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
start();
