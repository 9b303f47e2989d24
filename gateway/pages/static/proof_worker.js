// Looks for the counter of an ALTCHA v2 challenge (PBKDF2). One of several workers: takes every
// `step`-th counter from `start` on, so that together they try each once.

const COUNTERS_MAX = 1_000_000; // far above any level we hand out; a wrong challenge must end

onmessage = async ({ data: { parameters, start, step } }) => {
  try {
    postMessage(await solve(parameters, start, step));
  } catch (error) {
    postMessage({ error: String(error) });
  }
};

async function solve({ algorithm, nonce, salt, cost, keyLength, keyPrefix }, start, step) {
  const [kind, hash] = algorithm.split("/");
  if (kind !== "PBKDF2") throw new Error(`cannot do ${algorithm}`);
  const nonceBytes = bytesOf(nonce);
  const password = new Uint8Array(nonceBytes.length + 4);
  password.set(nonceBytes);
  const counterView = new DataView(password.buffer, nonceBytes.length);
  const derivation = { name: "PBKDF2", hash, salt: bytesOf(salt), iterations: cost };
  const prefix = keyPrefix.toLowerCase();
  for (let counter = start; counter < COUNTERS_MAX; counter += step) {
    counterView.setUint32(0, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const derived = hexOf(await crypto.subtle.deriveBits(derivation, key, keyLength * 8));
    if (derived.startsWith(prefix)) return { counter, derivedKey: derived };
  }
  throw new Error("no counter fits");
}

function bytesOf(hex) {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function hexOf(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
