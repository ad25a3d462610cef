/** Checks of what a file says against the types that the page was built with. */

/** Where in a value something is not as it should be, as in `view.devices[3].name`; `null` where all is well. */
export type Check = (value: unknown, path: string) => string | null;

export const text = kept((value) => typeof value === "string");
export const flag = kept((value) => typeof value === "boolean");
export const number = kept((value) => Number.isFinite(value));
/** A whole number, 0 or more. */
export const count = kept((value) => Number.isSafeInteger(value) && (value as number) >= 0);
/** What an arm is called: nothing that would need quotes. */
export const armName = kept((value) => typeof value === "string" && /^[A-Za-z0-9_-]+$/.test(value));

export function upTo(most: number): Check {
  return kept((value) => count(value, "") === null && (value as number) <= most);
}

/** One of the names of a record; the compiler sees to it that the record has all of them. */
export function oneOf(names: Readonly<Record<string, true>>): Check {
  return kept((value) => typeof value === "string" && Object.hasOwn(names, value));
}

export function orNull(check: Check): Check {
  return (value, path) => (value === null ? null : check(value, path));
}

export function orLeftOut(check: Check): Check {
  return (value, path) => (value === undefined ? null : check(value, path));
}

export function list(check: Check): Check {
  return (value, path) => (Array.isArray(value) ? first(value, (item, i) => check(item, `${path}[${i}]`)) : path);
}

/** A list of at least one in which no two items have the same `key`. */
export function listBy(key: string, check: Check): Check {
  const items = list(check);
  return (value, path) => {
    const wrong = items(value, path);
    if (wrong !== null) return wrong;
    const keys = (value as object[]).map((item) => Reflect.get(item, key));
    return new Set(keys).size === keys.length ? null : path;
  };
}

/** All fields of a type, or those of it that matter. There may be more. */
export function fields<T extends object>(checks: { readonly [K in keyof T]-?: Check }): Check {
  const each = Object.entries<Check>(checks);
  return (value, path) =>
    isObject(value) ? first(each, ([key, check]) => check(Reflect.get(value, key), `${path}.${key}`)) : path;
}

/** Any number of values under names of the file's own. */
export function record(check: Check): Check {
  return (value, path) =>
    isObject(value) ? first(Object.entries(value), ([key, item]) => check(item, `${path}.${key}`)) : path;
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kept(fits: (value: unknown) => boolean): Check {
  return (value, path) => (fits(value) ? null : path);
}

function first<Item>(items: readonly Item[], check: (item: Item, index: number) => string | null): string | null {
  for (const [i, item] of items.entries()) {
    const wrong = check(item, i);
    if (wrong !== null) return wrong;
  }
  return null;
}
