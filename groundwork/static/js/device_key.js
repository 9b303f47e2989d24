// The device key: a P-256 key of this browser for one sale that no script can read out, and the
// DPoP proofs (RFC 9449) made with it. Kept in IndexedDB, so it survives reloads and other tabs.

const DATABASE = "onsale";
const STORE = "device_keys";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };
const PROOF_ID_BYTES = 16; // unguessable, and never twice

// The key of the sale, made if there is none. Null where the browser cannot keep one (no secure
// context, private window without IndexedDB): the fan then joins unbound.
export async function openDeviceKey(saleId) {
  return (await loadDeviceKey(saleId)) ?? makeDeviceKey(saleId);
}

// The key of the sale if this browser has one, else null.
export async function loadDeviceKey(saleId) {
  try {
    const database = await openDatabase();
    const stored = await done(database.transaction(STORE).objectStore(STORE).get(saleId));
    database.close();
    return stored ? new DeviceKey(stored) : null;
  } catch {
    return null;
  }
}

async function makeDeviceKey(saleId) {
  try {
    const pair = await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]);
    const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const made = { privateKey: pair.privateKey, jwk: { crv, kty, x, y } };
    made.jkt = await thumbprint(made.jwk);
    const database = await openDatabase();
    const store = database.transaction(STORE, "readwrite").objectStore(STORE);
    // Another tab may have been faster: whoever stored first wins, so that both tabs agree.
    const earlier = await done(store.get(saleId));
    if (!earlier) await done(store.put(made, saleId));
    database.close();
    return new DeviceKey(earlier ?? made);
  } catch {
    return null;
  }
}

class DeviceKey {
  #privateKey;

  constructor({ privateKey, jwk, jkt }) {
    this.#privateKey = privateKey;
    this.jwk = jwk;
    this.jkt = jkt;
  }

  // The value of the DPoP header for one request. `url` may be a path; `nowMs` is the server's time.
  async prove(method, url, nowMs = Date.now()) {
    const target = new URL(url, location.href);
    const header = { typ: "dpop+jwt", alg: "ES256", jwk: this.jwk };
    const claims = {
      htm: method,
      htu: target.origin + target.pathname,
      jti: base64url(crypto.getRandomValues(new Uint8Array(PROOF_ID_BYTES))),
      iat: Math.floor(nowMs / 1000),
    };
    const signed = `${encoded(header)}.${encoded(claims)}`;
    const bytes = new TextEncoder().encode(signed);
    return `${signed}.${base64url(await crypto.subtle.sign(SIGNATURE, this.#privateKey, bytes))}`;
  }
}

// RFC 7638: the hash of the required members in alphabetical order, without spaces.
async function thumbprint({ crv, kty, x, y }) {
  const bytes = new TextEncoder().encode(JSON.stringify({ crv, kty, x, y }));
  return base64url(await crypto.subtle.digest("SHA-256", bytes));
}

function openDatabase() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return done(request);
}

function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked by another tab"));
  });
}

function encoded(document) {
  return base64url(new TextEncoder().encode(JSON.stringify(document)));
}

function base64url(bytes) {
  const text = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
