/** The ways in which a device can be difficult, in the order in which pages show them. */

import type { ArmView, CoalitionId, Mischief } from "../types.gen";

export const MISCHIEF: readonly Mischief[] = ["label_flip", "sign_flip", "noise", "silence", "slowness"];

/** What all difficult devices together count in an arm's models. */
export interface Weight {
  readonly devices: number;
  /** Part of the global model. */
  readonly global: number;
  /** The coalition of whose barycenter they make the largest part, and that part. */
  readonly most: { readonly coalition: CoalitionId; readonly part: number } | null;
}

export function weightOf({ influence, coalitions }: Pick<ArmView, "influence" | "coalitions">): Weight | null {
  if (influence.length === 0) return null;
  const parts = coalitions.map(({ id, members }) => {
    const inside = influence.filter(({ device }) => members.includes(device));
    return { coalition: id, part: sum(inside.map(({ coalition }) => coalition ?? 0)) };
  });
  const [most] = parts.filter(({ part }) => part > 0).sort((a, b) => b.part - a.part);
  return { devices: influence.length, global: sum(influence.map(({ global }) => global)), most: most ?? null };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
