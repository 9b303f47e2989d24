// The plan of a house and the state of its seats, as columns; no drawing, no server.

import { SeatGrid } from "./seat_grid.js";

export const FREE = 0;
export const HELD = 1;
export const SOLD = 2;

const BESIDE = 5; // in radiuses of a seat, of which there are some 2.2 to the next one; a wider gap is an aisle

const UNKNOWN_COLOR = "#6b7280"; // of a tier that the page was not told about

export class SeatPlan {
  // `plan` as GET /api/events/{event}/plan answers, `tiers` the page's list of tiers.
  constructor(plan, tiers) {
    const { seats } = plan;
    this.areas = plan.areas ?? [];
    this.sections = plan.sections.map(({ name }) => name);
    const byId = new Map(tiers.map((tier) => [tier.tier, tier]));
    this.tiers = plan.tiers.map((id) => byId.get(id) ?? { tier: id, name: id, price: 0, color: UNKNOWN_COLOR });
    this.ids = seats.seat_id;
    this.rows = seats.row;
    this.numbers = seats.number;
    this.count = this.ids.length;
    this.tierOf = Uint16Array.from(seats.tier);
    this.sectionOf = Uint16Array.from(seats.section);
    this.x = Float32Array.from(seats.x);
    this.y = Float32Array.from(seats.y);
    this.isAccessible = new Uint8Array(this.count);
    for (const index of seats.accessible) this.isAccessible[index] = 1;
    this.companions = new Set(seats.companions ?? []);
    this.restrictedViews = new Map(Object.entries(seats.restricted_views ?? {}).map(([index, words]) => [Number(index), words]));
    this.status = new Uint8Array(this.count).fill(HELD);
    this.grid = new SeatGrid(this.x, this.y);
    this.radius = this.#seatRadius();
    this.bounds = this.#boundsOfSections();
    this.indexOf = new Map(this.ids.map((id, index) => [id, index]));
  }

  // Take the base64 of 2-bit codes: seat i in byte i >> 2, bits 2 * (i & 3) upward.
  takeSnapshot(encoded) {
    const packed = atob(encoded);
    for (let i = 0; i < this.count; i++) this.status[i] = (packed.charCodeAt(i >> 2) >> (2 * (i & 3))) & 3;
  }

  tier(index) {
    return this.tiers[this.tierOf[index]];
  }

  isFree(index) {
    return this.status[index] === FREE;
  }

  // Whether a place is kept for fans who need one: until all seats for anybody are sold in the house, its section or its tier.
  isKept(index) {
    if (!this.isAccessible[index]) return false;
    const scopes = [new Uint16Array(this.count), this.sectionOf, this.tierOf];
    return scopes.every((scopeOf) => {
      let [all, unsold] = [0, 0];
      for (let i = 0; i < this.count; i++) {
        if (scopeOf[i] !== scopeOf[index] || this.isAccessible[i] || this.companions.has(i)) continue;
        all += 1;
        if (this.status[i] !== SOLD) unsold += 1;
      }
      return unsold > 0 || all === 0;
    });
  }

  // Whether two seats that follow each other in the plan are neighbours, with no aisle between them.
  areNeighbours(one, other) {
    return this.sectionOf[one] === this.sectionOf[other] && this.rows[one] === this.rows[other]
      && Math.hypot(this.x[one] - this.x[other], this.y[one] - this.y[other]) <= this.radius * BESIDE;
  }

  // So many seats side by side with that one as near to their middle as can be, all of them good; null if there are none.
  together(index, count, isGood) {
    let [first, last] = [index, index];
    while (index - first < count && first > 0 && isGood(first - 1) && this.areNeighbours(first - 1, first)) first -= 1;
    while (last - index < count && last + 1 < this.count && isGood(last + 1) && this.areNeighbours(last, last + 1)) last += 1;
    if (last - first + 1 < count) return null;
    const begin = Math.min(last - count + 1, Math.max(first, index - Math.floor((count - 1) / 2)));
    return Array.from({ length: count }, (_, at) => begin + at);
  }

