// Shows what the board says to everybody: what is left, who is called first, the draw, the pace.

import { isPaceNews, keptShare } from "./board.js";
import { fill, make, show } from "/static/base/js/page_parts.js";
import { formatMoney, formatNumber, formatPercent, formatTime, plural, text } from "/static/base/js/texts.js";

// Fractions of a fan say something only while few are let in.
export function formatRate(rate) {
  return formatNumber(rate >= 10 ? Math.round(rate) : rate);
}

export class SaleView {
  #root;
  #fewLeft;
  #shown = {};

  constructor(root) {
    this.#root = root;
    this.#fewLeft = Number(root.dataset.fewLeft);
  }

  render(board) {
    fill("waiting", formatNumber(board.waiting ?? 0));
    fill("rate", formatRate(board.rate_per_minute ?? 0));
    show('[data-notice="paused"], [data-part="join-paused"]', board.phase === "paused");
    show('[data-part="open"]', board.phase !== "paused");
    fill("pause_reason", board.pause_reason ?? "");
    show('[data-fill="pause_reason"]', Boolean(board.pause_reason));
    show('[data-notice="message"]', Boolean(board.message));
    fill("message", board.message ?? "");
    show('[data-part="draw"]', Boolean(board.draw));
    show('[data-part="no-draw"]', !board.draw);
    show('[data-part="draw-beacon"]', Boolean(board.draw?.beacon));
    show('[data-part="draw-alone"]', !board.draw?.beacon);
    fill("commitment", board.draw?.commitment ?? "");
    this.#ifNew("stock", board.stock ?? null, (stock) => this.#renderStock(stock ?? []));
    this.#ifNew("lanes", board.lanes ?? [], (lanes) => this.#renderLanes(lanes));
    this.#renderHonesty(board);
  }

  // Tiers that have just sold out, as a notice; the title of it, to be said aloud.
  tellGone(gone) {
    const { event, tier } = gone.at(-1);
    const left = event.tiers.filter(({ available }) => available > 0);
    const tiers = left.map(({ name, price_cents: price }) => `${name} (${formatMoney(price, event.currency)})`).join(", ");
    fill("tier_title", text("tier_gone", { tier: tier.name }));
    fill("tier_text", tiers ? text("tier_gone_rest", { tiers }) : text("tier_gone_none"));
    show('[data-notice="tier"]', true);
    return `${text("tier_gone", { tier: tier.name })}.`;
  }

  // Most boards change numbers only; what is made of elements is made anew when it changed.
  #ifNew(name, value, draw) {
    const written = JSON.stringify(value);
    if (this.#shown[name] === written) return;
    this.#shown[name] = written;
    draw(value);
  }

  #renderStock(stock) {
    for (const part of this.#root.querySelectorAll("[data-stock]")) {
      const event = stock.find((each) => each.event === part.dataset.stock);
      part.hidden = !event;
      if (!event) continue;
      const prices = event.tiers.filter((tier) => tier.available > 0).map((tier) => tier.price_cents);
      const range = [...new Set([Math.min(...prices), Math.max(...prices)])];
      part.querySelector("[data-price-range]").textContent =
        prices.length ? range.map((price) => formatMoney(price, event.currency)).join("–") : "";
      part.querySelector("[data-tiers]").replaceChildren(...event.tiers.map((tier) => this.#tier(tier, event.currency)));
    }
  }

  #tier({ name, price_cents: price, available }, currency) {
    const isFew = available < this.#fewLeft;
    const words = available <= 0 ? text("sold_out") : isFew ? plural("left", available) : text("available");
    return make("li", { class: available <= 0 && "is-gone" },
      make("span", { dir: "auto" }, name), make("span", { class: "small soft" }, words), make("span", { class: "price" }, formatMoney(price, currency)));
  }

  #renderLanes(lanes) {
    show("[data-lanes]", lanes.length > 0);
    this.#root.querySelector("[data-lane-rows]").replaceChildren(...lanes.map(({ lane, name, waiting, called }) =>
      make("tr", {}, make("th", { scope: "row", dir: "auto" }, lane === "general" ? text("lane_general") : name),
        make("td", {}, formatNumber(waiting)), make("td", {}, formatNumber(called)))));
  }

  #renderHonesty(board) {
    const share = keptShare(board);
    show('[data-part="eta-kept"]', share !== null);
    if (share !== null) fill("eta_kept", plural("eta_kept", board.eta_kept.told, { share: formatPercent(share) }));
    const isNews = isPaceNews(board);
    show('[data-part="pace-changed"]', isNews);
    if (!isNews) return;
    const { at, per_minute: rate } = board.rate_changed;
    fill("pace_changed", text("pace_changed", { time: formatTime(new Date(at)), rate: formatRate(rate) }));
  }
}
