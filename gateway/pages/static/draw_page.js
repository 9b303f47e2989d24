// The page of a draw: downloads what is published and works it out again, at the fan's press.

import { localTimes, show } from "/static/base/js/page_parts.js";
import { text } from "/static/base/js/texts.js";
import { ask } from "/static/base/js/requests.js";
import {
  commitmentOf, indexOf, leafOf, missingBelow, PERMUTATION, placeOf, randomnessOf, rootOf, seedOf, sharedPlace,
} from "./draw.js";
import { behindOf, CLUSTERED, clustersOf, digestOf, histogramOf, tallyOf } from "./draw_clusters.js";
import { FanRecord, noteCommitment } from "./fan_record.js";
import { hexOf } from "./sha256.js";

const HASH_BYTES = 32;
const DOWNLOAD_SHARE = 0.5; // of the bar; the other half is for the hashes
const main = document.getElementById("main");
const { sale, state, commitment, entryNumber, enteredAs, place } = main.dataset;
const record = new FanRecord(sale);
const begin = document.querySelector("[data-begin]");
const bar = document.querySelector("progress");

function tell(name, isRight) {
  const item = document.querySelector(`[data-check="${name}"]`);
  if (!item) return isRight;
  item.dataset.found = isRight ? "right" : "wrong";
  item.querySelector("[data-said]").textContent = text(isRight ? "is_right" : "is_wrong");
  return isRight;
}

function conclude(kind, words) {
  const result = document.querySelector("[data-result]");
  result.className = `notice ${kind}`;
  result.textContent = words;
  result.hidden = false;
}

async function download(told) {
  const leaves = new Uint8Array(told.count * HASH_BYTES);
  let size = 0;
  for (let chunk = 0; chunk < told.roster.chunks; chunk += 1) {
    const answer = await fetch(`/api/sales/${sale}/draw/roster?chunk=${chunk}`);
    if (!answer.ok) throw new Error(`no chunk ${chunk}`);
    const part = new Uint8Array(await answer.arrayBuffer());
    if (size + part.length > leaves.length) return null; // more than was said: not that list
    leaves.set(part, size);
    size += part.length;
    bar.value = (DOWNLOAD_SHARE * (chunk + 1)) / told.roster.chunks;
  }
  return size === leaves.length ? leaves : null;
}

// The clusters as published, as bytes; null in a draw that has none.
async function downloadClusters(told) {
  if (told.permutation !== CLUSTERED) return null;
  const answer = await fetch(`/api/sales/${sale}/draw/clusters`);
  if (!answer.ok) throw new Error("no clusters");
  return new Uint8Array(await answer.arrayBuffer());
}

async function check() {
  const { ok, document: told } = await ask("GET", `/api/sales/${sale}/draw`);
  if (!ok) throw new Error("no document");
  const [content, leaves] = [await downloadClusters(told), await download(told)];
  const findings = [tell("commitment", commitmentOf(told.secret) === told.commitment && told.commitment === commitment)];
  const noted = record.read().commitment;
  if (noted) findings.push(tell("noted", noted === told.commitment));
  const root = leaves && (await rootOf(leaves, (share) => (bar.value = DOWNLOAD_SHARE + (1 - DOWNLOAD_SHARE) * share)));
  const numbers = told.last_entry - missingBelow(told.last_entry, told.gaps);
  findings.push(tell("roster", root === told.root && numbers === told.count));
  const clusters = content && clustersOf(content, told.count);
  if (content) findings.push(tell("clusters", clusters !== null && clustersFit(told, content, clusters)));
  findings.push(tell("seed", seedFits(told, content)));
  if (entryNumber) findings.push(...checkOwn(told, leaves, clusters ?? []));
  return findings.every(Boolean);
}

function clustersFit({ clusters: said }, content, clusters) {
  const { entries, chances } = tallyOf(clusters);
  const isTallied = said != null && entries === said.entries && chances === said.chances;
  const isCounted = JSON.stringify(histogramOf(clusters)) === JSON.stringify(said?.histogram);
  return isTallied && isCounted && digestOf(content) === said.digest;
}

function seedFits(told, content) {
  const { beacon } = told;
  const randomness = beacon?.outcome === "used" ? randomnessOf(beacon.signature) : "";
  const isBeaconAsTold = !beacon || randomness === (beacon.randomness ?? "");
  const isKnown = [PERMUTATION, CLUSTERED].includes(told.permutation);
  const seed = seedOf(told.secret, told.root, randomness, content && digestOf(content));
  return isKnown && isBeaconAsTold && seed === told.seed;
}

function checkOwn(told, leaves, clusters) {
  const number = Number(entryNumber);
  const index = indexOf(number, told.count, told.gaps);
  const behind = behindOf(told.seed, clusters);
  const isLost = told.gaps.some(([first, last]) => first <= number && number <= last);
  const found = leaves && index != null && hexOf(leaves.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES));
  const expected = index == null
    ? sharedPlace(told.seed, enteredAs, told.count - behind.length)
    : placeOf(told.seed, number, told.count, told.gaps, behind);
  return [
    tell("entry", index == null ? isLost : found === leafOf(sale, number, enteredAs)),
    tell("place", String(expected) === place),
  ];
}

async function run() {
  begin.disabled = true;
  bar.hidden = false;
  bar.value = 0;
  conclude("", text("draw_checking"));
  try {
    const fits = await check();
    conclude(fits ? "" : "bad", text(fits ? "draw_fits" : "draw_wrong"));
  } catch {
    conclude("warm", text("draw_unreachable"));
  }
  bar.hidden = true;
  begin.disabled = false;
}

localTimes();
noteCommitment(record, { state, commitment });
show('[data-check="noted"]', Boolean(record.read().commitment));
if (begin) {
  begin.addEventListener("click", run);
  begin.disabled = false;
}
