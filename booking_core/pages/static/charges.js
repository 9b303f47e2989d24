// What is paid for places with their fees and taxes: the rule of booking_core/catalog/charges.py, for the
// total under the map. What is held, and what is paid, the server says.

const WHOLE = 10_000; // 100 % in basis points

export function totalWith(charges, places, count) {
  const fee = { per_ticket: (value) => value * count, per_order: (value) => value, percent: (value) => rounded(places * value) };
  const taxed = charges.reduce((sum, { kind, value }) => sum + (fee[kind]?.(value) ?? 0), places);
  return charges.reduce((sum, { kind, value }) => sum + (kind === "tax_added" ? rounded(taxed * value) : 0), taxed);
}

// Half a minor unit up; all numbers are whole and far below 2^53.
function rounded(numerator) {
  return Math.floor((2 * numerator + WHOLE) / (2 * WHOLE));
}
