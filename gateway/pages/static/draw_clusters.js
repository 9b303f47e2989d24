// The clusters of a draw: who shares chances, and who stands behind. docs/draw.md, in the browser; every step has
// test vectors (tests/draw/cluster_vectors.json).

import { bytesOf, hexOf, hmac, joined, sha256 } from "./sha256.js";

export const CLUSTERED = "clusters-feistel4-hmac-sha256-v2";
const FLOOR_MIN = 8;
const utf8 = new TextEncoder();

export function digestOf(content) {
  return hexOf(sha256(content));
}

// size^0.3 in whole numbers, and never fewer than the floor.
export function chancesOf(size, floor) {
  if (size <= floor) return size;
  const cube = BigInt(size) ** 3n;
  let chances = Math.round(size ** 0.3);
  while (BigInt(chances) ** 10n > cube) chances -= 1;
  while (BigInt(chances + 1) ** 10n <= cube) chances += 1;
  return Math.max(floor, chances);
}

// The clusters as published; null unless they are such as can be.
export function clustersOf(content, count) {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const clusters = [];
  const seen = new Set();
  for (let at = 0; at < content.length;) {
    if (at + 8 > content.length) return null;
    const [floor, size] = [view.getUint32(at), view.getUint32(at + 4)];
    at += 8;
    if (floor < FLOOR_MIN || size <= floor || at + 4 * size > content.length) return null;
    const members = Array.from({ length: size }, (_, number) => view.getUint32(at + 4 * number));
    at += 4 * size;
    if (members[size - 1] >= count || members.some((index, number) => number && index <= members[number - 1])) return null;
    if (clusters.length && members[0] <= clusters.at(-1).members[0]) return null;
    if (members.some((index) => seen.has(index))) return null;
    for (const index of members) seen.add(index);
    clusters.push({ floor, members, chances: chancesOf(size, floor) });
  }
  return clusters;
}

// How many entries are in clusters, and how many of them take part.
export function tallyOf(clusters) {
  return {
    entries: clusters.reduce((sum, { members }) => sum + members.length, 0),
    chances: clusters.reduce((sum, { chances }) => sum + chances, 0),
  };
}

// How many clusters there are of each size, the largest first.
export function histogramOf(clusters) {
  const rows = new Map();
  for (const { members, chances } of clusters) {
    const key = `${members.length} ${chances}`;
    rows.set(key, [members.length, chances, (rows.get(key)?.[2] ?? 0) + 1]);
  }
  return [...rows.values()].sort((a, b) => b[0] - a[0] || b[1] - a[1]);
}

// Which indexes stand behind, in order: in each cluster those whose lot is not among the smallest.
export function behindOf(seed, clusters) {
  const [key, tag] = [bytesOf(seed), utf8.encode("onsale-draw-lot-v2")];
  const lot = (index) => hexOf(hmac(key, joined(tag, [index >>> 24, (index >>> 16) & 255, (index >>> 8) & 255, index & 255])));
  return clusters
    .flatMap(({ members, chances }) => {
      const lots = members.map((index) => [lot(index), index]);
      return lots.sort(([a], [b]) => (a < b ? -1 : 1)).slice(chances).map(([, index]) => index);
    })
    .sort((a, b) => a - b);
}

// The seed of those who stand behind.
export function behindKey(seed) {
  return hexOf(sha256(joined(utf8.encode("onsale-draw-behind-v2"), bytesOf(seed))));
}
