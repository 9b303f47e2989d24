// Tells a fan who looks elsewhere that it is their turn: sound, vibration, notification, the icon of
// the tab and its title. Keeps the screen on for those who want that.

import { text } from "/static/base/js/texts.js";

const CHIME_HZ = [659.3, 880]; // two rising notes, friendly and hard to miss
const NOTE_SECONDS = 0.5;
const CHIME_VOLUME = 0.22;
const CHIME_AGAIN_MS = [8_000, 24_000]; // for whoever was making tea; then it is left at that
const VIBRATION_MS = [220, 120, 220];
const BLINK_MS = 1_200; // slower than what flickers (WCAG 2.3.1), quick enough to be seen
const TOUCHES = ["pointerup", "click", "keydown"]; // a finger that comes down is no leave to make sound yet

export class Cues {
  #root;
  #audio = null;
  #icon = document.querySelector('link[rel="icon"]');
  #quietIcon = this.#icon?.href;
  #timers = [];
  #screenLock = null;
  #onTouch = () => this.#unlock();

  // `root` holds the switches; a switch that this browser cannot serve stays hidden.
  constructor(root) {
    this.#root = root;
    // Browsers let a page make sound only after the fan touched it: prepare at the first touch that counts.
    for (const name of TOUCHES) addEventListener(name, this.#onTouch);
    root.querySelector("[data-cue-test]").addEventListener("click", () => {
      this.#unlock();
      this.#chime();
    });
    if (canNotify()) this.#offer("notify", (input) => this.#askToNotify(input));
    if (navigator.wakeLock) this.#offer("awake", () => this.#keepAwake());
    document.addEventListener("visibilitychange", () => !document.hidden && this.#keepAwake());
  }

  // It is their turn now. `title()` is what the tab says, asked again each time it blinks.
  start(title) {
    this.stop();
    if (this.#icon) this.#icon.href = this.#root.dataset.iconCalled;
    if (this.#wants("sound")) {
      this.#chime();
      for (const delayMs of CHIME_AGAIN_MS) this.#timers.push(setTimeout(() => document.hidden && this.#chime(), delayMs));
    }
    if (this.#wants("notify")) this.#notify();
    let isLoud = false;
    const blink = () => {
      isLoud = document.hidden && !isLoud;
      document.title = isLoud ? `● ${title()}` : title();
    };
    blink();
    this.#timers.push(setInterval(blink, BLINK_MS));
  }

  // The turn was taken, or is over.
  stop() {
    this.#timers.forEach(clearTimeout);
    this.#timers = [];
    if (this.#icon) this.#icon.href = this.#quietIcon;
  }

  #wants(name) {
    const input = this.#root.querySelector(`[data-cue="${name}"]`);
    return Boolean(input?.checked);
  }

  #offer(name, onChange) {
    const input = this.#root.querySelector(`[data-cue="${name}"]`);
    input.closest("label").hidden = false;
    input.addEventListener("change", () => onChange(input));
  }

  #unlock() {
    this.#audio ??= globalThis.AudioContext ? new AudioContext() : null;
    this.#audio?.resume().then(() => {
      if (this.#audio.state !== "running") return;
      for (const name of TOUCHES) removeEventListener(name, this.#onTouch);
    }, () => {});
  }

  #chime() {
    navigator.vibrate?.(VIBRATION_MS);
    const audio = this.#audio;
    if (audio?.state !== "running") return;
    CHIME_HZ.forEach((frequency, index) => {
      const startAt = audio.currentTime + index * NOTE_SECONDS * 0.6;
      const tone = new OscillatorNode(audio, { type: "sine", frequency });
      const volume = new GainNode(audio, { gain: 0 });
      volume.gain.setValueAtTime(0, startAt);
      volume.gain.linearRampToValueAtTime(CHIME_VOLUME, startAt + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, startAt + NOTE_SECONDS);
      tone.connect(volume).connect(audio.destination);
      tone.start(startAt);
      tone.stop(startAt + NOTE_SECONDS);
    });
  }

  async #askToNotify(input) {
    if (!input.checked) return;
    input.checked = (await Notification.requestPermission()) === "granted";
  }

  #notify() {
    try {
      const shown = new Notification(document.querySelector("h1").textContent, { body: text("notice_called"), tag: "onsale-turn" });
      shown.onclick = () => {
        focus();
        shown.close();
      };
    } catch {
      // The other cues remain.
    }
  }

  // The lock is lost whenever the page is hidden, so it is asked for again when it is seen.
  async #keepAwake() {
    if (!this.#wants("awake")) return this.#screenLock?.release().catch(() => {});
    this.#screenLock = await navigator.wakeLock?.request("screen").catch(() => null);
    return undefined;
  }
}

// Phones have notifications for a service worker only: there a page that makes one is stopped, also
// one that may not show it yet. Who was allowed to was offered it here.
function canNotify() {
  if (!globalThis.Notification || Notification.permission === "denied") return false;
  if (Notification.permission === "granted") return true;
  try {
    return Boolean(new Notification("", { silent: true }));
  } catch {
    return false;
  }
}
