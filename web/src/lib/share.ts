/** What has not changed keeps its identity from one message to the next, so that whoever draws can tell by `===`. */

/** `now`, made of the parts of `before` wherever the two are equal. Both are JSON. */
export function share<T>(before: unknown, now: T): T {
  if (Object.is(before, now)) return now;
  if (Array.isArray(now)) return (Array.isArray(before) ? shareItems(before, now) : now) as T;
  return isObject(now) && isObject(before) ? (shareFields(before, now) as T) : now;
}

function shareItems(before: readonly unknown[], now: readonly unknown[]): readonly unknown[] {
  const shared = now.map((item, i) => share(before[i], item));
  return shared.length === before.length && shared.every((item, i) => item === before[i]) ? before : shared;
}

type Fields = Readonly<Record<string, unknown>>;

function shareFields(before: Fields, now: Fields): Fields {
  const shared = Object.fromEntries(Object.entries(now).map(([key, value]) => [key, share(before[key], value)]));
  const keys = Object.keys(shared);
  const same =
    keys.length === Object.keys(before).length && keys.every((key) => key in before && shared[key] === before[key]);
  return same ? before : shared;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `make`, whose last result is given again as long as its arguments are the very same. */
export function remember<Arguments extends readonly unknown[], Result>(
  make: (...from: Arguments) => Result,
): (...from: Arguments) => Result {
  let last: { readonly from: Arguments; readonly result: Result } | null = null;
  return (...from) => {
    const same = last?.from.length === from.length && last.from.every((one, i) => Object.is(one, from[i]));
    if (!last || !same) last = { from, result: make(...from) };
    return last.result;
  };
}
