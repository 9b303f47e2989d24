// Draws the seats on a canvas: stamps for all of them, strokes for the few that are picked or going.

import { FREE, HELD, SOLD } from "./seat_plan.js";
import { LABELS_UNTIL_PX, SectionLabels } from "./section_labels.js";
import { SeatStamps } from "./seat_stamps.js";

const DOTS_FROM_PX = 0.8; // below this radius a seat is less than a dot: sections tell more
const NUMBER_PX = 11; // from this radius on a seat's number can be read
const MARK_PX = 4;
const PICKED_PX = 5; // a pick is seen from afar
const GOING_MS = 1_500; // as long as a glance takes to get there
const GOING_MAX = 300; // at once: more than an eye can follow, few enough to draw
const RATIO_MAX = 2; // more pixels than that cost time and nobody sees them
const AFTER_TIERS = ["aside", "held", "sold", "closed"];

export class SeatPainter {
  #canvas;
  #context;
  #plan;
  #colors;
  #stamps;
  #labels;
  #image;
  #pixels;
  #font;
  #looks; // of each seat, by its place in the stamps
  #going = new Map(); // seat -> when it began to go

  constructor(canvas, plan) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#plan = plan;
    this.#labels = new SectionLabels(plan);
    this.#looks = new Uint16Array(plan.count);
    this.readColors();
  }

  // Whether seats are drawn at this scale.
  hasDots(view) {
    return this.#plan.radius * view.scale >= DOTS_FROM_PX;
  }

  // Whether something moves by itself, so that the next frame looks different.
  get isRestless() {
    return this.#going.size > 0;
  }

  readColors() {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    this.#colors = Object.fromEntries(["ink", "soft", "line", "edge", "card", "accent", "bad"].map((name) => [name, color(name)]));
    this.#font = getComputedStyle(document.body).fontFamily;
    const parts = (name) => channels(this.#context, name);
    const tiers = this.#plan.tiers.map((tier) => parts(tier.color));
    const { line, edge } = this.#colors;
    this.#stamps = new SeatStamps([
      ...tiers.map((each) => ({ look: "free", color: each })),
      ...tiers.map((each) => ({ look: "accessible", color: each })),
      ...AFTER_TIERS.map((look) => ({ look, color: parts(look === "aside" ? line : edge) })),
    ]);
  }

  // What each seat looks like, and what the labels of the sections say, from now on.
  take(filter, lines) {
    this.#labels.take(this.#context, this.#font, lines);
    const { status, tierOf, isAccessible, count, tiers } = this.#plan;
    const [aside, held, sold, closed] = AFTER_TIERS.map((_, at) => 2 * tiers.length + at);
    for (let i = 0; i < count; i++) {
      const code = status[i];
      if (code === FREE) this.#looks[i] = filter.shows(i) ? tierOf[i] + isAccessible[i] * tiers.length : aside;
      else this.#looks[i] = code === HELD ? held : code === SOLD ? sold : closed;
    }
  }

  // These seats have just gone: a ring closes around each for a moment.
  showGoing(indexes) {
    for (const index of indexes.slice(0, GOING_MAX - this.#going.size)) this.#going.set(index, performance.now());
  }

  // `cursor` is a seat's index or -1.
  paint(view, { picked, cursor }) {
    const ratio = Math.min(devicePixelRatio || 1, RATIO_MAX);
    this.#fit(Math.round(view.width * ratio), Math.round(view.height * ratio));
    const radius = this.#plan.radius * view.scale;
    const context = this.#context;
    if (this.hasDots(view)) this.#stampSeats(view, ratio);
    else context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (radius < LABELS_UNTIL_PX) this.#labels.paint(context, view, this.#colors);
    this.#paintGoing(view, Math.max(radius, PICKED_PX));
    for (const index of picked) this.#paintPicked(view, index, Math.max(radius, PICKED_PX));
    if (radius >= NUMBER_PX && !view.isMoving) this.#paintNumbers(view, picked, radius);
    if (cursor >= 0) this.#circle(view, cursor, Math.max(radius, PICKED_PX) * 1.6, this.#colors.accent);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  #fit(width, height) {
    if (this.#image?.width === width && this.#image.height === height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#image = this.#context.createImageData(Math.max(1, width), Math.max(1, height));
    this.#pixels = new Uint32Array(this.#image.data.buffer);
  }

  #stampSeats(view, ratio) {
    const { x, y, radius, grid } = this.#plan;
    const { width, height } = this.#image;
    const scale = view.scale * ratio;
    const [originX, originY] = [view.x, view.y];
    const [pixels, looks, stamps] = [this.#pixels, this.#looks, this.#stamps];
    pixels.fill(0);
    stamps.setRadius(radius * scale);
    grid.eachIn(originX - radius, originY - radius, originX + width / scale + radius, originY + height / scale + radius, (order, from, to) => {
      for (let at = from; at < to; at++) {
        const index = order[at];
        stamps.put(pixels, width, height, looks[index], (x[index] - originX) * scale, (y[index] - originY) * scale);
      }
    });
    this.#context.putImageData(this.#image, 0, 0);
  }

  #paintGoing(view, radius) {
    const now = performance.now();
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const [index, since] of this.#going) {
      const share = (now - since) / GOING_MS;
      if (share >= 1) this.#going.delete(index);
      else this.#circle(view, index, radius * (isStill ? 1.6 : 1 + 2.2 * (1 - share)), this.#colors.bad, isStill ? 1 : 1 - share / 2);
    }
  }

  #circle(view, index, radius, color, alpha = 1) {
    const context = this.#context;
    const [x, y] = view.toPixels(this.#plan.x[index], this.#plan.y[index]);
    context.globalAlpha = alpha;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.strokeStyle = color;
    context.lineWidth = 3;
    context.stroke();
    context.globalAlpha = 1;
  }

  #paintPicked(view, index, radius) {
    const context = this.#context;
    const [x, y] = view.toPixels(this.#plan.x[index], this.#plan.y[index]);
    const size = radius * 1.18;
    context.beginPath();
    context.roundRect(x - size, y - size, 2 * size, 2 * size, size * 0.35);
    context.fillStyle = this.#colors.ink;
    context.strokeStyle = this.#colors.card;
    context.lineWidth = 2;
    context.fill();
    context.stroke();
    if (radius < MARK_PX) return;
    context.beginPath();
    context.moveTo(x - size * 0.5, y + size * 0.05);
    context.lineTo(x - size * 0.12, y + size * 0.42);
    context.lineTo(x + size * 0.55, y - size * 0.4);
    context.lineWidth = Math.max(1.5, size * 0.22);
    context.stroke();
  }

  #paintNumbers(view, picked, radius) {
    const { x, y, grid, status, isAccessible, numbers } = this.#plan;
    const context = this.#context;
    context.font = `600 ${Math.round(radius * 0.85)}px ${this.#font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const inks = this.#plan.tiers.map(({ color }) => readableOn(channels(context, color)));
    const { left, top, right, bottom } = view.window();
    grid.eachIn(left, top, right, bottom, (order, from, to) => {
      for (let at = from; at < to; at++) {
        const index = order[at];
        if (status[index] !== FREE || isAccessible[index] || picked.has(index)) continue;
        const [px, py] = view.toPixels(x[index], y[index]);
        context.fillStyle = this.#looks[index] < inks.length ? inks[this.#looks[index]] : this.#colors.ink;
        context.fillText(numbers[index], px, py + 1);
      }
    });
  }
}

// [red, green, blue] of any colour a style sheet may say.
function channels(context, color) {
  context.fillStyle = color;
  return [1, 3, 5].map((at) => parseInt(context.fillStyle.slice(at, at + 2), 16));
}

// Black or white, whichever reads better on that colour.
function readableOn([red, green, blue]) {
  return red * 0.299 + green * 0.587 + blue * 0.114 > 150 ? "#101010" : "#fff";
}
