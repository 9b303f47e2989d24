// Words and numbers in the language of the page. The words come from <template id="texts">.

// The language of the page, as Intl takes it.
export const language = document.documentElement.dataset.intl || document.documentElement.lang || "en";
const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const plurals = new Intl.PluralRules(language);
const times = new Intl.DateTimeFormat(dateLocale(), { timeStyle: "short" });
const texts = document.getElementById("texts")?.content;

// The text of that name with its {placeholders} filled in.
export function text(name, values = {}) {
  const found = texts?.querySelector(`[data-text="${CSS.escape(name)}"]`);
  return (found?.textContent ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

export function hasText(name) {
  return Boolean(texts?.querySelector(`[data-text="${CSS.escape(name)}"]`));
}

// The text of that name in the form the language has for so many: name_one, name_few, name_other…
export function plural(name, count, values = {}) {
  const form = `${name}_${plurals.select(count)}`;
  return text(hasText(form) ? form : `${name}_other`, { count: formatNumber(count), ...values });
}

// Dates are written as the fan's own region does, in the language of the page.
export function dateLocale() {
  const [primary, ...rest] = language.split("-u-");
  const code = primary.split("-")[0];
  const own = navigator.languages?.find((each) => each.split("-")[0] === code) ?? primary;
  return [own, ...rest].join("-u-");
}

export function formatTime(at) {
  return times.format(at);
}

export function formatPercent(share) {
  return new Intl.NumberFormat(language, { style: "percent" }).format(share);
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
