// Seats as little pictures that are copied into the pixels of the map: the only way we found to draw a
// full stadium again in every frame of a slow phone. A seat's state is told by its shape as well as by
// its colour.

const STEPS_PER_PX = 4; // sizes in between look the same
const PHASES = 2; // a seat lies on a whole pixel or between two: rows of seats do not jitter
const EDGE = 0.5; // half of the pixel over which an edge fades

// Looks: the shape of each, and its size as a share of a free seat's.
const SHAPES = {
  free: { shape: disc, share: 1 },
  accessible: { shape: squareWithDot, share: 1 },
  aside: { shape: disc, share: 0.62 },
  held: { shape: ring, share: 0.82 },
  sold: { shape: disc, share: 0.4 },
  closed: { shape: disc, share: 0.3 },
};

export class SeatStamps {
  #looks; // [{ look, color }]
  #made = new Map();
  #radius = -1;

  // `looks` is a list of { look, color: [red, green, blue] }; a seat is stamped by its place in it.
  constructor(looks) {
    this.#looks = looks;
  }

  // Take the radius of a free seat in pixels of the canvas; stamps of another size are forgotten.
  setRadius(radius) {
    const rounded = Math.max(1, Math.round(radius * STEPS_PER_PX)) / STEPS_PER_PX;
    if (rounded === this.#radius) return;
    this.#radius = rounded;
    this.#made.clear();
  }

  // Copy one stamp so that its middle is at (x, y) of an image `width` by `height`.
  put(pixels, width, height, look, x, y) {
    const column = Math.floor(x);
    const row = Math.floor(y);
    const phaseX = Math.floor((x - column) * PHASES);
    const phaseY = Math.floor((y - row) * PHASES);
    const { side, data } = this.#stamp(look, phaseX, phaseY);
    const left = column - (side >> 1);
    const top = row - (side >> 1);
    const fromX = Math.max(0, -left);
    const toX = Math.min(side, width - left);
    const toY = Math.min(side, height - top);
    for (let v = Math.max(0, -top); v < toY; v++) {
      const line = (top + v) * width + left;
      const source = v * side;
      for (let u = fromX; u < toX; u++) {
        const color = data[source + u];
        if (color) pixels[line + u] = color;
      }
    }
  }

  #stamp(look, phaseX, phaseY) {
    const key = (look * PHASES + phaseX) * PHASES + phaseY;
    let stamp = this.#made.get(key);
    if (!stamp) this.#made.set(key, (stamp = this.#draw(this.#looks[look], phaseX, phaseY)));
    return stamp;
  }

  #draw({ look, color: [red, green, blue] }, phaseX, phaseY) {
    const { shape, share } = SHAPES[look];
    const radius = Math.max(0.8, this.#radius * share);
    const side = 2 * Math.ceil(radius + 1) + 1;
    const data = new Uint32Array(side * side);
    const middle = side >> 1;
    const solid = (blue << 16) | (green << 8) | red; // the bytes of a pixel lie the other way round
    for (let v = 0; v < side; v++) {
      for (let u = 0; u < side; u++) {
        const x = u + 0.5 - middle - (phaseX + 0.5) / PHASES;
        const y = v + 0.5 - middle - (phaseY + 0.5) / PHASES;
        const cover = Math.min(1, Math.max(0, shape(x, y, radius)));
        if (cover > 0) data[v * side + u] = ((Math.round(cover * 255) << 24) | solid) >>> 0;
      }
    }
    return { side, data };
  }
}

// Each shape says how much of the pixel at (x, y) from the middle it covers.
function disc(x, y, radius) {
  return radius - Math.hypot(x, y) + EDGE;
}

function ring(x, y, radius) {
  const width = Math.max(1, radius * 0.2);
  return width / 2 - Math.abs(radius - width / 2 - Math.hypot(x, y)) + EDGE;
}

function square(x, y, radius) {
  const corner = radius * 0.4;
  const [dx, dy] = [Math.abs(x) - radius + corner, Math.abs(y) - radius + corner];
  return corner - Math.hypot(Math.max(0, dx), Math.max(0, dy)) - Math.min(0, Math.max(dx, dy)) + EDGE;
}

// A hole in the middle shows the card behind it.
function squareWithDot(x, y, radius) {
  const hole = radius < 3 ? 0 : disc(x, y, radius * 0.4);
  return Math.min(square(x, y, radius), 1 - hole);
}
