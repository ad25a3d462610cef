/**
 * What a tab keeps for itself while it is open, so that a reload gives back the same devices and the same desk, and what
 * the browser keeps for all of them: language and theme.
 * A browser may forbid storage; then a reload is simply a new tab.
 */

import type { Identity } from "../types.gen";

export type Keep = Pick<Storage, "getItem" | "setItem">;

export function tabStorage(): Keep | null {
  try {
    return window.sessionStorage;
  } catch {
    return null;
  }
}

export function browserStorage(): Keep | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

const devicesKey = (room: string) => `constellation.devices.${room}`;
const deskKey = (room: string) => `constellation.desk.${room}`;

export function loadIdentities(keep: Keep | null, room: string): Identity[] {
  try {
    const stored: unknown = JSON.parse(keep?.getItem(devicesKey(room)) ?? "[]");
    return Array.isArray(stored) ? stored.filter(isIdentity) : [];
  } catch {
    return [];
  }
}

export function saveIdentities(keep: Keep | null, room: string, identities: readonly Identity[]): void {
  save(keep, devicesKey(room), JSON.stringify(identities));
}

/** The desk token: from the address when it is there, else the one this tab had before its reload. */
export function deskToken(keep: Keep | null, room: string, fragment: string): string | null {
  const given = new URLSearchParams(fragment.replace(/^#/, "")).get("desk");
  if (given) {
    save(keep, deskKey(room), given);
    return given;
  }
  return load(keep, deskKey(room));
}

export type Preference = "language" | "theme";

export function loadPreference(keep: Keep | null, name: Preference): string | null {
  return load(keep, `constellation.${name}`);
}

export function savePreference(keep: Keep | null, name: Preference, value: string): void {
  save(keep, `constellation.${name}`, value);
}

function load(keep: Keep | null, key: string): string | null {
  try {
    return keep?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

function save(keep: Keep | null, key: string, value: string): void {
  try {
    keep?.setItem(key, value);
  } catch {
    // A full or forbidden storage costs the reload its memory and nothing else.
  }
}

function isIdentity(value: unknown): value is Identity {
  if (typeof value !== "object" || value === null) return false;
  const { device, token, slot } = value as Partial<Record<keyof Identity, unknown>>;
  return typeof device === "number" && typeof token === "string" && typeof slot === "number";
}
