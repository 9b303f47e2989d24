// The house as it looks from afar: its sections and whatever else is on the drawing, as SVG.

const SVG = "http://www.w3.org/2000/svg";
const SEATS_PER_POINT = 6; // of a line along a row; a bent row looks smooth with that
const THICKNESS = 5; // in radiuses of a seat: of a line that flows together with those of the rows beside it
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
    const stretches = outlines.size < plan.sections.length ? stretchesOfSections(plan) : [];
    this.#shapes = plan.sections.map((_, section) => {
      const outline = outlines.get(section);
      const shape = outline ? areaShape(outline) : stretchesShape(stretches[section], plan);
      shape.setAttribute("class", outline ? "section-shape" : "section-shape is-line");
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

// The seats of each section as stretches that touch: along the rows, broken where there is an aisle.
function stretchesOfSections(plan) {
  const found = plan.sections.map(() => []);
  for (let i = 0; i < plan.count; i++) {
    const stretches = found[plan.sectionOf[i]];
    if (i > 0 && plan.areNeighbours(i - 1, i)) stretches.at(-1).push(i);
    else stretches.push([i]);
  }
  return found;
}

// Each stretch as a line so thick that those of neighbouring rows flow together.
function stretchesShape(stretches, { x, y, radius }) {
  const lines = stretches.map((seats) => thinned(seats).map((index) => `${x[index]} ${y[index]}`));
  // A single seat is a line of no length, whose round ends are seen.
  const shape = element("path", { d: lines.map((points) => `M${points.length > 1 ? points.join("L") : `${points[0]}h0.01`}`).join("") });
  shape.style.setProperty("stroke-width", `${radius * THICKNESS}px`);
  return shape;
}

function thinned(seats) {
  return seats.filter((_, at) => at % SEATS_PER_POINT === 0 || at === seats.length - 1);
}
