/** Small views to test with. */

import type {
  ArmTraffic,
  ArmView,
  DeviceArm,
  DeviceRow,
  DeviceView,
  Distances,
  HistoryRow,
  RunConfig,
  View,
} from "../src/types.gen";

export const config: RunConfig = {
  seed: 7,
  rounds: 30,
  model: { kind: "mlp", hidden: [64] },
  data: {
    dataset: "mnist-small",
    partition: { kind: "dirichlet", alpha: 0.5 },
    groups: { count: 4, kind: "rotation" },
    examples: 400,
    held_out: 100,
    spread: 0,
    validation: 0,
    balanced_per_label: 50,
  },
  training: { epochs: 2, batch: 20, learning_rate: 0.05, momentum: 0, weight_decay: 0 },
  pacing: { min_devices: 2, start_at: null, deadline_ms: 30000, pace_ms: 1000, slow_devices: "shorter_plan" },
  arms: [],
  encodings: { up: { kind: "f32" }, down: { kind: "f32" } },
};

export function device(id: number, change: Partial<DeviceRow> = {}): DeviceRow {
  return {
    id,
    slot: id - 1,
    name: `device-${id}`,
    state: "ready",
    group: (id - 1) % 4,
    examples: 400,
    labels: [],
    bytes_up: 0,
    bytes_down: 0,
    refused: 0,
    last_refusal: null,
    mischief: null,
    ...change,
  };
}

export function traffic(bytes_up: number, bytes_down: number): ArmTraffic {
  return { bytes_up, bytes_down, round_up: bytes_up, round_down: bytes_down };
}

export function arm(strategy: string, change: Partial<ArmView> = {}): ArmView {
  return {
    name: strategy,
    strategy,
    accuracy: null,
    own_accuracy: null,
    coalitions: [],
    agreement: null,
    history: [],
    map: null,
    devices: [],
    influence: [],
    traffic: traffic(0, 0),
    ...change,
  };
}

export function accuracy(mean: number) {
  return { mean, worst: mean - 0.1, best: mean + 0.1, worst_tenth: 0.5, worst_group: mean - 0.05 };
}

export function row(round: number, mean: number): HistoryRow {
  const { worst, best, worst_group } = accuracy(mean);
  return {
    round,
    mean,
    worst,
    best,
    worst_group,
    own_mean: mean + 0.2,
    own_worst: worst + 0.2,
    own_best: best + 0.2,
    agreement: null,
    coalitions: 0,
  };
}

export function view(change: Partial<View> = {}): View {
  return {
    seq: 1,
    room: "K7QF",
    run: 1,
    phase: "lobby",
    locked: false,
    round: 0,
    seed: 7,
    fingerprint: "",
    config,
    mischief_allowed: false,
    devices: [],
    arms: [],
    cohort: { round: 0, asked: [], received: [], answered: [] },
    traffic: { ...traffic(0, 0), rounds: 0, plain_averaging: traffic(0, 0) },
    refusals: {},
    feed: [],
    ...change,
  };
}

/** A device's view, with arms by name and coalition. */
export function deviceView(arms: [string, number | null][]): DeviceView {
  const view = { activity: "training" as const, round: 1, rounds: 30, progress: 0.5, group: null, examples: 400 };
  const arm = ([name, coalition]: [string, number | null]): DeviceArm => ({
    name,
    coalition,
    balanced_before: null,
    own_before: null,
    own_after: null,
    loss: null,
  });
  return {
    ...view,
    arms: arms.map(arm),
    label_histogram: [],
    taught: 0,
    models: 0,
    updates_accepted: 0,
    bytes_up: 0,
    bytes_down: 0,
    mischief_allowed: false,
    mischief: null,
    halvings: 0,
  };
}

/** Distances of devices that are places on a line. */
export function distances(devices: number[], places: number[]): Distances {
  return {
    run: 1,
    round: 1,
    devices,
    distances: places.map((a) => places.map((b) => Math.abs(a - b))),
    to_barycenter: devices.map(() => null),
  };
}
