/** What the board says, worked out from a view. */

import { points } from "../lib/format";
import type {
  Accuracy,
  ArmView,
  CoalitionId,
  DeviceId,
  DeviceRow,
  HistoryRow,
  Phase,
  StrategyConfig,
  View,
} from "../types.gen";
import type { Question } from "./state";

/** The arm on the map: the chosen one, else the one where grouping pays, else the last one with a picture. */
export function selectedArm(view: View, chosen: string | null): ArmView | null {
  return (
    view.arms.find((arm) => arm.name === chosen) ??
    view.arms.find((arm) => arm.strategy === "coalition_models") ??
    view.arms.findLast((arm) => arm.map !== null) ??
    view.arms.at(-1) ??
    null
  );
}

export function accuracyOf(arm: ArmView, question: Question): Accuracy | null {
  return question === "balanced" ? arm.accuracy : arm.own_accuracy;
}

/** Strategies with a model for each group of devices, the one that a lesson is about first. */
const GROUPING = [
  "coalition_models",
  "ours",
  "bounded_confidence",
  "oracle_groups",
  "ifca",
  "fesem",
  "cfl",
  "fl_hc",
] as const satisfies readonly StrategyConfig["kind"][];

/** What a run lets one compare: an arm with a model for each group, and plain averaging. */
export function compared(arms: readonly ArmView[]): { grouping: ArmView; plain: ArmView } | null {
  const running = (kind: StrategyConfig["kind"]) => arms.find(({ strategy }) => strategy === kind);
  const grouping = GROUPING.map(running).find((arm) => arm !== undefined);
  const plain = running("fed_avg");
  return grouping && plain ? { grouping, plain } : null;
}

export interface Comparison {
  readonly grouping: number;
  readonly plain: number;
  /** Percentage points, between the rounded numbers. */
  readonly points: number;
}

/** Grouping against plain averaging, once both are measured. */
export function comparison(arms: { grouping: ArmView; plain: ArmView }, question: Question): Comparison | null {
  const mean = (arm: ArmView) => accuracyOf(arm, question)?.mean ?? null;
  const [grouping, plain] = [mean(arms.grouping), mean(arms.plain)];
  if (grouping === null || plain === null) return null;
  return { grouping, plain, points: points(grouping, plain) };
}

export function coalitionOf(arm: ArmView | null): Map<DeviceId, CoalitionId> {
  return new Map(arm?.coalitions.flatMap(({ id, members }) => members.map((device) => [device, id] as const)));
}

/** Devices of the room that the picture does not show, since their weights did not arrive in the last closed round. */
export function missingFromMap(view: View, arm: ArmView | null): DeviceRow[] {
  const shown = new Set(arm?.map?.points.map((point) => point.device));
  return arm?.map ? view.devices.filter((device) => !shown.has(device.id)) : [];
}

export type DeskButton = "start" | "pause" | "step";

/** Which of the desk's buttons make sense. */
export function deskAllows(phase: Phase): Record<DeskButton, boolean> {
  const still = phase === "lobby" || phase === "paused";
  const moving = phase === "waiting" || phase === "training" || phase === "resting";
  return { start: still, pause: moving, step: still };
}

/** How far the round is: updates that arrived, and the devices it was opened with that are still there. */
export function roundProgress(devices: readonly DeviceRow[]): { sent: number; of: number } {
  const sent = devices.filter(({ state }) => state === "sent" || state === "resting").length;
  return { sent, of: sent + devices.filter(({ state }) => state === "training").length };
}

/** The hidden groups' right answer, in words short enough for a mark on the map. */
export function groupLabel(view: View, group: number | null): string {
  const groups = view.config.data.groups;
  if (group === null || !groups) return "";
  if (groups.kind === "rotation") return `${Math.round((360 / groups.count) * group)}°`;
  return `${group}`;
}

export type History = readonly HistoryRow[];

export interface Curves {
  readonly rounds: number[];
  /** One list per arm; `null` where a round has not been measured. */
  readonly means: (number | null)[][];
  /** Worst and best device of the arm whose band is shown. */
  readonly worst: (number | null)[];
  readonly best: (number | null)[];
}

/** The arms' accuracies of every round in columns, which is how the curves are drawn, and the band of one of them. */
export function curves(arms: readonly History[], banded: History | undefined, question: Question): Curves {
  const rounds = [...new Set(arms.flatMap((history) => history.map((row) => row.round)))].sort((a, b) => a - b);
  const own = question === "own";
  const column = (history: History | undefined, pick: (row: HistoryRow) => number) => {
    const rows = new Map(history?.map((row) => [row.round, row]));
    return rounds.map((round) => {
      const row = rows.get(round);
      return row ? pick(row) : null;
    });
  };
  return {
    rounds,
    means: arms.map((arm) => column(arm, (row) => (own ? row.own_mean : row.mean))),
    worst: column(banded, (row) => (own ? row.own_worst : row.worst)),
    best: column(banded, (row) => (own ? row.own_best : row.best)),
  };
}
