// The names of the sections, with prices and counts where there is room, on the canvas.

export const LABELS_UNTIL_PX = 3; // of a seat's radius: larger ones are chosen themselves, and no label may hide them
const LINE_PX = 16;
const PADDING_PX = 8;
const OVERHANG_PX = 8; // a name alone may be wider than its section by so much

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
      return words.map((line, at) => {
        context.font = this.#fontOf(at);
        return { line, width: context.measureText(line).width + 2 * PADDING_PX };
      });
    });
  }

  paint(context, view, { ink, soft, card }) {
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const { x, y, lines, box } of this.#placed(view)) {
      context.beginPath();
      context.roundRect(box.left, box.top, box.right - box.left, box.bottom - box.top, 9);
      context.globalAlpha = 0.9;
      context.fillStyle = card;
      context.fill();
      context.globalAlpha = 1;
      lines.forEach(({ line }, at) => {
        context.font = this.#fontOf(at);
        context.fillStyle = at ? soft : ink;
        context.fillText(line, x, y + LINE_PX * (at - (lines.length - 1) / 2) + 1);
      });
    }
  }

  // First as many names as fit, then the rest of a label where nothing is in its way.
  #placed(view) {
    const placed = [];
    this.#labels.forEach((label, section) => {
      const { left, right, top, bottom, middleX, middleY } = this.#plan.bounds[section];
      const [x, y] = view.toPixels(middleX, middleY);
      if (x < 0 || y < 0 || x > view.width || y > view.height) return;
      const room = { width: (right - left) * view.scale, height: (bottom - top) * view.scale };
      if (label[0].width > room.width + OVERHANG_PX) return;
      const found = { x, y, room, label, lines: label.slice(0, 1), box: boxOf(x, y, label.slice(0, 1)) };
      if (!placed.some(({ box }) => overlap(box, found.box))) placed.push(found);
    });
    for (const each of placed) grow(each, placed);
    return placed;
  }

  #fontOf(at) {
    return `${at ? 500 : 650} 12px ${this.#font}`;
  }
}

// As many lines as fit: a label may hide seats of its own section, but not its neighbours.
function grow(found, placed) {
  const { x, y, room, label } = found;
  for (let count = label.length; count > 1; count--) {
    const lines = label.slice(0, count);
    if (LINE_PX * count > room.height || lines.some((each) => each.width > room.width)) continue;
    const box = boxOf(x, y, lines);
    if (placed.some((other) => other !== found && overlap(other.box, box))) continue;
    Object.assign(found, { lines, box });
    return;
  }
}

function boxOf(x, y, lines) {
  const [halfWidth, halfHeight] = [Math.max(...lines.map((each) => each.width)) / 2, LINE_PX * lines.length / 2 + 2];
  return { left: x - halfWidth, right: x + halfWidth, top: y - halfHeight, bottom: y + halfHeight };
}

function overlap(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
