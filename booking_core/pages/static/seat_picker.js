// Choosing places: best available, picking on map or list, and holding what was picked.

import { SeatFeed } from "./seat_feed.js";
import { SeatList, sectionLabels } from "./seat_list.js";
import { SeatMap } from "./seat_map.js";
import { FREE, HELD, SeatPlan } from "./seat_plan.js";
import { fill, localTimes, make, show } from "/static/base/js/page_parts.js";
import { ask, pause } from "/static/base/js/requests.js";
import { formatClock, formatMoney, hasText, plural, text } from "/static/base/js/texts.js";

const BUTTON_ZOOM = 1.8;
const PLAN_RETRY_MS = 4_000;

const root = document.getElementById("main");
const { event: eventId, currency, planUrl, seatsUrl } = root.dataset;
const seatsMax = Number(root.dataset.seatsMax);
const tiers = JSON.parse(root.dataset.tiers);
const announcer = root.querySelector("[data-announcer]");
const picked = new Set();
const filter = { tiers: new Set(tiers.map(({ tier }) => tier)), isAccessibleOnly: false };
let plan, map, list;

function say(words) {
  announcer.textContent = words;
}

// --- refusals

function refuse(code, values = {}) {
  const name = hasText(`${code}_title`) ? code : "trouble";
  fill("refusal_title", text(`${name}_title`));
  fill("refusal_text", text(`${name}_text`, values));
  const notice = root.querySelector('[data-notice="refusal"]');
  notice.hidden = false;
  notice.focus({ preventScroll: true });
  notice.scrollIntoView({ block: "nearest" });
  say(`${text(`${name}_title`)}. ${text(`${name}_text`, values)}`);
}

function takeRefusal({ code, document: problem }) {
  const taken = (problem.seat_ids ?? []).map((id) => plan?.indexOf.get(id)).filter((index) => index >= 0);
  for (const index of taken) {
    plan.status[index] = HELD;
    picked.delete(index);
  }
  if (taken.length) refuse("gone", { seats: taken.map(seatWords).join("; ") });
  else refuse(code, { count: seatsMax });
  if (problem.waiting_room_url) location.assign(problem.waiting_room_url);
  if (plan) update();
}

// --- holding

async function reserve(wish, button) {
  button.setAttribute("aria-disabled", "true");
  show('[data-notice="refusal"]', false);
  const answer = await ask("POST", "/api/bookings/reserve", { body: { event_id: eventId, ...wish } }).catch(() => null);
  if (answer?.ok) return location.assign(`/checkout/${encodeURIComponent(answer.document.reservation_id)}`);
  button.removeAttribute("aria-disabled");
  return answer ? takeRefusal(answer) : refuse("trouble");
}

function onWish(name, makeWish) {
  for (const form of root.querySelectorAll(`form[data-form="${name}"]`)) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const button = form.querySelector("button:not([type])");
      if (button.ariaDisabled !== "true") reserve(makeWish(new FormData(form)), button);
    });
  }
}

function bestWish(data) {
  const category = data.get("tier");
  const accessible = data.has("accessible");
  if (tiers.find(({ tier }) => tier === category)?.is_stock) return stockWish(data);
  return { best_available: { quantity: Number(data.get("quantity")), ...(category ? { category } : {}), ...(accessible ? { accessible } : {}) } };
}

function stockWish(data) {
  return { stock: { tier: data.get("tier"), quantity: Number(data.get("quantity")) } };
}

// --- picking

function isShown(index) {
  return filter.tiers.has(plan.tier(index).tier) && (!filter.isAccessibleOnly || plan.isAccessible[index] === 1);
}

function seatWords(index) {
  return text("seat", { section: plan.sections[plan.sectionOf[index]], row: plan.rows[index], number: plan.numbers[index] });
}

function fullWords(index) {
  const { name, price } = plan.tier(index);
  const state = text(picked.has(index) ? "state_picked" : `state_${plan.status[index]}`);
  const wheelchair = plan.isAccessible[index] ? [text("accessible")] : [];
  return [seatWords(index), `${name} ${formatMoney(price, currency)}`, ...wheelchair, state].join(", ");
}

function pick(index) {
  if (picked.delete(index)) say(`${seatWords(index)}, ${text(`state_${plan.status[index]}`)}`);
  else if (!plan.isFree(index)) return say(fullWords(index));
  else if (picked.size >= seatsMax) return refuse("limit");
  else {
    picked.add(index);
    say(`${fullWords(index)}. ${totalWords().join(", ")}`);
  }
  return update();
}

// ["2 places", "€170"]
function totalWords() {
  const total = [...picked].reduce((sum, index) => sum + plan.tier(index).price, 0);
  return [plural("picked", picked.size), formatMoney(total, currency)];
}

