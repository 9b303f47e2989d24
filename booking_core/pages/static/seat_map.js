// The seat map: sections from afar, seats from close by; to pan, zoom and pick from, by pointer and by keyboard.

import { SeatPainter } from "./seat_painter.js";
import { SeatView } from "./seat_view.js";
import { SectionShapes } from "./section_shapes.js";

const PICK_FROM_PX = 5.5; // smaller seats cannot be told apart by a finger: come closer instead
const PICK_FROM_MOUSE_PX = 3;
const PICK_AT_PX = 9; // how large seats are after coming closer
const REACH_PX = 16; // how far beside a seat a tap still means it
const UPPER_EDGE_PX = 44; // the tip is put below this: under the buttons
const SECTION_REACH = 5; // how many seats beside a section a tap still means it
const KEY_ZOOM = 1.5;
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class SeatMap {
  #plan;
  #canvas;
  #view;
  #painter;
  #shapes;
  #handlers;
  #isDue = false;
  #seat = -1; // where the keyboard is, among the seats …
  #section = -1; // … or among the sections
  #pointed = { kind: "", index: -1 }; // under the mouse or the keyboard's cursor
  #isTapped = false; // by a finger, which cannot point
  #here = -1; // the section that fills the picture
  #picked = new Set();

  // handlers: onPick(index), onSeat(index) and onSection(section) for what the keyboard came to,
  // onWhere(section) for where they are, -1 for the whole house, onCloser(), tip(kind, index, x, y): kind "seat", "section" or "" for nothing to say.
  constructor(canvas, svg, plan, handlers) {
    this.#canvas = canvas;
    this.#plan = plan;
    this.#handlers = handlers;
    this.#painter = new SeatPainter(canvas, plan);
    this.#shapes = new SectionShapes(svg, plan);
    this.#view = new SeatView(canvas, plan.radius, {
      onChange: () => this.redraw(),
      onTap: (x, y, kind) => this.#tap(x, y, kind),
    });
    canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && this.#hover(event));
    canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#point("", -1));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    // From a question about a seat the keyboard comes back to that seat.
    canvas.addEventListener("blur", () => document.querySelector("dialog:modal") ?? this.#leave());
    // As tall as the plan needs at this width, so that a wide house leaves no empty half.
    const { left, right, top, bottom } = plan.wholeBounds();
    canvas.parentElement.style.setProperty("--plan-shape", (right - left) / Math.max(1, bottom - top));
    new ResizeObserver(() => this.#view.resize(plan.wholeBounds())).observe(canvas);
  }

  // Take what is free, picked and let through by the filter; `sections` and `lines` are for the sections.
  update({ picked, filter, sections, lines }) {
    this.#picked = picked;
    this.#painter.take(filter, lines);
    this.#shapes.take(sections);
    this.#tip(); // what it tells of may have changed
    this.redraw();
  }

  // The page has other colours from now on; an update follows.
  readColors() {
    this.#painter.readColors();
  }

  // These seats have gone while the fan looks.
  showGoing(indexes) {
    this.#painter.showGoing(indexes);
  }

  // Paint once before the next frame, however often it was asked for.
  redraw() {
    if (this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      if (!this.#view.width) return;
      this.#shapes.place(this.#view, this.#painter.hasDots(this.#view));
      this.#painter.paint(this.#view, { picked: this.#picked, cursor: this.#seat });
      if (this.#view.isDragging && this.#isTapped) this.#point("", -1); // the finger goes somewhere else
      if (this.#pointed.index >= 0 && this.#view.isMoving) this.#tip();
      if (!this.#view.isMoving) this.#tellWhere();
      if (this.#painter.isRestless) this.redraw();
    });
  }

  showAll() {
    this.#view.fit();
  }

  showSection(section) {
    this.#view.fit(this.#plan.bounds[section]);
  }

  zoom(factor) {
    this.#view.zoomAt(factor);
  }

  get #seatPx() {
    return this.#plan.radius * this.#view.scale;
  }

  #tap(px, py, kind) {
    if (this.#isTapped) this.#point("", -1);
    if (this.#seatPx >= (kind === "mouse" ? PICK_FROM_MOUSE_PX : PICK_FROM_PX)) {
      const index = this.#seatAt(px, py);
      return index >= 0 ? this.#handlers.onPick(index) : undefined;
    }
    const section = this.#sectionAt(px, py);
    if (section < 0) return undefined;
    this.#comeCloser(section, px, py);
    if (kind !== "mouse") this.#point("section", section, { isTapped: true }); // a mouse was told on its way here
    return this.#handlers.onCloser();
  }

  // To the whole of a section, or to the seats under the finger where that would not be closer.
  #comeCloser(section, px, py) {
    const { left, right, top, bottom } = this.#plan.bounds[section];
    const fits = Math.min(this.#view.width / Math.max(1, right - left), this.#view.height / Math.max(1, bottom - top));
    if (fits * this.#plan.radius >= PICK_FROM_PX) this.showSection(section);
    else this.#view.flyCloser(PICK_AT_PX / this.#seatPx, px, py);
  }

  #seatAt(px, py) {
    const reach = Math.max(REACH_PX, this.#seatPx * 1.1) / this.#view.scale;
    return this.#plan.nearest(...this.#view.toPlan(px, py), Math.min(reach, this.#plan.radius * 3));
  }

  #sectionAt(px, py) {
    const reach = Math.max(REACH_PX / this.#view.scale, this.#plan.radius * SECTION_REACH);
    const index = this.#plan.nearest(...this.#view.toPlan(px, py), reach);
    return index < 0 ? -1 : this.#plan.sectionOf[index];
  }

  #hover({ offsetX, offsetY }) {
    if (this.#view.isDragging) return this.#point("", -1);
    if (this.#seatPx < PICK_FROM_MOUSE_PX) return this.#point("section", this.#sectionAt(offsetX, offsetY));
    return this.#point("seat", this.#seatAt(offsetX, offsetY));
  }

  // Tell of what is under the mouse or the keyboard's cursor; index -1 for nothing.
  #point(kind, index, { isTapped = false } = {}) {
    this.#pointed = { kind, index };
    this.#isTapped = isTapped;
    this.#shapes.light(kind === "section" ? index : this.#section);
    this.#canvas.classList.toggle("is-over", index >= 0 && (kind === "section" || this.#plan.isFree(index)));
    this.#tip();
  }

  #tip() {
    const { kind, index } = this.#pointed;
    if (index < 0) return this.#handlers.tip("", -1);
    if (kind === "seat") return this.#handlers.tip(kind, index, ...this.#view.toPixels(this.#plan.x[index], this.#plan.y[index]));
    const { top, bottom, middleX, middleY } = this.#plan.bounds[index];
    const [x, y] = this.#view.toPixels(middleX, middleY);
    // Of a section that fills the picture it stands at the upper edge, where it hides no seat one has come for.
    const fills = (bottom - top) * this.#view.scale > this.#view.height / 2;
    return this.#handlers.tip(kind, index, fills ? this.#view.width / 2 : x, fills ? UPPER_EDGE_PX : y);
  }

  // In which section the fan is, once they have come close enough to choose seats.
  #tellWhere() {
    const isNear = this.#seatPx >= PICK_FROM_MOUSE_PX && !this.#view.isWhole;
    const here = isNear ? this.#sectionAt(this.#view.width / 2, this.#view.height / 2) : -1;
    if (here === this.#here || (isNear && here < 0)) return; // an aisle is between sections
    this.#here = here;
    this.#handlers.onWhere(here);
  }

  #key(event) {
    const { key } = event;
    const isPress = key === "Enter" || key === " ";
    if (event.ctrlKey || event.metaKey || event.altKey || (isPress && event.repeat)) return;
    if (STEPS[key]) this.#step(...STEPS[key]);
    else if (isPress && this.#seat >= 0) this.#handlers.onPick(this.#seat);
    else if (isPress && this.#section >= 0) this.#enterSection();
    else if (key === "+" || key === "=") this.zoom(KEY_ZOOM);
    else if (key === "-") this.zoom(1 / KEY_ZOOM);
    else if (key === "0" || key === "Escape") this.#leaveSection();
    else return;
    event.preventDefault();
  }

  // From section to section while seats are too small to choose, else from seat to seat.
  #step(dx, dy) {
    if (this.#seat < 0 && this.#seatPx < PICK_FROM_PX) {
      const section = this.#plan.sectionBeside(this.#section, dx, dy);
      if (section >= 0) this.#comeToSection(section);
      return;
    }
    const next = this.#seat < 0 ? this.#firstSeat() : this.#plan.neighbour(this.#seat, dx, dy);
    if (next >= 0) this.#comeToSeat(next);
  }

  #comeToSection(section) {
    this.#section = section;
    this.#view.reveal(this.#plan.bounds[section].middleX, this.#plan.bounds[section].middleY);
    this.#point("section", section);
    this.#handlers.onSection(section);
  }

  #comeToSeat(index, { isInSight = false } = {}) {
    this.#seat = index;
    this.#section = -1;
    if (!isInSight) this.#view.reveal(this.#plan.x[index], this.#plan.y[index]);
    this.#point("seat", index);
    this.#handlers.onSeat(index);
  }

  #enterSection() {
    const { middleX, middleY } = this.#plan.bounds[this.#section];
    this.#comeCloser(this.#section, ...this.#view.toPixels(middleX, middleY));
    this.#comeToSeat(this.#plan.nearest(middleX, middleY, Infinity), { isInSight: true });
  }

  #leaveSection() {
    this.#leave();
    this.showAll();
  }

  // Where the keyboard starts among seats: the one nearest to the middle of what is seen.
  #firstSeat() {
    return this.#plan.nearest(...this.#view.toPlan(this.#view.width / 2, this.#view.height / 2), Infinity);
  }

  #leave() {
    this.#seat = -1;
    this.#section = -1;
    this.#point("", -1);
    this.redraw();
  }
}
