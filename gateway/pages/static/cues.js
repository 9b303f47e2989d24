// Tells a fan who looks elsewhere that it is their turn: sound and vibration.

const CHIME_HZ = [659.3, 880]; // two rising notes, friendly and hard to miss
const NOTE_SECONDS = 0.5;
const CHIME_VOLUME = 0.22;

let audio = null;

// Browsers let a page make sound only after the fan touched it: prepare at the first touch.
export function prepareCues() {
  const unlock = () => {
    audio ??= globalThis.AudioContext ? new AudioContext() : null;
    audio?.resume().catch(() => {});
  };
  addEventListener("pointerdown", unlock, { once: true });
  addEventListener("keydown", unlock, { once: true });
}

export function playCues(withSound) {
  navigator.vibrate?.([220, 120, 220]);
  if (!withSound || audio?.state !== "running") return;
  CHIME_HZ.forEach((frequency, index) => {
    const startAt = audio.currentTime + index * NOTE_SECONDS * 0.6;
    const tone = new OscillatorNode(audio, { type: "sine", frequency });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.linearRampToValueAtTime(CHIME_VOLUME, startAt + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, startAt + NOTE_SECONDS);
    tone.connect(volume).connect(audio.destination);
    tone.start(startAt);
    tone.stop(startAt + NOTE_SECONDS);
  });
}