function update({ isFilterNew = false } = {}) {
  const labels = sectionLabels(plan, currency, isShown);
  map.update({ picked, shown: isShown, labels });
  list.update({ picked, shown: isShown, labels, isFilterNew });
  show("[data-tray]", picked.size > 0);
  const [places, total] = totalWords();
  fill("picked", places);
  fill("total", total);
  const chips = [...picked].map((index) => make("li", {}, make("button",
    { type: "button", "aria-label": text("remove", { seat: seatWords(index) }), onclick: () => pick(index) }, seatWords(index), make("span", { "aria-hidden": "true" }, " ×"))));
  root.querySelector("[data-tray-seats]").replaceChildren(...chips);
}

// --- what the server says

function takeStock(stock) {
  for (const { tier, available } of stock ?? []) {
    const words = plural(plan ? "free" : "left", available);
    for (const element of root.querySelectorAll(`[data-free-of="${CSS.escape(tier)}"]`)) {
      element.textContent = available ? words : text("none_free");
    }
  }
}

function takeChanges(changes, stock) {
  const lost = [];
  for (const [index, code] of changes) {
    if (!plan) break;
    plan.status[index] = code;
    if (code !== FREE && picked.delete(index)) lost.push(index);
  }
  takeStock(stock);
  if (lost.length) refuse("gone", { seats: lost.map(seatWords).join("; ") });
  if (plan) {
    countTiers();
    update();
  }
}

function takeSnapshot(document) {
  if (plan) plan.takeSnapshot(document.status);
  takeChanges(plan ? [...picked].map((index) => [index, plan.status[index]]) : [], document.stock);
  show("[data-map-state]", false);
}

function countTiers() {
  const free = new Map([...plan.seatedTiers].map((tier) => [tier, 0]));
  for (let i = 0; i < plan.count; i++) if (plan.isFree(i)) free.set(plan.tier(i).tier, free.get(plan.tier(i).tier) + 1);
  takeStock([...free].map(([tier, available]) => ({ tier, available })));
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

function mapState(name) {
  const element = root.querySelector("[data-map-state]");
  if (!element) return;
  element.textContent = name ? text(name) : "";
  element.hidden = !name;
}

function tip(index, x, y) {
  const element = root.querySelector("[data-map-tip]");
  element.hidden = index < 0;
  if (index < 0) return;
  element.textContent = fullWords(index);
  const width = element.parentElement.clientWidth;
  const half = element.offsetWidth / 2 + 8;
  element.style.transform = `translate(${Math.min(width - half, Math.max(half, x))}px, ${y}px) translate(-50%, calc(-100% - 18px))`;
}

function wireSeats() {
  map = new SeatMap(root.querySelector("canvas"), plan, {
    onPick: pick, onCursor: (index) => say(fullWords(index)), onCloser: () => say(text("zoom_hint")), tip,
  });
  list = new SeatList(root.querySelector('[data-panel="list"]'), plan, currency, pick);
  const jump = root.querySelector("[data-jump]");
  plan.sections.forEach((name, section) => jump.append(make("option", { value: section }, name)));
  jump.addEventListener("change", () => (jump.value === "" ? map.showAll() : map.showSection(Number(jump.value))));
  for (const button of root.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => map.zoom(button.dataset.zoom === "in" ? BUTTON_ZOOM : 1 / BUTTON_ZOOM));
  }
  for (const button of root.querySelectorAll("[data-view]")) button.addEventListener("click", () => chooseView(button.dataset.view));
  for (const button of root.querySelectorAll(".tier-filter")) button.addEventListener("click", () => toggleTier(button));
  root.querySelector("[data-accessible-only]").addEventListener("change", ({ target }) => {
    filter.isAccessibleOnly = target.checked;
    update({ isFilterNew: true });
  });
  const hold = root.querySelector("[data-reserve]");
  hold.addEventListener("click", () => {
    if (hold.ariaDisabled !== "true") reserve({ seat_ids: [...picked].map((index) => plan.ids[index]) }, hold);
  });
}

function chooseView(name) {
  for (const button of root.querySelectorAll("[data-view]")) button.ariaPressed = String(button.dataset.view === name);
  for (const panel of root.querySelectorAll("[data-panel]")) panel.hidden = panel.dataset.panel !== name;
  root.dataset.view = name;
}

function toggleTier(button) {
  const { tier } = button.dataset;
  if (!filter.tiers.delete(tier)) filter.tiers.add(tier);
  button.ariaPressed = String(filter.tiers.has(tier));
  update({ isFilterNew: true });
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

function wirePassClock() {
  const element = document.querySelector("[data-pass-ends-in-ms]");
  const endsAt = performance.now() + Number(element?.dataset.passEndsInMs);
  if (element) setInterval(() => fill("pass_clock", formatClock(endsAt - performance.now())), 1000);
}

async function start() {
  localTimes();
  wireSteppers();
  wirePassClock();
  onWish("best", bestWish);
  onWish("stock", stockWish);
  if (planUrl) {
    plan = await loadPlan();
    wireSeats();
    update();
  }
  const url = seatsUrl || `/api/events/${eventId}/seats`;
  new SeatFeed(url, {
    onSnapshot: takeSnapshot,
    onChanges: takeChanges,
    onTrouble: (isTrouble) => mapState(isTrouble ? "stale" : ""),
    onRefused: takeRefusal,
  }).start();
}

start();
