// The plan of a house and the state of its seats, as columns; no drawing, no server.

export const FREE = 0;
export const HELD = 1;

const CELLS_PER_SIDE = 64; // of the grid that finds a seat under a finger; 60,000 seats: 15 a cell

export class SeatPlan {
  // `plan` as GET /api/events/{event}/plan answers, `tiers` the page's list of tiers.
  constructor(plan, tiers) {
    const { seats } = plan;
    this.size = plan.size;
    this.areas = plan.areas ?? [];
    this.focalPoint = plan.focal_point;
    this.sections = plan.sections.map(({ name }) => name);
    const byId = new Map(tiers.map((tier) => [tier.tier, tier]));
    this.tiers = plan.tiers.map((id) => byId.get(id) ?? { tier: id, name: id, price: 0, color: "#6b7280" });
    this.ids = seats.seat_id;
    this.rows = seats.row;
    this.numbers = seats.number;
    this.count = this.ids.length;
    this.seatedTiers = new Set(seats.tier.map((tier) => this.tiers[tier].tier));
    this.tierOf = Uint16Array.from(seats.tier);
    this.sectionOf = Uint16Array.from(seats.section);
    this.x = Float32Array.from(seats.x);
    this.y = Float32Array.from(seats.y);
    this.isAccessible = new Uint8Array(this.count);
    for (const index of seats.accessible) this.isAccessible[index] = 1;
    this.status = new Uint8Array(this.count).fill(HELD);
    this.#buildGrid();
    this.radius = this.#seatRadius();
    this.bounds = this.sections.map((_, section) => this.#boundsOf(section));
    this.middles = this.sections.map((_, section) => this.#middleOf(section));
    this.indexOf = new Map(this.ids.map((id, index) => [id, index]));
  }

  // Take the base64 of 2-bit codes: seat i in byte i >> 2, bits 2 * (i & 3) upward.
  takeSnapshot(encoded) {
    const packed = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
    for (let i = 0; i < this.count; i++) this.status[i] = (packed[i >> 2] >> (2 * (i & 3))) & 3;
  }

  tier(index) {
    return this.tiers[this.tierOf[index]];
  }

  isFree(index) {
    return this.status[index] === FREE;
  }

  // The nearest seat within `reach` plan units, or -1.
  nearest(x, y, reach) {
    let best = -1;
    let bestDistance = reach * reach;
    const { left, top, cell, cells } = this.grid;
    const [column, row] = [Math.floor((x - left) / cell), Math.floor((y - top) / cell)];
    const span = Math.ceil(reach / cell);
    for (let r = row - span; r <= row + span; r++) {
      for (let c = column - span; c <= column + span; c++) {
        for (const index of cells.get(r * CELLS_PER_SIDE * 4 + c) ?? []) {
          const distance = (this.x[index] - x) ** 2 + (this.y[index] - y) ** 2;
          if (distance < bestDistance) [best, bestDistance] = [index, distance];
        }
      }
    }
    return best;
  }

  // The next seat from there in a direction (dx, dy: -1, 0 or 1), or -1.
  neighbour(from, dx, dy) {
    let best = -1;
    let bestCost = Infinity;
    for (let i = 0; i < this.count; i++) {
      const [x, y] = [this.x[i] - this.x[from], this.y[i] - this.y[from]];
      const along = x * dx + y * dy;
      const aside = Math.abs(x * dy) + Math.abs(y * dx);
      if (along <= this.radius * 0.5 || aside > along * 1.5) continue;
      const cost = along + 2 * aside;
      if (cost < bestCost) [best, bestCost] = [i, cost];
    }
    return best;
  }

  #buildGrid() {
    const [left, top] = [Math.min(...sample(this.x)), Math.min(...sample(this.y))];
    const [right, bottom] = [Math.max(...sample(this.x)), Math.max(...sample(this.y))];
    const cell = Math.max(right - left, bottom - top, 1) / CELLS_PER_SIDE;
    const cells = new Map();
    for (let i = 0; i < this.count; i++) {
      const row = Math.floor((this.y[i] - top) / cell);
      const key = row * CELLS_PER_SIDE * 4 + Math.floor((this.x[i] - left) / cell);
      if (cells.has(key)) cells.get(key).push(i);
      else cells.set(key, [i]);
    }
    this.grid = { left, top, right, bottom, cell, cells };
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

  // Where a section's seats are on average: inside it even when it is bent.
  #middleOf(section) {
    let [x, y, count] = [0, 0, 0];
    for (let i = 0; i < this.count; i++) {
      if (this.sectionOf[i] !== section) continue;
      x += this.x[i];
      y += this.y[i];
      count += 1;
    }
    return [x / Math.max(1, count), y / Math.max(1, count)];
  }

  #boundsOf(section) {
    const bounds = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    for (let i = 0; i < this.count; i++) {
      if (this.sectionOf[i] !== section) continue;
      bounds.left = Math.min(bounds.left, this.x[i]);
      bounds.right = Math.max(bounds.right, this.x[i]);
      bounds.top = Math.min(bounds.top, this.y[i]);
      bounds.bottom = Math.max(bounds.bottom, this.y[i]);
    }
    return bounds;
  }
}

// Math.min takes only so many arguments; the ends of each stretch of 1,000 are enough of them.
function sample(values) {
  const ends = [];
  for (let i = 0; i < values.length; i += 1000) {
    const stretch = values.subarray(i, i + 1000);
    ends.push(Math.min(...stretch), Math.max(...stretch));
  }
  return ends.length ? ends : [0];
}
