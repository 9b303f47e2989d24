// "Continue on another device" in the waiting page: shows the link, and looks whether it was used.

import { fill, show } from "/static/base/js/page_parts.js";
import { formatTime, text } from "/static/base/js/texts.js";

const LOOK_EVERY_MS = 5_000; // while the fan looks at the link; one small call, and only of those who move
const COPIED_SHOWN_MS = 2_000;

// Makes the button below `root` copy the link beside it. Where the browser forbids that, the link is
// marked, so that it can be copied by hand.
export function offerCopy(root) {
  const button = root.querySelector("[data-move-copy]");
  const field = root.querySelector("[data-move-url]");
  const words = button.textContent;
  field.addEventListener("focus", () => field.select());
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = text("copied");
      setTimeout(() => (button.textContent = words), COPIED_SHOWN_MS);
    } catch {
      field.focus();
    }
  });
}

export class MoveLink {
  #root;
  #look;
  #expiresAt = 0;
  #timer = null;

  // `look` asks where the fan stands: it finds out when the place has gone.
  constructor(root, look) {
    this.#root = root;
    this.#look = look;
    offerCopy(root);
  }

  // Shows a link that was just made. `clockOffsetMs` is how far the server's clock is ahead of ours.
  show({ url, qr, expires_at: expiresAt }, clockOffsetMs) {
    this.#expiresAt = Date.parse(expiresAt) - clockOffsetMs;
    this.#root.querySelector("[data-move-qr]").src = qr;
    this.#root.querySelector("[data-move-url]").value = url;
    fill("move_told", text("move_made", { time: formatTime(new Date(this.#expiresAt)) }), this.#root);
    show('[data-part="move-link"]', true, this.#root);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), LOOK_EVERY_MS);
  }

  // The place has gone, or was given up.
  hide() {
    clearInterval(this.#timer);
    show('[data-part="move-link"]', false, this.#root);
    fill("move_told", "", this.#root);
  }

  #tick() {
    if (Date.now() < this.#expiresAt) return this.#look();
    this.hide();
    fill("move_told", text("move_over"), this.#root);
  }
}
