/** Numbers as people read them. */

const THIN = "\u202f";

/** A fraction of 1 in whole percent. */
export function percent(fraction: number | null | undefined): string {
  return fraction === null || fraction === undefined ? "—" : `${Math.round(fraction * 100)}${THIN}%`;
}

/** The difference of two fractions in points, taken after rounding so that it agrees with the numbers beside it. */
export function points(a: number, b: number): number {
  return Math.round(a * 100) - Math.round(b * 100);
}

/** With its sign, a real minus included. */
export function signed(value: number): string {
  return value > 0 ? `+${value}` : value < 0 ? `−${-value}` : "0";
}

/** Decimal units, three digits. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}${THIN}${units[unit]}`;
}

export function fixed(value: number | null | undefined, digits: number): string {
  if (value === null || value === undefined) return "—";
  // The sign of a number that rounds to zero would only raise questions.
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "−");
}
