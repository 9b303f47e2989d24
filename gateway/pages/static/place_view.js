// Shows where the fan stands. Knows no server: it is given a state and writes it into the page.

import { etaWords, estimate } from "./eta.js";
import { Announcer, fill, show } from "/static/base/js/page_parts.js";
import { formatClock, formatNumber, hasText, language, plural, text } from "/static/base/js/texts.js";

const DAY_MS = 86_400_000;
const TROUBLES = ["offline", "trouble", "busy"];

// Which part of the page is shown; the same rules as WaitingPage.stage.
export function stageOf({ board, place, entryNumber, goTo, refusal }) {
  if (goTo) return "inside";
  if (board.phase === "closed" || board.phase === "sold_out") return board.phase;
  if (refusal) return "refused";
  if (place != null) return place <= board.serving ? "called" : "waiting";
  if (entryNumber != null) return board.phase === "before" ? "entered" : "drawing";
  if (board.phase === "draining") return "full";
  return board.phase === "before" ? "before" : "open";
}

// Fractions of a fan say something only while few are let in.
function formatRate(rate) {
  return formatNumber(rate >= 10 ? Math.round(rate) : rate);
}

export class PlaceView {
  #root;
  #announcer;
  #title = document.title;

  constructor(root) {
    this.#root = root;
    this.#announcer = new Announcer(root.querySelector("[data-announcer]"));
    this.stage = root.dataset.stage;
  }

  // Returns true when the stage changed.
  render(state) {
    const { board } = state;
    const stage = stageOf(state);
    const isNews = stage !== this.stage;
    this.stage = stage;
    this.#root.dataset.stage = stage;
    for (const part of this.#root.querySelectorAll("[data-stages]")) {
      part.hidden = !part.dataset.stages.split(" ").includes(stage);
    }
    this.#renderNumbers(state);
    show('[data-notice="paused"]', board.phase === "paused");
    fill("pause_reason", board.pause_reason ?? "");
    show('[data-fill="pause_reason"]', Boolean(board.pause_reason));
    show('[data-notice="message"]', Boolean(board.message));
    fill("message", board.message ?? "");
    this.#renderTitle(state);
    this.#announce(state, isNews);
    return isNews;
  }

  // What changes every second without news from the server.
  tick({ opensInMs, claimInMs, feed }) {
    const days = Math.floor(opensInMs / DAY_MS);
    const clock = formatClock(opensInMs % DAY_MS);
    fill("countdown", opensInMs <= 0 ? text("now") : days ? text("days", { days, clock }) : clock);
    if (claimInMs != null) fill("claim_clock", formatClock(claimInMs));
    show('[data-fill="claim"]', claimInMs != null);
    const seconds = Math.ceil((feed.nextAt - performance.now()) / 1000);
    if (feed.mode === "live") fill("next_check", text("live"));
    else fill("next_check", seconds > 0 ? text("next_check", { seconds }) : text("checking"));
    this.#root.dataset.feed = feed.mode;
  }

  updated(at) {
    fill("updated", new Intl.DateTimeFormat(language === "en" ? undefined : language, { timeStyle: "medium" }).format(at));
  }

  // How the bot check goes: idle, solving, solved, waiting, failed.
  check(state) {
    for (const element of this.#root.querySelectorAll("[data-check]")) {
      element.dataset.check = state === "waiting" ? "solving" : state;
    }
    fill("check", text(`check_${state}`));
    if (state !== "solving") this.#announcer.say(text(`check_${state}`), { isNews: true });
  }

  // A trouble ("offline", "trouble", "busy") or other words; null takes the notice away.
  trouble(name, words = "") {
    show('[data-notice="trouble"]', Boolean(name));
    if (!name) return;
    fill("trouble_title", text(`${name}_title`));
    fill("trouble_text", words || text(TROUBLES.includes(name) ? `${name}_text` : name));
  }

  #renderNumbers({ board, place, entryNumber, servingAtJoin = 0, goTo, refusal }) {
    fill("waiting", formatNumber(board.waiting ?? 0));
    fill("rate", formatRate(board.rate_per_minute ?? 0));
    fill("serving", formatNumber(board.serving ?? 0));
    fill("entry_number", entryNumber == null ? "" : formatNumber(entryNumber));
    fill("join_label", text(refusal ? "join_again" : "join"));
    fill("refusal", hasText(`reason_${refusal}`) ? text(`reason_${refusal}`) : text("reason_other"));
    for (const link of this.#root.querySelectorAll('[data-fill="go_to"]')) link.href = goTo || "/";
    if (place == null) return;
    const ahead = Math.max(0, place - board.serving - 1);
    fill("place", formatNumber(place));
    fill("ahead", formatNumber(ahead));
    fill("ahead_words", plural("ahead", ahead));
    fill("eta", etaWords(estimate(board.eta, ahead), board.phase));
    const length = place - servingAtJoin;
    const share = length > 0 ? (board.serving - servingAtJoin) / length : 1;
    this.#draw(100 * Math.min(1, Math.max(0, share)));
  }

  #draw(percent) {
    const done = percent.toFixed(2);
    for (const path of this.#root.querySelectorAll("[data-line-done]")) path.setAttribute("stroke-dasharray", `${done} 300`);
    for (const path of this.#root.querySelectorAll("[data-line-you]")) path.setAttribute("stroke-dashoffset", `-${done}`);
  }

  #renderTitle({ board, place }) {
    const ahead = formatNumber(Math.max(0, (place ?? 0) - board.serving - 1));
    if (this.stage === "called") document.title = text("title_called");
    else if (this.stage === "waiting") document.title = `${text("title_ahead", { ahead })} · ${board.name}`;
    else document.title = this.#title;
  }

  #announce({ board, place, entryNumber }, isNews) {
    const distance = Math.max(0, (place ?? 0) - board.serving - 1);
    const ahead = formatNumber(distance);
    const eta = etaWords(estimate(board.eta, distance), board.phase);
    const name = board.phase === "paused" && this.stage === "waiting" ? "paused" : this.stage;
    const repeats = ["waiting", "paused"].includes(name);
    if (!hasText(`say_${name}`) || !(isNews || repeats)) return;
    this.#announcer.say(text(`say_${name}`, { ahead, eta, entry: formatNumber(entryNumber ?? 0) }), { isNews });
  }
}
