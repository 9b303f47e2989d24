// Which seats the fan wants to see, and how many of them are free: by tier and by section.

import { formatMoney, plural, text } from "/static/base/js/texts.js";
import { FREE } from "./seat_plan.js";

export class SeatFilter {
  #plan;
  #isTierShown;
  isAccessibleOnly = false;

  constructor(plan) {
    this.#plan = plan;
    this.#isTierShown = new Uint8Array(plan.tiers.length).fill(1);
  }

  // Show or hide a tier; says whether it is shown now.
  toggleTier(id) {
    const tier = this.#plan.tiers.findIndex((each) => each.tier === id);
    if (tier >= 0) this.#isTierShown[tier] ^= 1;
    return this.#isTierShown[tier] === 1;
  }

  // Who looks for wheelchair places sees those of companions beside them, too.
  shows(index) {
    return this.counts(index) || (this.isAccessibleOnly && this.#plan.companions.has(index) && this.#isOfTier(index));
  }

  // Whether it is one of those that were looked for.
  counts(index) {
    return this.#isOfTier(index) && (!this.isAccessibleOnly || this.#plan.isAccessible[index] === 1);
  }

  #isOfTier(index) {
    return this.#isTierShown[this.#plan.tierOf[index]] === 1;
  }
}

// What is free: `tiers` all of each, `sections` what the filter lets through, with prices and the tier most are of.
export function countFree(plan, filter) {
  const tierCount = plan.tiers.length;
  const tiers = new Uint32Array(tierCount);
  const shown = new Uint32Array(plan.sections.length * tierCount);
  for (let i = 0; i < plan.count; i++) {
    if (plan.status[i] !== FREE) continue;
    tiers[plan.tierOf[i]] += 1;
    if (filter.counts(i)) shown[plan.sectionOf[i] * tierCount + plan.tierOf[i]] += 1;
  }
  const sections = plan.sections.map((_, section) => summary(plan, shown.subarray(section * tierCount, (section + 1) * tierCount)));
  return { tiers, sections };
}

function summary(plan, free) {
  const found = { free: 0, share: 0, low: Infinity, high: -Infinity, tier: -1 };
  free.forEach((count, tier) => {
    if (!count) return;
    found.free += count;
    found.low = Math.min(found.low, plan.tiers[tier].price);
    found.high = Math.max(found.high, plan.tiers[tier].price);
    if (found.tier < 0 || count > free[found.tier]) found.tier = tier;
  });
  return found;
}

// "€45" or "€45–€95", "" when nothing is free.
export function priceRange({ free, low, high }, currency) {
  if (!free) return "";
  const least = formatMoney(low, currency);
  return low === high ? least : `${least}–${formatMoney(high, currency)}`;
}

// What a section's label says below its name, the most important first.
export function sectionLines(section, currency) {
  return section.free ? [priceRange(section, currency), plural("free", section.free)] : [text("none_free")];
}

// "120 free, €45–€95" in a sentence.
export function sectionWords(section, currency) {
  if (!section.free) return text("none_free");
  return text("section_free", { free: plural("free", section.free), price: priceRange(section, currency) });
}

