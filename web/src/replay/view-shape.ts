/** What of a view has to be there, and of which kind, for the board to draw it. */

import type {
  Accuracy,
  ArmTraffic,
  ArmView,
  CoalitionView,
  CohortView,
  DataConfig,
  DeviceAccuracy,
  DeviceRow,
  DeviceState,
  Distances,
  FeedEntry,
  FeedEvent,
  GroupKind,
  Groups,
  HistoryRow,
  Influence,
  MapBarycenter,
  MapPlace,
  MapPoint,
  MapView,
  Mischief,
  Phase,
  Place,
  Rule,
  RunConfig,
  SetAside,
  Traffic,
  View,
} from "../types.gen";
import {
  armName,
  type Check,
  count,
  fields,
  flag,
  isObject,
  list,
  listBy,
  number,
  oneOf,
  orLeftOut,
  orNull,
  record,
  text,
  upTo,
} from "./shape";

/** More than a room can have. */
const MOST_GROUPS = 2000;

const place = oneOf({ coalition: true, global: true } satisfies Record<Place, true>);

const rule = oneOf({
  norm_clipping: true,
  median: true,
  trimmed_mean: true,
  geometric_median: true,
  multi_krum: true,
} satisfies Record<Rule, true>);

const phase = oneOf({
  lobby: true,
  waiting: true,
  training: true,
  resting: true,
  paused: true,
  evaluating: true,
  finished: true,
} satisfies Record<Phase, true>);

const deviceState = oneOf({
  without_data: true,
  ready: true,
  training: true,
  sent: true,
  resting: true,
  late: true,
  away: true,
} satisfies Record<DeviceState, true>);

const mischief = oneOf({
  label_flip: true,
  sign_flip: true,
  noise: true,
  silence: true,
  slowness: true,
} satisfies Record<Mischief, true>);

const feedEvent = oneOf({
  joined: true,
  away: true,
  back: true,
  left: true,
  removed: true,
  late: true,
  refused: true,
} satisfies Record<FeedEvent, true>);

const groupKind = oneOf({ rotation: true, label_swap: true } satisfies Record<GroupKind, true>);

const groups = fields<Pick<Groups, "count" | "kind">>({ count: upTo(MOST_GROUPS), kind: groupKind });

/** The strategies into which the board looks: how they weigh coalitions, and whether these form from sketches. */
const FORMING = ["coalition_global", "coalition_models"];

const strategy: Check = (value, path) => {
  const wrong = fields<{ kind: string }>({ kind: text })(value, path);
  if (wrong !== null || !isObject(value) || !FORMING.includes(Reflect.get(value, "kind"))) return wrong;
  return fields<{ formation: object }>({ formation: fields<{ weighting: string }>({ weighting: text }) })(value, path);
};

const config = fields<Pick<RunConfig, "rounds" | "data" | "arms">>({
  rounds: count,
  data: fields<Pick<DataConfig, "groups">>({ groups: orNull(groups) }),
  arms: list(fields<RunConfig["arms"][number]>({ name: armName, strategy })),
});

const device = fields<DeviceRow>({
  id: count,
  slot: count,
  name: text,
  state: deviceState,
  group: orNull(count),
  examples: count,
  labels: list(count),
  bytes_up: count,
  bytes_down: count,
  refused: count,
  last_refusal: orNull(text),
  mischief: orNull(mischief),
  halvings: orLeftOut(count),
});

const accuracy = orNull(
  fields<Accuracy>({ mean: number, worst: number, best: number, worst_tenth: number, worst_group: number }),
);

const armTraffic: { readonly [K in keyof ArmTraffic]: Check } = {
  bytes_up: count,
  bytes_down: count,
  round_up: count,
  round_down: count,
};

const map = fields<MapView>({
  points: listBy("device", fields<MapPoint>({ device: count, x: number, y: number })),
  barycenters: listBy("coalition", fields<MapBarycenter>({ coalition: count, x: number, y: number })),
  global: orNull(fields<MapPlace>({ x: number, y: number })),
  loss: number,
});

const arm = fields<ArmView>({
  name: armName,
  strategy: text,
  accuracy,
  own_accuracy: accuracy,
  coalitions: listBy("id", fields<CoalitionView>({ id: count, members: list(count), center: count, spread: number })),
  agreement: orNull(number),
  history: listBy(
    "round",
    fields<HistoryRow>({
      round: count,
      mean: number,
      worst: number,
      best: number,
      worst_group: number,
      own_mean: number,
      own_worst: number,
      own_best: number,
      agreement: orNull(number),
      coalitions: count,
    }),
  ),
  map: orNull(map),
  devices: list(fields<DeviceAccuracy>({ device: count, balanced: orNull(number), own: orNull(number) })),
  influence: list(fields<Influence>({ device: count, coalition: orNull(number), global: number })),
  set_aside: orLeftOut(
    list(fields<SetAside>({ device: count, place, rule: orNull(rule), counts: number, fair: number })),
  ),
  traffic: fields<ArmTraffic>(armTraffic),
});

export const viewShape = fields<View>({
  seq: count,
  room: text,
  run: count,
  phase,
  round: count,
  locked: flag,
  seed: number,
  fingerprint: text,
  config,
  mischief_allowed: flag,
  devices: listBy("id", device),
  arms: listBy("name", arm),
  cohort: fields<CohortView>({
    round: count,
    asked: list(count),
    received: list(count),
    answered: list(count),
    resting: orLeftOut(list(count)),
  }),
  traffic: fields<Traffic>({ ...armTraffic, rounds: count, plain_averaging: fields<ArmTraffic>(armTraffic) }),
  refusals: record(count),
  feed: listBy(
    "number",
    fields<FeedEntry>({
      number: count,
      round: count,
      device: count,
      event: feedEvent,
      code: orNull(text),
      count,
    }),
  ),
});

const rows = fields<Distances>({
  run: count,
  round: count,
  devices: list(count),
  distances: list(list(number)),
  to_barycenter: list(orNull(number)),
});

const oneArms: Check = (value, path) => {
  const wrong = rows(value, path);
  if (wrong !== null) return wrong;
  const { devices, distances, to_barycenter } = value as Distances;
  const square = [distances, to_barycenter, ...distances].every(({ length }) => length === devices.length);
  return square ? null : path;
};

/** Of a frame: by the name of the arm. */
export const distancesShape = record(oneArms);
