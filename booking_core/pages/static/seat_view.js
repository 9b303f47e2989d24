// Which part of the plan is seen on the canvas: pan and zoom by finger, wheel, mouse and key.

const SEAT_PX_MAX = 24; // of a seat's radius: thumb-sized on any screen, whatever the size of the house
const MARGIN_PX = 16;
const TOOLS_PX = 64; // the buttons above the plan must not hide it
const TAP_MOVES_MAX_PX = 8; // a finger that moved more did not mean a tap
const FLIGHT_MS = 260; // long enough to see where one comes from
const SETTLED_AFTER_MS = 120; // without movement; then there is time for what is small

export class SeatView {
  #canvas;
  #handlers;
  #seatRadius;
  #pointers = new Map();
  #moved = 0;
  #bounds = { left: 0, top: 0, right: 1, bottom: 1 };
  #movedAt = -Infinity;
  #settling = 0;
  #flight = 0;
  #isFitted = false;
  width = 0;
  height = 0;
  scale = 1;
  wholeScale = 1;
  x = 0;
  y = 0;

  // handlers: onChange(), onTap(x, y, kind of pointer).
  constructor(canvas, seatRadius, handlers) {
    this.#canvas = canvas;
    this.#seatRadius = seatRadius;
    this.#handlers = handlers;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.#up(event));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  get isDragging() {
    return this.#pointers.size > 0 && this.#moved > TAP_MOVES_MAX_PX;
  }

  get isMoving() {
    return performance.now() - this.#movedAt < SETTLED_AFTER_MS;
  }

  // Whether the whole house is seen, so that there is nothing to drag.
  get isWhole() {
    return this.scale <= this.wholeScale * 1.001;
  }

  // The canvas has another size: show all of it when all was seen, else the same middle.
  resize(bounds) {
    const { clientWidth, clientHeight } = this.#canvas;
    if (!clientWidth) return; // not shown at the moment
    const middle = this.toPlan(this.width / 2, this.height / 2);
    const wasWhole = !this.#isFitted || this.isWhole;
    [this.width, this.height] = [clientWidth, clientHeight];
    this.#isFitted = true;
    this.#bounds = bounds;
    this.wholeScale = this.#fitting(bounds);
    if (wasWhole) this.#set(this.#framed(bounds, this.wholeScale));
    else this.#set({ scale: this.scale, x: middle[0] - this.width / 2 / this.scale, y: middle[1] - this.height / 2 / this.scale });
  }

  // Fly to these bounds of the plan, as large as they fit; to the whole house without any.
  fit(bounds = this.#bounds) {
    this.#fly(this.#framed(bounds, this.#allowed(this.#fitting(bounds))));
  }

  zoomAt(factor, px = this.width / 2, py = this.height / 2) {
    this.#stopFlight();
    this.#set(this.#zoomed(factor, px, py));
  }

  // As zoomAt, in a flight.
  flyCloser(factor, px, py) {
    this.#fly(this.#inside(this.#zoomed(factor, px, py)));
  }

  // Move the picture so that this point of the plan is well inside it.
  reveal(x, y) {
    const { left, top, right, bottom } = this.window();
    const edge = Math.min(this.width, this.height) / 5 / this.scale;
    const target = { scale: this.scale, x: this.x, y: this.y };
    if (x < left + edge) target.x = x - edge;
    if (x > right - edge) target.x += x - right + edge;
    if (y < top + edge) target.y = y - edge;
    if (y > bottom - edge) target.y += y - bottom + edge;
    this.#stopFlight();
    this.#set(target);
  }

  // What is seen, in the plan's own units.
  window() {
    return { left: this.x, top: this.y, right: this.x + this.width / this.scale, bottom: this.y + this.height / this.scale };
  }

  toPlan(px, py) {
    return [this.x + px / this.scale, this.y + py / this.scale];
  }

  toPixels(x, y) {
    return [(x - this.x) * this.scale, (y - this.y) * this.scale];
  }

