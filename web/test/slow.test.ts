import { describe, expect, it } from "vitest";
import {
  armInPhase,
  beginSlow,
  canGoOn,
  done,
  firstCommand,
  followSlow,
  SLOW_PHASES,
  type Slow,
  slowNext,
  taking,
} from "../src/board/slow";
import { PHASE_MS, SlowPace } from "../src/board/slow-pace";
import { type BoardMessage, type BoardState, initialBoard, joinShown, reduceBoard } from "../src/board/state";
import { wanted } from "../src/board/wanted";
import type { ArmView, CohortView, MapView, View } from "../src/types.gen";
import { arm, config, device, view } from "./samples";

const cohort = (round: number, change: Partial<CohortView> = {}): CohortView => ({
  round,
  asked: [1, 2, 3],
  received: [],
  answered: [],
  ...change,
});

const map: MapView = {
  points: [
    { device: 1, x: 3, y: 0 },
    { device: 2, x: 0, y: 4 },
  ],
  barycenters: [{ coalition: 0, x: 1, y: 2 }],
  global: { x: 1, y: 2 },
  loss: 0.1,
};
const coalitions = [{ id: 0, members: [1, 2], center: 1, spread: 2 }];
const grouped = arm("coalition_models", { map, coalitions });

/** A room after so many closed rounds. */
const still = (rounds: number, change: Partial<View> = {}) =>
  view({
    seq: 10 * rounds + 1,
    phase: rounds === 0 ? "lobby" : "paused",
    round: rounds,
    devices: [1, 2, 3].map((id) => device(id)),
    arms: [rounds === 0 ? arm("coalition_models") : grouped],
    cohort: cohort(rounds, rounds === 0 ? { asked: [] } : { received: [1, 2, 3], answered: [2, 1, 3] }),
    traffic: { ...view().traffic, rounds },
    ...change,
  });

/** The same with the next round open. */
const open = (rounds: number, change: Partial<CohortView> = {}) =>
  still(rounds, { seq: 10 * rounds + 5, phase: "training", round: rounds + 1, cohort: cohort(rounds + 1, change) });

const at = (slow: Slow, phase: Slow["phase"]): Slow => ({ ...slow, phase });

describe("where slow motion begins", () => {
  it("is the next round of a room that stands still, and the round that is open otherwise", () => {
    expect(beginSlow(still(0))).toMatchObject({ round: 1, phase: "out" });
    expect(beginSlow(still(4, { phase: "resting" }))).toMatchObject({ round: 5, phase: "out" });
    expect(beginSlow(open(4))).toMatchObject({ round: 5, phase: "out" });
  });

  it("asks for one round, or that no other follows the open one", () => {
    expect(firstCommand(still(0))).toBe("step");
    expect(firstCommand(open(4))).toBe("pause");
  });
});

describe("the way through a round", () => {
  it("waits for what has not happened yet", () => {
    const slow = beginSlow(still(2));
    expect(canGoOn(slow, still(2))).toBe(false);
    expect(slowNext(slow, still(2))).toBe(slow);
    expect(canGoOn(slow, open(2))).toBe(true);
    expect(canGoOn(at(slow, "training"), open(2))).toBe(true);
    expect(canGoOn(at(slow, "in"), open(2))).toBe(false);
    expect(canGoOn(at(slow, "in"), still(3))).toBe(true);
  });

  it("goes through every phase in order, and on to the next round", () => {
    let slow = beginSlow(still(2));
    const walked = SLOW_PHASES.map(() => {
      const { phase } = slow;
      slow = slowNext(slow, still(3));
      return phase;
    });
    expect(walked).toEqual(SLOW_PHASES);
    expect(slow).toMatchObject({ round: 4, phase: "out" });
  });

  it("ends with the last round", () => {
    const slow = at(beginSlow(still(config.rounds - 1)), "global");
    expect(canGoOn(slow, still(config.rounds))).toBe(false);
  });

  it("turns to a round that somebody else has opened, and ends with the run", () => {
    const slow = at(beginSlow(still(2)), "coalitions");
    expect(followSlow(slow, still(3), open(3))).toMatchObject({ round: 4, phase: "out" });
    expect(followSlow(slow, still(3), still(0, { run: 2 }))).toBeNull();
  });

  it("keeps what was there before the round closed", () => {
    const [first, second, closed] = [still(2), open(2), still(3)];
    const slow = followSlow(followSlow(beginSlow(first), first, second) as Slow, second, closed);
    expect(slow?.before).toBe(second);
  });
});

