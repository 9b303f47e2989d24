// Words and numbers in the language of the page. The words come from <template id="texts">.

export const language = document.documentElement.lang || "en";
const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const plurals = new Intl.PluralRules(language);
const texts = document.getElementById("texts")?.content;

// The text of that name with its {placeholders} filled in.
export function text(name, values = {}) {
  const found = texts?.querySelector(`[data-text="${CSS.escape(name)}"]`);
  return (found?.textContent ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

export function hasText(name) {
  return Boolean(texts?.querySelector(`[data-text="${CSS.escape(name)}"]`));
}

// "one" or "other" (or what else the language has), if there is a text for it.
export function plural(name, count) {
  const form = `${name}_${plurals.select(count)}`;
  return text(hasText(form) ? form : `${name}_other`, { count: formatNumber(count) });
}

export function formatNumber(value) {
  return numbers.format(value);
}

// A price in minor units (cents); whole amounts without decimals.
export function formatMoney(minorUnits, currency) {
  const style = { style: "currency", currency };
  const digits = new Intl.NumberFormat(language, style).resolvedOptions().maximumFractionDigits;
  const isWhole = minorUnits % 10 ** digits === 0;
  return new Intl.NumberFormat(language, {
    ...style,
    minimumFractionDigits: isWhole ? 0 : digits,
  }).format(minorUnits / 10 ** digits);
}

// A length of time as a clock shows it: 7:05, or 1:07:05 from an hour up.
export function formatClock(lengthMs) {
  const seconds = Math.max(0, Math.floor(lengthMs / 1000));
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = two(seconds % 60);
  return hours ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}
