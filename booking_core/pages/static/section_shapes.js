// The house as it looks from afar: its sections and whatever else is on the drawing, as SVG.

const SVG = "http://www.w3.org/2000/svg";
const ROW_POINTS_MAX = 12; // of a section's edge along a row; a bent row needs no more
const SHARE_LEAST = 0.4; // of a section's colour while anything in it is free

export class SectionShapes {
  #plan;
  #svg;
  #group;
  #shapes;
  #lit = -1;

  constructor(svg, plan) {
    this.#plan = plan;
    this.#svg = svg;
    this.#group = svg.appendChild(element("g"));
    const outlines = new Map(plan.areas.filter(({ section }) => section != null).map((area) => [area.section, area]));
    for (const area of plan.areas) if (area.section == null) this.#group.append(areaShape(area));
    const rows = outlines.size < plan.sections.length ? rowsOfSections(plan) : [];
    this.#shapes = plan.sections.map((_, section) => {
      const outline = outlines.get(section);
      const shape = outline ? areaShape(outline) : rowsShape(rows[section], plan);
      shape.setAttribute("class", "section-shape");
      return this.#group.appendChild(shape);
    });
    for (const area of plan.areas) if (area.section == null && area.text) this.#group.append(areaText(area));
  }

  // `sections` as countFree gives them. The more of a section is free, the fuller its colour.
  take(sections) {
    sections.forEach(({ free, tier }, section) => {
      const { style } = this.#shapes[section];
      const share = free / Math.max(1, this.#plan.bounds[section].count);
      style.setProperty("--tier", free ? this.#plan.tiers[tier].color : "var(--edge)");
      style.setProperty("--share", free ? SHARE_LEAST + (1 - SHARE_LEAST) * share : SHARE_LEAST / 2);
    });
  }

  // Make one section stand out; -1 for none.
  light(section) {
    if (section === this.#lit) return;
    this.#shapes[this.#lit]?.classList.remove("is-lit");
    this.#shapes[section]?.classList.add("is-lit");
    this.#lit = section;
  }

  // `hasDots` is whether seats are drawn above the shapes, which then only tint the ground.
  place(view, hasDots) {
    this.#group.style.transform = `scale(${view.scale}) translate(${-view.x}px, ${-view.y}px)`;
    if (this.#svg.classList.contains("has-dots") !== hasDots) this.#svg.classList.toggle("has-dots", hasDots);
  }
}

function element(tag, attributes = {}) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function turned({ position, rotation }) {
  return { transform: `translate(${position?.x ?? 0} ${position?.y ?? 0}) rotate(${rotation ?? 0})` };
}

function areaShape(area) {
  const { shape, rectangle, circle, ellipse, polygon } = area;
  const common = { class: "area-shape", ...turned(area) };
  if (shape === "rectangle" && rectangle) return element("rect", { ...common, width: rectangle.width, height: rectangle.height, rx: 12 });
  if (shape === "circle" && circle) return element("circle", { ...common, r: circle.radius });
  if (shape === "ellipse" && ellipse) return element("ellipse", { ...common, rx: ellipse.radius.x, ry: ellipse.radius.y });
  const points = shape === "polygon" ? (polygon?.points ?? []) : [];
  return element("polygon", { ...common, points: points.map(({ x, y }) => `${x ?? 0},${y ?? 0}`).join(" ") });
}

function areaText(area) {
  const { text, position, size } = area.text;
  const words = element("text", { class: "area-text", ...turned(area), "font-size": size ?? 16, x: position?.x ?? 0, y: position?.y ?? 0 });
  words.textContent = text;
  return words;
}

// The rows of each section, nearest to what they look at first, all running the same way.
function rowsOfSections(plan) {
  const sections = plan.sections.map(() => new Map());
  for (let i = 0; i < plan.count; i++) {
    const rows = sections[plan.sectionOf[i]];
    const seats = rows.get(plan.rows[i]);
    if (seats) seats.push(i);
    else rows.set(plan.rows[i], [i]);
  }
  return sections.map((rows) => inOrder([...rows.values()].map((seats) => alongTheRow(seats, plan)), plan));
}

function alongTheRow(seats, { x, y }) {
  const span = (values) => Math.max(...seats.map((index) => values[index])) - Math.min(...seats.map((index) => values[index]));
  const values = span(x) >= span(y) ? x : y;
  return seats.sort((a, b) => values[a] - values[b]);
}

function inOrder(rows, { x, y, focalPoint }) {
  const distance = (a, b) => Math.hypot(x[a] - x[b], y[a] - y[b]);
  const away = (seats) => {
    const middle = seats[seats.length >> 1];
    return Math.hypot(x[middle] - focalPoint.x, y[middle] - focalPoint.y);
  };
  rows.sort((a, b) => away(a) - away(b));
  for (let at = 1; at < rows.length; at++) {
    const [before, row] = [rows[at - 1], rows[at]];
    if (distance(row[0], before[0]) > distance(row.at(-1), before[0])) row.reverse();
  }
  return rows;
}

// Around the rows: along the first, down the ends, back along the last, up the beginnings. A thick line
// around it leaves the seats room.
function rowsShape(rows, plan) {
  const between = rows.slice(1, -1);
  const first = thinned(rows[0] ?? []);
  const last = rows.length > 1 ? thinned(rows.at(-1)).reverse() : [];
  const outline = [...first, ...between.map((row) => row.at(-1)), ...last, ...between.map((row) => row[0]).reverse()];
  const shape = element("polygon", { points: outline.map((index) => `${plan.x[index]},${plan.y[index]}`).join(" ") });
  shape.style.setProperty("stroke-width", `${plan.radius * 3}px`);
  return shape;
}

function thinned(seats) {
  const stepOver = Math.max(1, Math.ceil(seats.length / ROW_POINTS_MAX));
  return seats.filter((_, at) => at % stepOver === 0 || at === seats.length - 1);
}