  #fitting({ left, right, top, bottom }) {
    return Math.min((this.width - 2 * MARGIN_PX) / Math.max(1, right - left), (this.height - TOOLS_PX - MARGIN_PX) / Math.max(1, bottom - top));
  }

  #framed({ left, right, top, bottom }, scale) {
    return { scale, x: (left + right) / 2 - this.width / 2 / scale, y: (top + bottom) / 2 - (this.height + TOOLS_PX - MARGIN_PX) / 2 / scale };
  }

  #zoomed(factor, px, py) {
    const scale = this.#allowed(this.scale * factor);
    return { scale, x: this.x + px / this.scale - px / scale, y: this.y + py / this.scale - py / scale };
  }

  #allowed(scale) {
    return Math.min(Math.max(this.wholeScale, SEAT_PX_MAX / this.#seatRadius), Math.max(this.wholeScale, scale));
  }

  // The house may not be dragged out of the picture.
  #inside({ scale, x, y }) {
    const [width, height] = [this.width / scale, this.height / scale];
    const { left, right, top, bottom } = this.#bounds;
    return {
      scale,
      x: Math.min(right - width / 3, Math.max(left - (width * 2) / 3, x)),
      y: Math.min(bottom - height / 3, Math.max(top - (height * 2) / 3, y)),
    };
  }

  #set(target) {
    Object.assign(this, this.#inside(target));
    this.#movedAt = performance.now();
    // With all of it in sight there is nothing to drag: a finger scrolls the page.
    const touch = this.isWhole ? "pan-y" : "none";
    if (this.#canvas.style.touchAction !== touch) this.#canvas.style.touchAction = touch;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#handlers.onChange(), SETTLED_AFTER_MS + 1);
    this.#handlers.onChange();
  }

  #fly(target) {
    this.#stopFlight();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.#set(target);
    const from = { scale: this.scale, x: this.x + this.width / 2 / this.scale, y: this.y + this.height / 2 / this.scale };
    const to = { scale: target.scale, x: target.x + this.width / 2 / target.scale, y: target.y + this.height / 2 / target.scale };
    const began = performance.now();
    const step = (now) => {
      const share = Math.min(1, Math.max(0, (now - began) / FLIGHT_MS));
      const eased = 1 - (1 - share) ** 3;
      const scale = from.scale * (to.scale / from.scale) ** eased;
      // The middle moves as the picture grows: in a straight line on the screen.
      const way = to.scale === from.scale ? eased : (1 / scale - 1 / from.scale) / (1 / to.scale - 1 / from.scale);
      const [x, y] = [from.x + (to.x - from.x) * way, from.y + (to.y - from.y) * way];
      this.#set({ scale, x: x - this.width / 2 / scale, y: y - this.height / 2 / scale });
      this.#flight = share < 1 ? requestAnimationFrame(step) : 0;
    };
    this.#flight = requestAnimationFrame(step);
    return undefined;
  }

  #stopFlight() {
    cancelAnimationFrame(this.#flight);
    this.#flight = 0;
  }

  #down(event) {
    if (event.button > 0) return;
    this.#stopFlight();
    this.#canvas.setPointerCapture(event.pointerId);
    if (!this.#pointers.size) this.#moved = 0;
    else this.#moved = Infinity; // a second finger: never a tap
    this.#pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.offsetX, event.offsetY];
    this.#moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId);
    if (other) this.#pinch(before, now, other[1]);
    else if (this.isDragging) this.#drag(now[0] - before[0], now[1] - before[1]);
    this.#pointers.set(event.pointerId, now);
  }

  #drag(dx, dy) {
    this.#set({ scale: this.scale, x: this.x - dx / this.scale, y: this.y - dy / this.scale });
  }

  #pinch(before, now, other) {
    const length = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
    this.zoomAt(length(now) / length(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    this.#drag((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId) || event.type === "pointercancel") return;
    if (this.#moved <= TAP_MOVES_MAX_PX) this.#handlers.onTap(event.offsetX, event.offsetY, event.pointerType);
  }

  #wheel(event) {
    if (this.isWhole && event.deltaY > 0) return; // nothing is farther away: the page scrolls on
    event.preventDefault();
    this.zoomAt(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), event.offsetX, event.offsetY);
  }
}
