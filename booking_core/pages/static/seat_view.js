// Which part of the plan is seen on the canvas: pan and zoom by finger, wheel, mouse and key.

const ZOOM_MAX = 14; // times the whole house; a seat is then thumb-sized on a phone
const MARGIN_PX = 16;
const TOOLS_PX = 64; // the buttons above the plan must not hide it
const TAP_MOVES_MAX_PX = 8; // a finger that moved more did not mean a tap

export class SeatView {
  #canvas;
  #onChange;
  #onTap;
  #pointers = new Map();
  #moved = 0;
  #bounds = { left: 0, top: 0, right: 1, bottom: 1 };
  scale = 1;
  x = 0;
  y = 0;

  constructor(canvas, { onChange, onTap }) {
    this.#canvas = canvas;
    this.#onChange = onChange;
    this.#onTap = onTap;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.#up(event));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  get width() {
    return this.#canvas.clientWidth;
  }

  get height() {
    return this.#canvas.clientHeight;
  }

  get isDragging() {
    return this.#pointers.size > 0 && this.#moved > TAP_MOVES_MAX_PX;
  }

  // Show these bounds of the plan, as large as they fit.
  fit(bounds, { isWhole = false } = {}) {
    if (isWhole) this.#bounds = bounds;
    const [width, height] = [Math.max(1, bounds.right - bounds.left), Math.max(1, bounds.bottom - bounds.top)];
    const fitting = Math.min((this.width - 2 * MARGIN_PX) / width, (this.height - TOOLS_PX - MARGIN_PX) / height);
    this.scale = isWhole ? fitting : this.#allowed(fitting);
    if (isWhole) this.wholeScale = fitting;
    this.x = (bounds.left + bounds.right) / 2 - this.width / 2 / this.scale;
    this.y = (bounds.top + bounds.bottom) / 2 - (this.height + TOOLS_PX - MARGIN_PX) / 2 / this.scale;
    this.#onChange();
  }

  zoomAt(factor, px = this.width / 2, py = this.height / 2) {
    const scale = this.#allowed(this.scale * factor);
    this.x += px / this.scale - px / scale;
    this.y += py / this.scale - py / scale;
    this.scale = scale;
    this.#keepInside();
  }

  // Move the picture so that this point of the plan is well inside it.
  reveal(x, y) {
    const edge = Math.min(this.width, this.height) / 5 / this.scale;
    const [right, bottom] = [this.x + this.width / this.scale, this.y + this.height / this.scale];
    if (x < this.x + edge) this.x = x - edge;
    if (x > right - edge) this.x += x - right + edge;
    if (y < this.y + edge) this.y = y - edge;
    if (y > bottom - edge) this.y += y - bottom + edge;
    this.#onChange();
  }

  toPlan(px, py) {
    return [this.x + px / this.scale, this.y + py / this.scale];
  }

  toPixels(x, y) {
    return [(x - this.x) * this.scale, (y - this.y) * this.scale];
  }

  #allowed(scale) {
    return Math.min(this.wholeScale * ZOOM_MAX, Math.max(this.wholeScale, scale));
  }

  #keepInside() {
    const [width, height] = [this.width / this.scale, this.height / this.scale];
    const { left, right, top, bottom } = this.#bounds;
    this.x = Math.min(right - width / 3, Math.max(left - (width * 2) / 3, this.x));
    this.y = Math.min(bottom - height / 3, Math.max(top - (height * 2) / 3, this.y));
    this.#onChange();
  }

  #down(event) {
    if (event.button > 0) return;
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
    const others = [...this.#pointers].filter(([id]) => id !== event.pointerId);
    if (others.length) this.#pinch(before, now, others[0][1]);
    else if (this.isDragging) this.#drag(before, now);
    this.#pointers.set(event.pointerId, now);
  }

  #drag(before, now) {
    this.x -= (now[0] - before[0]) / this.scale;
    this.y -= (now[1] - before[1]) / this.scale;
    this.#keepInside();
  }

  #pinch(before, now, other) {
    const length = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
    this.zoomAt(length(now) / length(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    this.#drag(before, [before[0] + (now[0] - before[0]) / 2, before[1] + (now[1] - before[1]) / 2]);
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId) || event.type === "pointercancel") return;
    if (this.#moved <= TAP_MOVES_MAX_PX) this.#onTap(event.offsetX, event.offsetY, event.pointerType);
  }

  #wheel(event) {
    event.preventDefault();
    this.zoomAt(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), event.offsetX, event.offsetY);
  }
}
