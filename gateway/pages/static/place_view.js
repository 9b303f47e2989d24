// Shows where the fan stands. Knows no server: it is given a state and writes it into the page.

import { aheadOf, chanceOf, etaTableOf, headingOf, isPriority, isTurnOf, servingIn, stageOf, tiersGone } from "./board.js";
import { etaTimes, etaWords, estimate } from "./eta.js";
import { SaleView } from "./sale_view.js";
import { Announcer, fill, show } from "/static/base/js/page_parts.js";
import { elapsedMs } from "/static/base/js/steady_clock.js";
import { formatClock, formatNumber, formatTime, hasText, plural, text } from "/static/base/js/texts.js";

const DAY_MS = 86_400_000;
const LAST_MINUTE_MS = 60_000;
const MINUTE_SAID_WITHIN_MS = 5_000; // who looks later has less than a minute, and is told nothing wrong
const STEPS = { before: "join", open: "join", refused: "join", entered: "draw", drawing: "draw", waiting: "wait", called: "turn", inside: "choose" };
const IN_LINE = ["entered", "drawing", "waiting"]; // a check that fails is told beside what the fan has

export class PlaceView {
  #root;
  #sale;
  #announcer;
  #alarm;
  #board = null;
  #saidMinute = false;
  #saidRefusal = "";

  constructor(root) {
    this.#root = root;
    this.#sale = new SaleView(root);
    this.#announcer = new Announcer(root.querySelector("[data-announcer]"));
    this.#alarm = root.querySelector("[data-alarm]");
    this.stage = root.dataset.stage;
    this.isTurn = false;
  }

  // Returns true when the stage changed.
  render(state, nowMs) {
    const stage = stageOf(state, nowMs);
    const isNews = stage !== this.stage;
    const wasTurn = this.isTurn;
    this.stage = stage;
    this.isTurn = isTurnOf(stage, state.board);
    this.#root.dataset.stage = stage;
    for (const part of this.#root.querySelectorAll("[data-stages]")) {
      part.hidden = !part.dataset.stages.split(" ").includes(stage);
    }
    for (const step of this.#root.querySelectorAll("[data-step]")) {
      if (step.dataset.step === STEPS[stage]) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    }
    const { board, entryNumber } = state;
    show('[data-step="draw"]', Boolean(board.draw) && (board.phase === "before" || entryNumber != null));
    this.#sale.render(board);
    this.#renderFan(state);
    if (state.place != null) this.#renderPlace(state);
    this.#renderTurn(state);
    this.#announce(state, isNews, wasTurn);
    this.#board = state.board;
    return isNews;
  }

  // What changes every second without news from the server.
  tick({ opensInMs, claimInMs, isOld, feed }) {
    const days = Math.floor(opensInMs / DAY_MS);
    const clock = formatClock(opensInMs % DAY_MS);
    fill("countdown", opensInMs <= 0 ? text("now") : days ? plural("days", days, { clock }) : clock);
    show('[data-part="claim"]', claimInMs > 0);
    show('[data-fill="claim_late"]', claimInMs != null);
    if (claimInMs != null) this.#tickClaim(claimInMs);
    const seconds = Math.ceil((feed.nextAt - elapsedMs()) / 1000);
    if (feed.mode === "live") fill("next_check", text("live"));
    else fill("next_check", seconds > 0 ? text("next_check", { seconds }) : text("checking"));
    this.#root.dataset.feed = feed.mode;
    // While we cannot reach the server we say that; an answer that is old is the server's own trouble.
    show('[data-notice="stale"]', feed.mode !== "lost" && !document.hidden && isOld);
  }

  updated(at) {
    fill("updated", formatTime(at));
  }

  // How the bot check goes: idle, solving, solved, waiting, failed.
  check(state) {
    for (const element of this.#root.querySelectorAll("[data-check]")) {
      element.dataset.check = state === "waiting" ? "solving" : state;
    }
    fill("check", text(`check_${state}`));
    if (state !== "solving") this.#announcer.say(text(`check_${state}`), { isNews: true });
  }

  // A trouble ("offline", "trouble", "busy") with its own or other words; null takes the notice away.
  // One that lasts is said once: `isSaid` is false when only its words change.
  trouble(name, words = "", isSaid = true) {
    show('[data-notice="trouble"]', Boolean(name));
    if (!name) return;
    fill("trouble_title", text(`${name}_title`));
    fill("trouble_text", words || text(`${name}_text`));
    if (isSaid) this.#announcer.say(`${text(`${name}_title`)}. ${words || text(`${name}_text`)}`, { isNews: true });
  }

  // A request was refused by an answer with that code.
  refused(code) {
    this.trouble("busy", text(hasText(`refusal_${code}`) ? `refusal_${code}` : "refusal_other"));
  }

  // What answers a press has to be where the fan looks: on a phone the notice stands above the form.
  revealTrouble() {
    this.#root.querySelector(':is([data-notice="trouble"], [data-notice="check"]):not([hidden])')?.scrollIntoView({ block: "nearest" });
  }

