// Finds seats by where they are: those in a rectangle, and the one under a finger.

const SEATS_PER_CELL = 12; // few enough to look at all of a cell, enough that most cells are not empty
const CELLS_PER_SIDE_MAX = 256; // a drawing whose seats all lie in a corner must not cost more memory

export class SeatGrid {
  #x;
  #y;
  #cell;
  #columns;
  #rows;
  #starts; // of each cell in #order, row of cells by row of cells
  #order;

  constructor(x, y) {
    this.#x = x;
    this.#y = y;
    this.#measure();
    this.#sort();
  }

  // Calls visit(order, from, to) for stretches of seat indexes that may be in the rectangle.
  eachIn(left, top, right, bottom, visit) {
    const firstColumn = this.#column(left);
    const lastColumn = this.#column(right);
    for (let row = this.#row(top); row <= this.#row(bottom); row++) {
      const from = this.#starts[row * this.#columns + firstColumn];
      const to = this.#starts[row * this.#columns + lastColumn + 1];
      if (to > from) visit(this.#order, from, to);
    }
  }

  // The nearest seat within `reach`, or -1.
  nearest(x, y, reach) {
    let best = -1;
    let bestDistance = reach * reach;
    this.eachIn(x - reach, y - reach, x + reach, y + reach, (order, from, to) => {
      for (let at = from; at < to; at++) {
        const index = order[at];
        const distance = (this.#x[index] - x) ** 2 + (this.#y[index] - y) ** 2;
        if (distance >= bestDistance) continue;
        best = index;
        bestDistance = distance;
      }
    });
    return best;
  }

  #measure() {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < this.#x.length; i++) {
      left = Math.min(left, this.#x[i]);
      right = Math.max(right, this.#x[i]);
      top = Math.min(top, this.#y[i]);
      bottom = Math.max(bottom, this.#y[i]);
    }
    if (left > right) [left, top, right, bottom] = [0, 0, 1, 1];
    Object.assign(this, { left, top, right, bottom });
    const cells = Math.max(1, this.#x.length / SEATS_PER_CELL);
    const longest = Math.max(right - left, bottom - top, 1);
    const area = Math.max(1, (right - left) * (bottom - top));
    this.#cell = Math.max(Math.sqrt(area / cells), longest / CELLS_PER_SIDE_MAX);
    this.#columns = Math.floor((right - left) / this.#cell) + 1;
    this.#rows = Math.floor((bottom - top) / this.#cell) + 1;
  }

  #sort() {
    const cellOf = new Uint32Array(this.#x.length);
    this.#starts = new Uint32Array(this.#columns * this.#rows + 1);
    for (let i = 0; i < cellOf.length; i++) {
      cellOf[i] = this.#row(this.#y[i]) * this.#columns + this.#column(this.#x[i]);
      this.#starts[cellOf[i] + 1] += 1;
    }
    for (let cell = 1; cell < this.#starts.length; cell++) this.#starts[cell] += this.#starts[cell - 1];
    const next = this.#starts.slice();
    this.#order = new Uint32Array(this.#x.length);
    for (let i = 0; i < cellOf.length; i++) {
      this.#order[next[cellOf[i]]] = i;
      next[cellOf[i]] += 1;
    }
  }

  #column(x) {
    return Math.min(this.#columns - 1, Math.max(0, Math.floor((x - this.left) / this.#cell)));
  }

  #row(y) {
    return Math.min(this.#rows - 1, Math.max(0, Math.floor((y - this.top) / this.#cell)));
  }
}
