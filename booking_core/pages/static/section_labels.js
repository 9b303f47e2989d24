// The names of the sections, with prices and counts where there is room, on the canvas.

export const LABELS_UNTIL_PX = 3; // of a seat's radius: larger ones are chosen themselves, and no label may hide them
const LINE_PX = 16;
// A name on a card, its seats may lie beneath; or bare, for a house of many small sections.
const CARD = { px: 12, padding: 8, height: LINE_PX };
const BARE = { px: 10, padding: 1, height: 11 };
const HALO_PX = 3; // around a bare name, so that it reads on every colour
const OVERHANG_PX = 8; // a name alone may be wider than its section by so much
// Sections that look alike should say alike: more is said only where nearly all of them can.
const MOST = 0.9;
const BARE_FROM = 20; // names; of fewer each can be read on its card after one step closer

export class SectionLabels {
  #plan;
  #labels = [];
  #font = "";

  constructor(plan) {
    this.#plan = plan;
  }

  // `lines` is for each section what stands below its name, the most important first.
  take(context, font, lines) {
    this.#font = font;
    this.#labels = lines.map((below, section) => {
      const words = [this.#plan.sections[section], ...below];
      const lines = words.map((line, at) => ({ line, width: this.#widthOf(context, line, at ? 500 : 650, CARD) }));
      return { section, lines, bareWidth: this.#widthOf(context, words[0], 650, BARE) };
    });
  }

  paint(context, view, { ink, soft, card }) {
    context.textAlign = "center";
    context.textBaseline = "middle";
    const { isBare, placed } = this.#placed(view);
    if (isBare) return this.#paintBare(context, placed, ink, card);
    for (const { x, y, lines, box } of placed) {
      context.beginPath();
      context.roundRect(box.left, box.top, box.right - box.left, box.bottom - box.top, 9);
      context.globalAlpha = 0.9;
      context.fillStyle = card;
      context.fill();
      context.globalAlpha = 1;
      lines.forEach(({ line }, at) => {
        context.font = this.#fontOf(at ? 500 : 650, CARD);
        context.fillStyle = at ? soft : ink;
        context.fillText(line, x, y + LINE_PX * (at - (lines.length - 1) / 2) + 1);
      });
    }
  }

  #paintBare(context, placed, ink, card) {
    context.font = this.#fontOf(650, BARE);
    context.lineJoin = "round";
    context.lineWidth = HALO_PX;
    context.strokeStyle = card;
    context.fillStyle = ink;
    for (const { x, y, lines } of placed) {
      context.strokeText(lines[0].line, x, y + 1);
      context.fillText(lines[0].line, x, y + 1);
    }
  }

  #placed(view) {
    const seen = this.#labels.flatMap(({ section, ...label }) => {
      const { left, right, top, bottom, middleX, middleY } = this.#plan.bounds[section];
      const [x, y] = view.toPixels(middleX, middleY);
      if (x < 0 || y < 0 || x > view.width || y > view.height) return [];
      const room = { width: (right - left) * view.scale, height: (bottom - top) * view.scale };
      return [{ x, y, room, ...label }];
    });
    const cards = namesThatFit(seen, CARD);
    const bare = namesThatFit(seen, BARE);
    if (bare.length >= BARE_FROM && cards.length < bare.length * MOST) return { isBare: true, placed: bare };
    for (const alike of groups(cards)) growAlike(alike, cards);
    return { isBare: false, placed: cards };
  }

  #widthOf(context, line, weight, style) {
    context.font = this.#fontOf(weight, style);
    return context.measureText(line).width + 2 * style.padding;
  }

  #fontOf(weight, { px }) {
    return `${weight} ${px}px ${this.#font}`;
  }
}

// As many names as have room and are in nobody's way.
function namesThatFit(seen, style) {
  const placed = [];
  for (const each of seen) {
    const { x, y, room, lines, bareWidth } = each;
    const width = style === BARE ? bareWidth : lines[0].width;
    if (width > room.width + OVERHANG_PX || style.height > room.height + OVERHANG_PX) continue;
    const box = boxOf(x, y, width, style.height);
    if (!placed.some((other) => overlap(other.box, box))) placed.push({ ...each, all: lines, lines: lines.slice(0, 1), box });
  }
  return placed;
}

// Those of the same price are of the same kind.
function groups(placed) {
  const found = new Map();
  for (const each of placed) {
    const price = each.all[1]?.line;
    found.set(price, [...(found.get(price) ?? []), each]);
  }
  return found.values();
}

// The most lines that nearly all of a kind have room for.
function growAlike(alike, placed) {
  for (let count = Math.max(...alike.map(({ all }) => all.length)); count > 1; count--) {
    const grown = alike.map((each) => grownTo(each, count, placed)).filter(Boolean);
    if (grown.length < alike.length * MOST) continue;
    for (const { each, lines, box } of grown) Object.assign(each, { lines, box });
    return;
  }
}

// A label may hide seats of its own section, but not its neighbours.
function grownTo(each, count, placed) {
  const lines = each.all.slice(0, count);
  const width = Math.max(...lines.map((line) => line.width));
  const height = LINE_PX * lines.length;
  if (height > each.room.height || width > each.room.width) return null;
  const box = boxOf(each.x, each.y, width, height);
  const isFree = placed.every((other) => other === each || !overlap(other.box, box));
  return isFree ? { each, lines, box } : null;
}

function boxOf(x, y, width, height) {
  const [halfWidth, halfHeight] = [width / 2, height / 2 + 2];
  return { left: x - halfWidth, right: x + halfWidth, top: y - halfHeight, bottom: y + halfHeight };
}

function overlap(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
