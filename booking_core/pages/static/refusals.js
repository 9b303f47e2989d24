// What the shop says no to, and what can be done about it with one press.

import { fill, make } from "/static/base/js/page_parts.js";
import { hasText, text } from "/static/base/js/texts.js";

export class Refusals {
  #notice;
  #say;

  constructor(notice, say) {
    this.#notice = notice;
    this.#say = say;
  }

  // Show the refusal of that name; actions: [{ label, act(), isQuiet }].
  show(code, values = {}, actions = []) {
    const name = hasText(`${code}_title`) ? code : "trouble";
    const [title, words] = [text(`${name}_title`), text(`${name}_text`, values)];
    fill("refusal_title", title);
    fill("refusal_text", words);
    const buttons = actions.map(({ label, act, isQuiet }) =>
      make("button", { type: "button", class: `button small-button${isQuiet ? " quiet" : ""}`, onclick: act }, label));
    const row = this.#notice.querySelector("[data-refusal-actions]");
    row.replaceChildren(...buttons);
    row.hidden = !buttons.length;
    this.#notice.hidden = false;
    this.#notice.focus({ preventScroll: true });
    this.#notice.scrollIntoView({ block: "nearest" });
    this.#say(`${title}. ${words}`);
  }

  hide() {
    this.#notice.hidden = true;
  }
}
