/**
 * Slow motion: one round after the other, phase by phase. Pure.
 *
 * The room opens one round at a time. What a phase shows is what the room says of that round: while it is open, as it
 * happens; what has happened faster than anybody looks, afterwards. Nothing is acted.
 */

import type { ArmView, DeviceId, MapView, Round, View } from "../types.gen";

export const SLOW_PHASES = ["out", "training", "in", "distances", "coalitions", "barycenters", "global"] as const;

export type SlowPhase = (typeof SLOW_PHASES)[number];

export interface Slow {
  /** The round that is walked through. */
  readonly round: Round;
  readonly phase: SlowPhase;
  /** Whether it goes from phase to phase by itself. */
  readonly auto: boolean;
  /** The last view before the round closed: where everything was when the models went out. */
  readonly before: View;
}

/** A round that is open is walked through; else the next one is. */
export function beginSlow(view: View): Slow {
  const round = roundOpen(view) ? view.cohort.round : view.traffic.rounds + 1;
  return { round, phase: "out", auto: false, before: view };
}

/** What the desk has to ask for when slow motion begins. */
export function firstCommand(view: View): "pause" | "step" {
  return roundOpen(view) ? "pause" : "step";
}

/** Whether there are rounds left to walk through. */
export function slowAllowed({ phase }: View): boolean {
  return phase !== "finished" && phase !== "evaluating";
}

/** Another view has come. Another run ends slow motion; a round that nobody here has asked for is walked through next. */
export function followSlow(slow: Slow, previous: View | null, view: View): Slow | null {
  if (view.run !== slow.before.run) return null;
  const { round } = view.cohort;
  if (round > slow.round) {
    return { ...slow, round, phase: "out", before: view.traffic.rounds < round ? view : (previous ?? view) };
  }
  return view.traffic.rounds < slow.round ? { ...slow, before: view } : slow;
}

export function slowNext(slow: Slow, view: View): Slow {
  const phase = SLOW_PHASES[SLOW_PHASES.indexOf(slow.phase) + 1];
  if (!canGoOn(slow, view)) return slow;
  return phase ? { ...slow, phase } : { ...slow, round: slow.round + 1, phase: "out", before: view };
}

/** A phase that has not happened yet cannot be shown. */
export function canGoOn({ round, phase }: Slow, view: View): boolean {
  if (phase === "out" || phase === "training") return view.cohort.round >= round;
  if (phase === "in") return view.traffic.rounds >= round;
  return phase !== "global" || round < view.config.rounds;
}

/** Whether the round is still under way. What is shown then is what is going on now. */
export function isNow({ round }: Slow, view: View): boolean {
  return view.traffic.rounds < round;
}

/** Whether a phase comes before the server computes. */
export function isEarly(phase: SlowPhase): phase is "out" | "training" | "in" {
  return phase === "out" || phase === "training" || phase === "in";
}

/** Who takes part in the round: everybody who is here, while it has not been opened. */
export function taking({ round }: Slow, view: View): readonly DeviceId[] {
  if (view.cohort.round === round) return view.cohort.asked;
  return view.devices.filter(({ state }) => state !== "away").map(({ id }) => id);
}

/** The devices for which an early phase is over, in the order in which it was. */
export function done({ round, phase }: Slow, { cohort }: View): readonly DeviceId[] {
  if (cohort.round !== round) return [];
  return phase === "out" ? cohort.received : cohort.answered;
}

/** The arm as far as it is known in this phase. */
export function armInPhase(slow: Slow, view: View, name: string | undefined): ArmView | null {
  const { phase, before } = slow;
  const arm = (isEarly(phase) ? before : view).arms.find((arm) => arm.name === name);
  if (!arm) return null;
  if (isEarly(phase)) return { ...arm, map: withPlaces(arm, taking(slow, view)) };
  if (!arm.map || phase === "global") return arm;
  const map = { ...arm.map, global: null };
  if (phase === "barycenters") return { ...arm, map };
  return { ...arm, coalitions: phase === "distances" ? [] : arm.coalitions, map: { ...map, barycenters: [] } };
}

/** How far from the others devices stand that have no place yet, in parts of the way to the farthest. */
const BESIDE = 1.25;

/** A place for every device: where its weights put it, or on a circle around all if there are none of it yet. */
function withPlaces({ map, strategy }: ArmView, devices: readonly DeviceId[]): MapView {
  const known = map ?? { points: [], barycenters: [], global: strategy === "local_only" ? null : origin, loss: 0 };
  const placed = new Set(known.points.map(({ device }) => device));
  const others = devices.filter((device) => !placed.has(device));
  const reach = Math.max(...known.points.map(({ x, y }) => Math.hypot(x, y)), 0);
  const radius = reach > 0 ? BESIDE * reach : 1;
  const points = others.map((device, i) => {
    const angle = Math.PI / 2 - (2 * Math.PI * (i + 0.5)) / others.length;
    return { device, x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
  });
  return { ...known, points: [...known.points, ...points] };
}

const origin = { x: 0, y: 0 };

function roundOpen({ phase }: View): boolean {
  return phase === "training";
}
