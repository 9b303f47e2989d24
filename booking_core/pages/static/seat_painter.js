// Draws the plan on a canvas. A seat's state is told by its shape as well as by its colour.

import { FREE, HELD } from "./seat_plan.js";

const SOLD = 2;
const DOT_PX = 2.4; // below this radius a seat is a plain square: quick to draw, nothing to read
const NUMBER_PX = 11; // from this radius on a seat's number can be read
const LABEL_UNTIL_PX = 5.5; // sections have labels while their seats are too small to choose
const MARK_PX = 4;

export class SeatPainter {
  #canvas;
  #context;
  #colors;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.readColors();
  }

  readColors() {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    this.#colors = {
      ink: color("ink"), soft: color("soft"), line: color("line"), edge: color("edge"),
      card: color("card"), accent: color("accent"), paper: color("paper"),
    };
  }

  // `shown(index)` is whether the filter lets a seat through; `cursor` a seat's index or -1.
  paint(plan, view, { picked, shown, cursor, labels }) {
    const { width, height } = view;
    const ratio = Math.min(devicePixelRatio || 1, 2);
    if (this.#canvas.width !== Math.round(width * ratio) || this.#canvas.height !== Math.round(height * ratio)) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
    }
    const context = this.#context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.#paintAreas(plan, view);
    const radius = plan.radius * view.scale;
    for (const [key, seats] of this.#groups(plan, view, picked, shown)) this.#paintGroup(plan, view, key, seats, radius);
    for (const index of picked) this.#paintPicked(...view.toPixels(plan.x[index], plan.y[index]), Math.max(radius, 5));
    if (radius >= NUMBER_PX) this.#paintNumbers(plan, view, picked, shown, radius);
    if (radius < LABEL_UNTIL_PX) this.#paintLabels(plan, view, labels);
    if (cursor >= 0) this.#paintCursor(...view.toPixels(plan.x[cursor], plan.y[cursor]), Math.max(radius, 5));
  }

  // Seats in view by how they are drawn, so that each look is one path.
  #groups(plan, view, picked, shown) {
    const groups = new Map();
    const reach = plan.radius;
    const [left, top] = [view.x - reach, view.y - reach];
    const [right, bottom] = [view.x + view.width / view.scale + reach, view.y + view.height / view.scale + reach];
    for (let i = 0; i < plan.count; i++) {
      const [x, y] = [plan.x[i], plan.y[i]];
      if (x < left || x > right || y < top || y > bottom || picked.has(i)) continue;
      const status = plan.status[i];
      const look = status === FREE ? (shown(i) ? `free ${plan.tierOf[i]} ${plan.isAccessible[i]}` : "aside") : status === HELD ? "held" : status === SOLD ? "sold" : "closed";
      if (groups.has(look)) groups.get(look).push(i);
      else groups.set(look, [i]);
    }
    return groups;
  }

  #paintGroup(plan, view, key, seats, radius) {
    const context = this.#context;
    const [look, tier, isAccessible] = key.split(" ");
    const size = { free: 1, aside: 0.62, held: 0.82, sold: 0.4, closed: 0.3 }[look] * radius;
    context.beginPath();
    for (const index of seats) {
      const [x, y] = view.toPixels(plan.x[index], plan.y[index]);
      if (radius < DOT_PX) context.rect(x - size, y - size, 2 * size, 2 * size);
      else if (isAccessible === "1") context.roundRect(x - size, y - size, 2 * size, 2 * size, size * 0.4);
      else {
        context.moveTo(x + size, y);
        context.arc(x, y, size, 0, 7);
      }
    }
    if (look === "held" && radius >= DOT_PX) {
      context.strokeStyle = this.#colors.edge;
      context.lineWidth = Math.max(1, radius * 0.16);
      return context.stroke();
    }
    context.fillStyle = look === "free" ? plan.tiers[tier].color : look === "aside" || radius < DOT_PX ? this.#colors.line : this.#colors.edge;
    context.fill();
    if (isAccessible === "1" && radius >= DOT_PX) this.#dots(plan, view, seats, size * 0.38);
  }

  #dots(plan, view, seats, size) {
    const context = this.#context;
    context.beginPath();
    for (const index of seats) {
      const [x, y] = view.toPixels(plan.x[index], plan.y[index]);
      context.moveTo(x + size, y);
      context.arc(x, y, size, 0, 7);
    }
    context.fillStyle = "#fff";
    context.fill();
  }

  #paintPicked(x, y, radius) {
    const context = this.#context;
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
    context.strokeStyle = this.#colors.card;
    context.lineWidth = Math.max(1.5, size * 0.22);
    context.stroke();
  }

  #paintCursor(x, y, radius) {
    const context = this.#context;
    context.beginPath();
    context.arc(x, y, radius * 1.6, 0, 7);
    context.strokeStyle = this.#colors.accent;
    context.lineWidth = 3;
    context.stroke();
  }

  #paintNumbers(plan, view, picked, shown, radius) {
    const context = this.#context;
    context.font = `600 ${Math.round(radius * 0.85)}px ${this.#font()}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let i = 0; i < plan.count; i++) {
      if (plan.status[i] !== FREE || picked.has(i) || !shown(i) || plan.isAccessible[i]) continue;
      const [x, y] = view.toPixels(plan.x[i], plan.y[i]);
      if (x < 0 || y < 0 || x > view.width || y > view.height) continue;
      context.fillStyle = readableOn(plan.tier(i).color);
      context.fillText(plan.numbers[i], x, y + 1);
    }
  }

  #paintLabels(plan, view, labels) {
    const context = this.#context;
    context.textAlign = "center";
    context.textBaseline = "middle";
    plan.sections.forEach((name, section) => {
      const { left, right } = plan.bounds[section];
      const [x, y] = view.toPixels(...plan.middles[section]);
      const room = (right - left) * view.scale;
      context.font = `650 12px ${this.#font()}`;
      const words = [name, labels[section]];
      const widths = words.map((each) => context.measureText(each).width + 16);
      // A label may hide seats of its own section, but not its neighbours.
      const lines = Math.max(...widths) <= room ? 2 : widths[0] <= room + 8 ? 1 : 0;
      if (!lines) return;
      const width = lines === 2 ? Math.max(...widths) : widths[0];
      context.beginPath();
      context.roundRect(x - width / 2, y - 9 * lines - 2, width, 18 * lines + 4, 10);
      context.fillStyle = this.#colors.card;
      context.globalAlpha = 0.88;
      context.fill();
      context.globalAlpha = 1;
      context.fillStyle = this.#colors.ink;
      context.fillText(words[0], x, lines === 2 ? y - 8 : y + 1);
      context.fillStyle = this.#colors.soft;
      if (lines === 2) context.fillText(words[1], x, y + 9);
    });
  }

  #font() {
    return getComputedStyle(document.body).fontFamily;
  }

  #paintAreas(plan, view) {
    for (const area of plan.areas) this.#paintArea(area, view);
  }

  #paintArea(area, view) {
    const context = this.#context;
    context.save();
    context.translate(...view.toPixels(area.position?.x ?? 0, area.position?.y ?? 0));
    context.scale(view.scale, view.scale);
    context.rotate(((area.rotation ?? 0) * Math.PI) / 180);
    context.beginPath();
    if (area.shape === "rectangle") context.roundRect(0, 0, area.rectangle.width, area.rectangle.height, 12);
    else if (area.shape === "circle") context.arc(0, 0, area.circle.radius, 0, 7);
    else if (area.shape === "ellipse") context.ellipse(0, 0, area.ellipse.radius.x, area.ellipse.radius.y, 0, 0, 7);
    else if (area.shape === "polygon") area.polygon.points.forEach(({ x, y }) => context.lineTo(x, y));
    context.closePath();
    context.fillStyle = this.#colors.line;
    context.fill();
    const words = area.text?.text;
    if (words) {
      context.fillStyle = this.#colors.soft;
      context.font = `650 ${area.text.size ?? 16}px ${this.#font()}`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(words, area.text.position?.x ?? 0, area.text.position?.y ?? 0);
    }
    context.restore();
  }
}

// Black or white, whichever reads better on the colour of the tier.
function readableOn(color) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
  return red * 0.299 + green * 0.587 + blue * 0.114 > 150 ? "#101010" : "#fff";
}
