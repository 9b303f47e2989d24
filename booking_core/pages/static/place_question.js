// Whether one of the party needs a wheelchair place: asked once, before such a place is picked.
// The fan's word is enough, as the law has it nearly everywhere.

const SAME_TAP_MS = 400; // a second tap so soon was meant for the seat, and is no answer
const CONTROLS = "[data-accessible-only], form[data-form=best] [name=accessible]"; // who uses them says so, too

export class PlaceQuestion {
  #root;
  #dialog;
  #name;

  constructor(root, eventId) {
    this.#root = root;
    this.#dialog = root.querySelector("[data-place-question]");
    this.#name = `onsale.needs_place.${eventId}`;
  }

  // Whether the fan has said that one of them needs such a place, also before a reload.
  get isSaid() {
    return sessionStorage.getItem(this.#name) === "yes";
  }

  // The same, at the moment of a pick: a control that asks for such places says so from then on.
  isSaidNow() {
    if ([...this.#root.querySelectorAll(CONTROLS)].some(({ checked }) => checked)) this.#keep();
    return this.isSaid;
  }

  // Ask about a place; resolves with whether one of them needs it.
  ask(place) {
    const dialog = this.#dialog;
    const shownAt = performance.now();
    dialog.querySelector("[data-fill=asked_place]").textContent = place;
    dialog.returnValue = "";
    return new Promise((resolve) => {
      const answer = ({ target }) => {
        const { value } = target.closest("button") ?? {};
        if (value && performance.now() - shownAt >= SAME_TAP_MS) dialog.close(value);
      };
      dialog.addEventListener("click", answer);
      dialog.addEventListener("close", () => {
        dialog.removeEventListener("click", answer);
        const isNeeded = dialog.returnValue === "yes";
        if (isNeeded) this.#keep();
        resolve(isNeeded);
      }, { once: true });
      dialog.showModal();
    });
  }

  #keep() {
    sessionStorage.setItem(this.#name, "yes");
  }
}
