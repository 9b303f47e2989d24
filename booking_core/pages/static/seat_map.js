// The seat map: a canvas to pan, zoom and pick from, by pointer and by keyboard.

import { SeatPainter } from "./seat_painter.js";
import { SeatView } from "./seat_view.js";

const PICK_FROM_PX = 5.5; // smaller seats cannot be told apart by a finger: come closer instead
const PICK_FROM_MOUSE_PX = 3;
const REACH_PX = 16; // how far beside a seat a tap still means it
const CLOSER = 3;
const KEY_ZOOM = 1.5;
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class SeatMap {
  #plan;
  #canvas;
  #view;
  #painter;
  #handlers;
  #isDue = false;
  #cursor = -1;
  #state = { picked: new Set(), shown: () => true, labels: [] };

  // handlers: onPick(index), onCursor(index), onCloser(), tip(index, x, y) with -1 for none.
  constructor(canvas, plan, handlers) {
    this.#canvas = canvas;
    this.#plan = plan;
    this.#handlers = handlers;
    this.#painter = new SeatPainter(canvas);
    this.#view = new SeatView(canvas, {
      onChange: () => this.redraw(),
      onTap: (x, y, kind) => this.#tap(x, y, kind),
    });
    canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.#hover(event));
    canvas.addEventListener("pointerleave", () => handlers.tip(-1));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#moveCursor(-1));
    this.#fitHeight();
    new ResizeObserver(() => this.#canvas.clientWidth && this.showAll()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.#painter.readColors();
      this.redraw();
    });
  }

  update(state) {
    Object.assign(this.#state, state);
    this.redraw();
  }

  // Paint once before the next frame, however often it was asked for.
  redraw() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      if (!this.#canvas.clientWidth) return;
      this.#painter.paint(this.#plan, this.#view, { ...this.#state, cursor: this.#cursor });
    });
  }

  showAll() {
    const { grid, areas } = this.#plan;
    const bounds = { left: grid.left, top: grid.top, right: grid.right, bottom: grid.bottom };
    for (const { position, rectangle } of areas) {
      if (!position || !rectangle) continue;
      bounds.left = Math.min(bounds.left, position.x);
      bounds.top = Math.min(bounds.top, position.y);
      bounds.right = Math.max(bounds.right, position.x + rectangle.width);
      bounds.bottom = Math.max(bounds.bottom, position.y + rectangle.height);
    }
    this.#view.fit(bounds, { isWhole: true });
  }

  showSection(section) {
    this.#view.fit(this.#plan.bounds[section]);
  }

  zoom(factor) {
    this.#view.zoomAt(factor);
  }

  // As tall as the plan needs at this width, so that a wide house leaves no empty half.
  #fitHeight() {
    const { left, right, top, bottom } = this.#plan.grid;
    this.#canvas.style.setProperty("--plan-shape", (right - left) / Math.max(1, bottom - top));
  }

  #tap(px, py, kind) {
    const radius = this.#plan.radius * this.#view.scale;
    if (radius < (kind === "mouse" ? PICK_FROM_MOUSE_PX : PICK_FROM_PX)) {
      this.#view.zoomAt(CLOSER, px, py);
      return this.#handlers.onCloser();
    }
    const index = this.#seatAt(px, py);
    if (index >= 0) this.#handlers.onPick(index);
    return undefined;
  }

  #seatAt(px, py) {
    const reach = Math.max(REACH_PX, this.#plan.radius * this.#view.scale * 1.1) / this.#view.scale;
    return this.#plan.nearest(...this.#view.toPlan(px, py), Math.min(reach, this.#plan.radius * 3));
  }

  #hover({ offsetX, offsetY }) {
    const index = this.#view.isDragging ? -1 : this.#seatAt(offsetX, offsetY);
    this.#canvas.style.cursor = index >= 0 && this.#plan.isFree(index) ? "pointer" : "grab";
    this.#tip(index);
  }

  #tip(index) {
    if (index < 0) return this.#handlers.tip(-1);
    return this.#handlers.tip(index, ...this.#view.toPixels(this.#plan.x[index], this.#plan.y[index]));
  }

  #key(event) {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (STEPS[key]) this.#step(...STEPS[key]);
    else if ((key === "Enter" || key === " ") && this.#cursor >= 0) this.#handlers.onPick(this.#cursor);
    else if (key === "+" || key === "=") this.zoom(KEY_ZOOM);
    else if (key === "-") this.zoom(1 / KEY_ZOOM);
    else if (key === "0") this.showAll();
    else return;
    event.preventDefault();
  }

  #step(dx, dy) {
    const next = this.#cursor < 0 ? this.#firstSeat() : this.#plan.neighbour(this.#cursor, dx, dy);
    if (next < 0) return;
    this.#moveCursor(next);
    this.#handlers.onCursor(next);
    this.#view.reveal(this.#plan.x[next], this.#plan.y[next]);
    this.#tip(next);
  }

  // Where the keyboard starts: the seat nearest to the middle of what is seen.
  #firstSeat() {
    const [x, y] = this.#view.toPlan(this.#view.width / 2, this.#view.height / 2);
    for (let reach = this.#plan.radius * 4; reach < 1e6; reach *= 2) {
      const index = this.#plan.nearest(x, y, reach);
      if (index >= 0) return index;
    }
    return -1;
  }

  #moveCursor(index) {
    this.#cursor = index;
    if (index < 0) this.#handlers.tip(-1);
    this.redraw();
  }
}
