/** Who was in which coalition in each round, as rows of segments. Pure. */

import type { CoalitionId, DeviceId, Round, RoundMemberships } from "../types.gen";

/** Rounds in which a device stayed in one coalition. */
export interface Segment {
  readonly first: Round;
  readonly last: Round;
  readonly coalition: CoalitionId;
}

export interface RibbonRow {
  readonly device: DeviceId;
  readonly segments: readonly Segment[];
}

/** Neighbouring rows with the same segment. */
export interface Block extends Segment {
  /** Index of the first row. */
  readonly row: number;
  readonly rows: number;
}

export interface Ribbon {
  /** The rounds shown; `last` is smaller than `first` where there are none. */
  readonly first: Round;
  readonly last: Round;
  /** Those together who are together now; among them those who were together before. */
  readonly rows: readonly RibbonRow[];
  readonly blocks: readonly Block[];
  /** Agreement with the hidden groups by round. */
  readonly agreement: ReadonlyMap<Round, number>;
}

/** More rounds than this are too narrow to tell apart; the last ones are shown. */
export const MOST_ROUNDS = 120;

export function ribbon(past: readonly RoundMemberships[], devices: readonly DeviceId[]): Ribbon {
  const shown = past.slice(-MOST_ROUNDS);
  const columns = shown.map(coalitions);
  const rows = ordered(devices, columns).map((device) => ({ device, segments: segments(device, shown, columns) }));
  return {
    first: shown[0]?.round ?? 1,
    last: shown.at(-1)?.round ?? 0,
    rows,
    blocks: blocks(rows),
    agreement: new Map(shown.flatMap(({ round, agreement }) => (agreement === null ? [] : [[round, agreement]]))),
  };
}

type Column = ReadonlyMap<DeviceId, CoalitionId>;

const coalitions = (row: RoundMemberships): Column =>
  new Map(row.coalitions.flatMap(({ id, members }) => members.map((device) => [device, id] as const)));

/** By coalition in the last round, then in the one before, and so on back; devices without one come last. */
function ordered(devices: readonly DeviceId[], columns: readonly Column[]): DeviceId[] {
  const backwards = columns.toReversed();
  return devices.toSorted((a, b) => {
    for (const column of backwards) {
      const [of, other] = [column.get(a) ?? Number.MAX_SAFE_INTEGER, column.get(b) ?? Number.MAX_SAFE_INTEGER];
      if (of !== other) return of - other;
    }
    return a - b;
  });
}

function segments(device: DeviceId, rounds: readonly RoundMemberships[], columns: readonly Column[]): Segment[] {
  const found: { first: Round; last: Round; coalition: CoalitionId }[] = [];
  for (const [i, { round }] of rounds.entries()) {
    const coalition = columns[i]?.get(device);
    if (coalition === undefined) continue;
    const open = found.at(-1);
    if (open?.coalition === coalition && open.last === round - 1) open.last = round;
    else found.push({ first: round, last: round, coalition });
  }
  return found;
}

function blocks(rows: readonly RibbonRow[]): Block[] {
  const done: Block[] = [];
  let open = new Map<string, Block>();
  for (const [row, { segments }] of rows.entries()) {
    const next = new Map<string, Block>();
    for (const segment of segments) {
      const key = `${segment.first}/${segment.last}/${segment.coalition}`;
      const above = open.get(key);
      open.delete(key);
      next.set(key, above ? { ...above, rows: above.rows + 1 } : { ...segment, row, rows: 1 });
    }
    done.push(...open.values());
    open = next;
  }
  return [...done, ...open.values()];
}

/** Where everything is, in pixels. */
export interface RibbonPlaces {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly rowHeight: number;
  /** Width of one round. */
  readonly round: number;
  /** Width of the column of one hidden group; 0 while the answer is hidden. */
  readonly group: number;
  readonly height: number;
}

const LEAST_ROW = 2;
const TALLEST_ROW = 26;

/** A run of up to this many rounds has its whole length from the start, so that the ribbon grows to the right. */
const WHOLE_RUN = 60;

/** Room for the device's number, for the rounds below, and for the agreement while the answer is shown. */
export function ribbonPlaces(
  size: { readonly width: number; readonly height: number },
  { first, last, rows }: Ribbon,
  rounds: number,
  groups: number,
  em: number,
): RibbonPlaces {
  const left = 2 * em;
  const group = groups > 0 ? Math.min(2.6 * em, (10 * em) / groups) : 0;
  const right = Math.max(size.width - groups * group - (groups > 0 ? em / 2 : 0), left + 1);
  const top = groups > 0 ? 1.4 * em : 0.2 * em;
  const below = (groups > 0 ? 3.4 : 1.5) * em;
  const rowHeight = Math.min(Math.max((size.height - top - below) / Math.max(rows.length, 1), LEAST_ROW), TALLEST_ROW);
  const columns = first === 1 && rounds <= WHOLE_RUN ? rounds : last - first + 1;
  return {
    left,
    right,
    top,
    rowHeight,
    group,
    round: (right - left) / Math.max(columns, 1),
    height: top + rowHeight * rows.length + below,
  };
}
