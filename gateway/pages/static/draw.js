// Works a draw out again: docs/draw.md, in the browser. Every step has test vectors (tests/draw/vectors.json).

import { behindKey } from "./draw_clusters.js";
import { bytesOf, hexOf, hmac, joined, sha256 } from "./sha256.js";

export const PERMUTATION = "feistel4-hmac-sha256-v1";
const ROUNDS = 4;
const HALF_BITS_MIN = 6;
const HASH_BYTES = 32;
const utf8 = new TextEncoder();

function unsigned(value, length) {
  const bytes = new Uint8Array(length);
  for (let at = length - 1, rest = value; at >= 0; at -= 1, rest = Math.floor(rest / 256)) bytes[at] = rest % 256;
  return bytes;
}

export function commitmentOf(secret) {
  return hexOf(sha256(bytesOf(secret)));
}

// `clusters` is the hash of the clusters; without it this is a draw without them.
export function seedOf(secret, root, randomness, clusters = null) {
  const tag = utf8.encode(clusters == null ? "onsale-draw-seed-v1" : "onsale-draw-seed-v2");
  return hexOf(sha256(joined(tag, bytesOf(secret), bytesOf(root), bytesOf(clusters ?? ""), bytesOf(randomness))));
}

export function leafOf(saleId, entryNumber, fanId) {
  const [sale, fan] = [utf8.encode(saleId), utf8.encode(fanId)];
  const tag = utf8.encode("onsale-draw-entry-v1");
  const numbered = unsigned(entryNumber, 8);
  return hexOf(sha256(joined([0], tag, unsigned(sale.length, 2), sale, numbered, unsigned(fan.length, 2), fan)));
}

// The Merkle root of the leaves in a string of bytes. Lets others work every now and then: a million
// entries take seconds. `onShare` hears how much is done, 0 to 1.
export async function rootOf(leaves, onShare = () => {}) {
  if (!leaves.length) return hexOf(sha256(leaves));
  let level = leaves;
  let done = 0;
  const pair = new Uint8Array(1 + 2 * HASH_BYTES);
  pair[0] = 1;
  while (level.length > HASH_BYTES) {
    const above = new Uint8Array(Math.ceil(level.length / (2 * HASH_BYTES)) * HASH_BYTES);
    for (let at = 0; 2 * at < level.length; at += HASH_BYTES) {
      const two = level.subarray(2 * at, 2 * at + 2 * HASH_BYTES);
      if (two.length > HASH_BYTES) {
        pair.set(two, 1);
        above.set(sha256(pair), at);
      } else {
        above.set(two, at);
      }
      done += HASH_BYTES;
      if (done % (HASH_BYTES << 13) === 0) {
        onShare(Math.min(1, done / leaves.length));
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
    level = above;
  }
  return hexOf(level);
}

// Where an entry stands in the roster, from 0; null for a number that is not in it.
export function indexOf(entryNumber, count, gaps) {
  let before = 0;
  for (const [first, last] of gaps) {
    if (entryNumber < first) break;
    if (entryNumber <= last) return null;
    before += last - first + 1;
  }
  const index = entryNumber - before - 1;
  return index >= 0 && index < count ? index : null;
}

export function permute(seed, index, count) {
  let bits = HALF_BITS_MIN;
  while (4 ** bits < count) bits += 1;
  const [half, key, known] = [2 ** bits, bytesOf(seed), new Map()];
  let number = index;
  do {
    let [left, right] = [Math.floor(number / half), number % half];
    for (let turn = 0; turn < ROUNDS; turn += 1) {
      const asked = turn * half + right;
      if (!known.has(asked)) {
        const [a, b, c, d] = hmac(key, joined([turn], unsigned(right, 4)));
        known.set(asked, (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % half);
      }
      [left, right] = [right, (left ^ known.get(asked)) >>> 0];
    }
    number = left * half + right;
  } while (number >= count);
  return number;
}

// The place of an entry, from 1; null for a number that is not in the roster. `behind` are the indexes
// of those who stand behind, in order.
export function placeOf(seed, entryNumber, count, gaps, behind = []) {
  const index = indexOf(entryNumber, count, gaps);
  if (index == null) return null;
  const before = behind.filter((each) => each < index).length;
  const front = count - behind.length;
  if (behind[before] === index) return front + permute(behindKey(seed), before, behind.length) + 1;
  return permute(seed, index - before, front) + 1;
}

// The place of a fan whose entry a lost store took with it; `count` are those who take part.
export function sharedPlace(seed, fanId, count) {
  const digest = sha256(joined(utf8.encode("onsale-draw-late-v1"), bytesOf(seed), utf8.encode(fanId)));
  return Number(BigInt(`0x${hexOf(digest.subarray(0, 16))}`) % BigInt(Math.max(1, count))) + 1;
}

// How many numbers up to the last entry nobody has.
export function missingBelow(lastEntry, gaps) {
  return gaps.reduce((sum, [first, last]) => sum + Math.max(0, Math.min(last, lastEntry) - first + 1), 0);
}

// The randomness of a beacon's round; whether the chain has signed it is for a library to say.
export function randomnessOf(signature) {
  return hexOf(sha256(bytesOf(signature)));
}
