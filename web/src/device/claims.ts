/**
 * Which identities of a room other tabs of this browser hold. Duplicating a tab copies its storage, and two tabs that
 * are the same device would push each other out of the room for ever.
 */

import type { DeviceId, Identity } from "../types.gen";

type ClaimMessage =
  | { readonly type: "who_holds"; readonly devices: readonly DeviceId[] }
  | { readonly type: "held"; readonly devices: readonly DeviceId[] };

/** The part of a BroadcastChannel that is used. */
export interface Channel {
  postMessage(message: ClaimMessage): void;
  addEventListener(type: "message", listener: (event: { readonly data: ClaimMessage }) => void): void;
}

/** Other tabs answer at once; a reload waits this long for nobody. */
const ANSWER_MS = 120;

export function openChannel(room: string): Channel | null {
  return "BroadcastChannel" in window ? new BroadcastChannel(`constellation.${room}`) : null;
}

/** From now on tells other tabs which devices are held here. */
export function answerClaims(channel: Channel | null, held: () => readonly Identity[]): void {
  channel?.addEventListener("message", ({ data }) => {
    if (data.type !== "who_holds") return;
    const mine = held().map(({ device }) => device);
    const devices = data.devices.filter((device) => mine.includes(device));
    if (devices.length > 0) channel.postMessage({ type: "held", devices });
  });
}

/** Those of the stored identities that no other tab holds. */
export async function unclaimed(
  channel: Channel | null,
  stored: readonly Identity[],
  wait: (ms: number) => Promise<void> = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
): Promise<Identity[]> {
  if (!channel || stored.length === 0) return [...stored];
  const taken = new Set<DeviceId>();
  channel.addEventListener("message", ({ data }) => {
    if (data.type === "held") for (const device of data.devices) taken.add(device);
  });
  channel.postMessage({ type: "who_holds", devices: stored.map(({ device }) => device) });
  await wait(ANSWER_MS);
  return stored.filter(({ device }) => !taken.has(device));
}