describe("what a phase shows", () => {
  const slow = beginSlow(still(2));

  it("is who took part in this very round, and for whom the phase is over", () => {
    const now = open(2, { received: [3, 1], answered: [3] });
    expect(taking(slow, now)).toEqual([1, 2, 3]);
    expect(done(slow, now)).toEqual([3, 1]);
    expect(done(at(slow, "training"), now)).toEqual([3]);
    expect(done(slow, still(2))).toEqual([]);
  });

  it("is where devices were before the round, as long as it is open, and then where they are", () => {
    const moved = { ...grouped, map: { ...map, points: map.points.map((point) => ({ ...point, x: point.x + 1 })) } };
    const now = still(3, { arms: [moved] });
    const x = (phase: Slow["phase"]) => armInPhase(at(slow, phase), now, "coalition_models")?.map?.points[0]?.x;
    expect([x("in"), x("distances")]).toEqual([3, 4]);
  });

  it("is no more than what is known in it", () => {
    const known = (phase: Slow["phase"]) => {
      const shown = armInPhase(at(slow, phase), still(3), "coalition_models") as ArmView;
      return [shown.coalitions.length, shown.map?.barycenters.length, shown.map?.global !== null];
    };
    expect(known("distances")).toEqual([0, 0, false]);
    expect(known("coalitions")).toEqual([1, 0, false]);
    expect(known("barycenters")).toEqual([1, 1, false]);
    expect(known("global")).toEqual([1, 1, true]);
  });

  it("has a place for every device, also before the first round and for a device that is new", () => {
    const first = armInPhase(beginSlow(still(0)), open(0), "coalition_models");
    expect(first?.map?.points.map(({ device }) => device)).toEqual([1, 2, 3]);
    const places = armInPhase(slow, open(2), "coalition_models")?.map?.points ?? [];
    expect(places.map(({ device }) => device)).toEqual([1, 2, 3]);
    expect(Math.hypot(places[2]?.x ?? 0, places[2]?.y ?? 0)).toBeCloseTo(5);
  });
});

describe("the board in slow motion", () => {
  const play = (messages: BoardMessage[], from: BoardState = initialBoard("K7QF", "token")) =>
    messages.reduce(reduceBoard, from);
  const begun: BoardMessage[] = [{ type: "connected" }, { type: "view", view: still(2) }, { type: "slow_begun" }];

  it("shows the map also in the lobby", () => {
    expect(joinShown(play([{ type: "view", view: still(0) }, { type: "slow_begun" }]))).toBe(false);
  });

  it("asks for the distances once they are what it shows", () => {
    const kinds = (state: BoardState) => wanted(state).map(({ kind }) => kind);
    const next: BoardMessage = { type: "slow_next" };
    const closed = play([...begun, { type: "view", view: still(3) }, next, next]);
    expect(closed.slow?.phase).toBe("in");
    expect(kinds(closed)).not.toContain("distances");
    expect(kinds(play([next], closed))).toContain("distances");
  });

  it("is as usual after slow motion is left, and after a reset", () => {
    expect(play([...begun, { type: "slow_left" }]).slow).toBeNull();
    expect(play([...begun, { type: "view", view: still(0, { seq: 99, run: 2 }) }]).slow).toBeNull();
  });

  it("goes on by itself some time after it can, once for each phase", () => {
    const timers: { callback: () => void; ms: number; running: boolean }[] = [];
    let gone = 0;
    const pace = new SlowPace(() => gone++, {
      later(callback, ms) {
        const timer = { callback, ms, running: true };
        timers.push(timer);
        return () => {
          timer.running = false;
        };
      },
    });
    const running = () => timers.filter((timer) => timer.running).length;
    const waiting = play([...begun, { type: "slow_auto_toggled" }]);
    pace.look(waiting);
    expect(timers).toEqual([]);
    const opened = play([{ type: "view", view: open(2) }], waiting);
    pace.look(opened);
    pace.look(play([{ type: "device_looked", device: 1 }], opened));
    expect(timers.map(({ ms }) => ms)).toEqual([PHASE_MS]);
    timers[0]?.callback();
    expect(gone).toBe(1);
    pace.look(play([{ type: "slow_next" }], opened));
    expect(timers).toHaveLength(2);
    expect(running()).toBe(1);
    pace.look(play([{ type: "slow_left" }], opened));
    expect(running()).toBe(0);
  });
});
