// What this browser remembers of its place in one sale, beside the cookie.

export class FanRecord {
  #key;

  constructor(saleId) {
    this.#key = `onsale.sale.${saleId}`;
  }

  read() {
    try {
      return JSON.parse(localStorage.getItem(this.#key)) ?? {};
    } catch {
      return {};
    }
  }

  write(changes) {
    try {
      localStorage.setItem(this.#key, JSON.stringify({ ...this.read(), ...changes }));
    } catch {
      // Storage may be full or forbidden; the cookie still carries the ticket.
    }
  }

  forget() {
    try {
      localStorage.removeItem(this.#key);
    } catch {
      // Nothing was kept, so nothing stays.
    }
  }
}

// Keeps what the draw was bound to before its opening: the page of the draw compares it afterwards.
export function noteCommitment(record, draw) {
  const { commitment } = record.read();
  if (!commitment && draw?.state === "committed") record.write({ commitment: draw.commitment });
}