  // The nearest seat within `reach` plan units, or -1.
  nearest(x, y, reach) {
    return this.grid.nearest(x, y, reach);
  }

  // The next seat from there in a direction (dx, dy: -1, 0 or 1), or -1.
  neighbour(from, dx, dy) {
    let best = -1;
    let bestCost = Infinity;
    for (let i = 0; i < this.count; i++) {
      const x = this.x[i] - this.x[from];
      const y = this.y[i] - this.y[from];
      const along = x * dx + y * dy;
      const aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (along <= this.radius * 0.5 || aside > along * 1.5) continue;
      const cost = along + 2 * aside;
      if (cost < bestCost) {
        best = i;
        bestCost = cost;
      }
    }
    return best;
  }

  // The next section from one in a direction, by their middles; the first one from -1.
  sectionBeside(from, dx, dy) {
    let best = from < 0 ? 0 : -1;
    let bestCost = Infinity;
    for (let i = 0; from >= 0 && i < this.sections.length; i++) {
      const x = this.bounds[i].middleX - this.bounds[from].middleX;
      const y = this.bounds[i].middleY - this.bounds[from].middleY;
      const along = x * dx + y * dy;
      const aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (along <= this.radius || aside > along * 2) continue;
      if (along + 2 * aside >= bestCost) continue;
      best = i;
      bestCost = along + 2 * aside;
    }
    return best;
  }

  // The seats and whatever else is drawn.
  wholeBounds() {
    const { left, top, right, bottom } = this.grid;
    const bounds = { left, top, right, bottom };
    for (const { position, rectangle } of this.areas) {
      if (!position || !rectangle) continue;
      bounds.left = Math.min(bounds.left, position.x);
      bounds.top = Math.min(bounds.top, position.y);
      bounds.right = Math.max(bounds.right, position.x + rectangle.width);
      bounds.bottom = Math.max(bounds.bottom, position.y + rectangle.height);
    }
    return bounds;
  }

  // A bit less than half the distance between close neighbours, so that no seats overlap.
  #seatRadius() {
    const gaps = [];
    const stepOver = Math.max(1, Math.floor(this.count / 200));
    for (let i = 0; i + 1 < this.count; i += stepOver) {
      gaps.push(Math.hypot(this.x[i + 1] - this.x[i], this.y[i + 1] - this.y[i]));
    }
    gaps.sort((a, b) => a - b);
    return Math.max(1, (gaps[Math.floor(gaps.length / 10)] ?? 20) * 0.45);
  }

  // The frame of each section, and its middle: where its seats are on average.
  #boundsOfSections() {
    const bounds = this.sections.map(() => ({
      left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity, middleX: 0, middleY: 0, count: 0,
    }));
    for (let i = 0; i < this.count; i++) {
      const each = bounds[this.sectionOf[i]];
      each.left = Math.min(each.left, this.x[i]);
      each.right = Math.max(each.right, this.x[i]);
      each.top = Math.min(each.top, this.y[i]);
      each.bottom = Math.max(each.bottom, this.y[i]);
      each.count += 1;
      each.middleX += (this.x[i] - each.middleX) / each.count;
      each.middleY += (this.y[i] - each.middleY) / each.count;
    }
    bounds.forEach((each, section) => this.#bringInside(each, section));
    return bounds;
  }

  // The middle of a ring is no part of it: then its middle is the seat nearest to that.
  #bringInside(bounds, section) {
    const { middleX, middleY } = bounds;
    const beneath = this.nearest(middleX, middleY, this.radius * 5);
    if (beneath >= 0 && this.sectionOf[beneath] === section) return;
    let least = Infinity;
    for (let i = 0; i < this.count; i++) {
      const distance = Math.hypot(this.x[i] - middleX, this.y[i] - middleY);
      if (this.sectionOf[i] !== section || distance >= least) continue;
      least = distance;
      [bounds.middleX, bounds.middleY] = [this.x[i], this.y[i]];
    }
  }
}