  #renderFan({ entryNumber, goTo, refusal, lane, board, place }) {
    fill("entry_number", entryNumber == null ? "" : formatNumber(entryNumber));
    fill("join_label", text(refusal ? "join_again" : "join"));
    fill("refusal", hasText(`reason_${refusal}`) ? text(`reason_${refusal}`) : text("reason_other"));
    show('[data-notice="check"]', this.#isRefusedInLine(refusal));
    for (const link of this.#root.querySelectorAll('[data-fill="go_to"]')) link.href = goTo || "/";
    show('[data-part="in-line"]', place != null);
    show('[data-part="of-a-fan"]', place != null || entryNumber != null);
    show('[data-part="lane"]', isPriority(lane));
    show('[data-part="from-draw"]', place != null && entryNumber != null && board.draw?.state === "drawn");
  }

  #isRefusedInLine(refusal) {
    return Boolean(refusal) && IN_LINE.includes(this.stage);
  }

  #renderPlace(state) {
    const { board, place, lane, servingAtJoin = 0 } = state;
    const serving = servingIn(board, lane);
    const ahead = aheadOf(state);
    const eta = estimate(etaTableOf(board, lane), ahead);
    fill("place", formatNumber(place));
    fill("serving", formatNumber(serving ?? 0));
    fill("ahead", formatNumber(ahead));
    fill("ahead_words", plural("ahead", ahead));
    fill("eta", etaWords(eta, board.phase));
    fill("eta_middle", etaTimes(eta, board.phase, board.at_ms));
    const chance = chanceOf(state);
    for (const panel of this.#root.querySelectorAll("[data-chance]")) panel.dataset.chance = chance;
    show("[data-chance]", Boolean(chance));
    show("[data-chance-else]", chance === "unlikely");
    if (chance) fill("chance_title", text(`chance_${chance}_title`));
    if (chance) fill("chance_text", text(`chance_${chance}_text`));
    const length = place - servingAtJoin;
    const share = length > 0 ? (serving - servingAtJoin) / length : 1;
    this.#draw(100 * Math.min(1, Math.max(0, share)));
  }

  #draw(percent) {
    const done = percent.toFixed(2);
    for (const path of this.#root.querySelectorAll("[data-line-done]")) path.setAttribute("stroke-dasharray", `${done} 300`);
    for (const path of this.#root.querySelectorAll("[data-line-you]")) path.setAttribute("stroke-dashoffset", `-${done}`);
  }

  // The title of the tab of a fan who may go in belongs to the cues.
  #renderTurn(state) {
    const heading = text(`title_${headingOf(this.stage, state.board)}_page`);
    if (this.stage === "called") fill("turn_heading", heading);
    show('[data-part="turn"]', this.isTurn);
    show('[data-part="postponed"]', state.board.phase === "before");
    if (this.isTurn) return;
    const words = this.stage === "waiting" ? text("title_ahead", { ahead: formatNumber(aheadOf(state)) }) : heading;
    document.title = `${words} · ${state.board.name}`;
  }

  #tickClaim(claimInMs) {
    fill("claim_clock", formatClock(claimInMs));
    fill("claim_late", text(claimInMs > 0 ? "claim_late" : "claim_over"));
    const isLastMinute = claimInMs <= LAST_MINUTE_MS && claimInMs > LAST_MINUTE_MS - MINUTE_SAID_WITHIN_MS;
    if (!isLastMinute || this.#saidMinute || this.stage !== "called") return;
    this.#saidMinute = true;
    this.#announcer.say(text("say_minute"), { isNews: true });
  }

  #announce(state, isNews, wasTurn) {
    const { board, entryNumber, lane, refusal } = state;
    const before = this.#board;
    const said = [];
    if (before && before.message !== board.message && board.message) said.push(board.message);
    if (before && before.phase !== board.phase && [before.phase, board.phase].includes("paused") && this.stage === "waiting") {
      said.push(text(board.phase === "paused" ? "say_paused" : "say_resumed"), board.pause_reason ?? "");
    }
    if (this.#isRefusedInLine(refusal) && refusal !== this.#saidRefusal) said.push(text("title_refused_page"));
    this.#saidRefusal = refusal;
    const gone = tiersGone(before, board);
    if (gone.length) said.push(this.#sale.tellGone(gone));
    const ahead = aheadOf(state);
    const eta = etaWords(estimate(etaTableOf(board, lane), ahead), board.phase);
    const values = { ahead: formatNumber(ahead), eta, entry: formatNumber(entryNumber ?? 0) };
    if (this.isTurn !== wasTurn) this.#alarm.textContent = this.isTurn ? text("say_called") : "";
    if (this.stage === "called") {
      if (!this.isTurn && (wasTurn || isNews)) said.push(...this.#keptOut(board));
    } else if (isNews && hasText(`say_${this.stage}`)) said.push(text(`say_${this.stage}`, values));
    if (said.length) this.#announcer.say(said.join(" "), { isNews: true });
    else if (this.stage === "waiting") this.#announcer.say(text("say_waiting", values));
  }

  // What a called fan is told who may not go in.
  #keptOut(board) {
    return board.phase === "paused" ? [text("say_paused"), board.pause_reason ?? ""] : [text("title_before_page")];
  }
}
