/** Numbers as people read them, in the language of the page. */

import { language } from "./language";

/** Making a format is slow, and there are few of them. */
const formats = new Map<string, Intl.NumberFormat>();

function format(value: number, options: Intl.NumberFormatOptions): string {
  const key = language() + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) {
    found = new Intl.NumberFormat(language(), options);
    formats.set(key, found);
  }
  return found.format(value).replace("-", "−");
}

/** A fraction of 1 in whole percent. */
export function percent(fraction: number | null | undefined): string {
  // Rounded as `points` rounds, so that the two agree.
  return fraction === null || fraction === undefined
    ? "—"
    : format(Math.round(fraction * 100) / 100, { style: "percent" });
}

/** The difference of two fractions in points, taken after rounding so that it agrees with the numbers beside it. */
export function points(a: number, b: number): number {
  return Math.round(a * 100) - Math.round(b * 100);
}

export function whole(value: number): string {
  return format(value, { maximumFractionDigits: 0 });
}

/** All its digits. */
export function exact(value: number): string {
  return format(value, { maximumSignificantDigits: 17 });
}

/** What is left of a device's plan that was halved so many times, four at most. */
export function partOfPlan(halvings: number): string {
  return ["1", "½", "¼", "⅛"][halvings] ?? `1/${2 ** halvings}`;
}

/** With its sign, a real minus included. */
export function signed(value: number): string {
  return format(value, { signDisplay: "exceptZero" });
}

const THIN = "\u202f";
const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Decimal units, three digits. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  // Intl would write the units themselves differently in every language; they are the same signs everywhere.
  return `${format(value, { minimumFractionDigits: digits, maximumFractionDigits: digits })}${THIN}${UNITS[unit]}`;
}

/** Beyond this a number is said by its power of ten. */
const LARGEST_FIXED = 1e6;

export function fixed(value: number | null | undefined, digits: number): string {
  if (value === null || value === undefined) return "—";
  if (Math.abs(value) >= LARGEST_FIXED) return format(value, { notation: "scientific", maximumFractionDigits: 1 });
  // The sign of a number that rounds to zero would only raise questions.
  return format(value, { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: "negative" });
}
