import { describe, expect, it } from "vitest";
import { earlierMaps, noPast, withClosedRound, withMemberships } from "../src/board/past";
import { type BoardMessage, initialBoard, reduceBoard } from "../src/board/state";
import { trails } from "../src/board/trails";
import { Asking, type Wanted, wanted } from "../src/board/wanted";
import type { MapView } from "../src/types.gen";
import { arm, device, distances, view } from "./samples";

const map = (x: number, y = 0): MapView => ({ points: [{ device: 1, x, y }], barycenters: [], global: null, loss: 0 });

const closed = (rounds: number, run = 1) =>
  view({
    seq: 10 * run + rounds,
    run,
    devices: [device(1)],
    traffic: { ...view().traffic, rounds },
    arms: [arm("coalition_models", { map: rounds > 0 ? map(rounds) : null }), arm("local_only")],
  });

const rows = (...rounds: number[]) => rounds.map((round) => ({ round, agreement: null, coalitions: [] }));

const play = (...messages: BoardMessage[]) => messages.reduce(reduceBoard, initialBoard("K7QF", null));
const seen = (rounds: number, run = 1): BoardMessage => ({ type: "view", view: closed(rounds, run) });

describe("the pictures seen", () => {
  it("are those of the last few rounds, each once", () => {
    const past = [0, 1, 1, 2, 3, 4, 5, 6, 7, 7].map((round) => closed(round)).reduce(withClosedRound, noPast);
    expect(past.seen.map(({ round }) => round)).toEqual([2, 3, 4, 5, 6, 7]);
    expect(earlierMaps(past, "coalition_models").map(({ points }) => points[0]?.x)).toEqual([2, 3, 4, 5, 6]);
    expect(earlierMaps(past, "local_only")).toEqual([]);
  });

  it("start anew with a run", () => {
    const past = [closed(1), closed(2), closed(0, 2), closed(1, 2)].reduce(withClosedRound, noPast);
    expect(past).toMatchObject({ run: 2, seen: [{ round: 1 }] });
  });
});

describe("fetched memberships", () => {
  const first = withClosedRound(noPast, closed(3));

  it("are added to what is known, once", () => {
    const answer = (...rounds: number[]) => ({ run: 1, rounds: rows(...rounds) });
    let past = withMemberships(first, "a", 3, answer(1, 3));
    past = withMemberships(past, "a", 4, answer(3, 4));
    past = withMemberships(past, "b", 4, answer());
    expect(past.memberships.get("a")).toEqual({ upTo: 4, rounds: rows(1, 3, 4) });
    expect(past.memberships.get("b")).toEqual({ upTo: 4, rounds: [] });
  });

  it("of another run do not count", () => {
    expect(withMemberships(first, "a", 3, { run: 2, rounds: rows(1) })).toBe(first);
    expect(
      withClosedRound(withMemberships(first, "a", 3, { run: 1, rounds: rows(1) }), closed(0, 2)).memberships.size,
    ).toBe(0);
  });
});

describe("what a board asks for", () => {
  it("is nothing before a round has closed, or where weights stay on the devices", () => {
    expect(wanted(play(seen(0)))).toEqual([]);
    expect(wanted(play(seen(1), { type: "arm_chosen", arm: "local_only" }))).toEqual([]);
  });

  it("is the memberships that it does not know", () => {
    const late = play(seen(5));
    expect(wanted(late)).toEqual([{ kind: "memberships", run: 1, arm: "coalition_models", closed: 5, after: 0 }]);
    const answer = { run: 1, rounds: rows(1, 2, 3) };
    const known = reduceBoard(late, { type: "memberships", arm: "coalition_models", closed: 5, answer });
    expect(wanted(known)).toEqual([]);
    expect(wanted(reduceBoard(known, seen(6)))).toMatchObject([{ closed: 6, after: 5 }]);
  });

  it("is distances only while they are shown, after each round", () => {
    const kinds = (...messages: BoardMessage[]) => wanted(play(seen(1), ...messages)).map(({ kind }) => kind);
    const fetched: BoardMessage = {
      type: "distances",
      arm: "coalition_models",
      answer: distances([1, 2], [0, 1]),
    };
    expect(kinds()).not.toContain("distances");
    expect(kinds({ type: "device_looked", device: 1 })).toContain("distances");
    const heat: BoardMessage = { type: "picture_chosen", picture: "distances" };
    expect(kinds(heat)).toContain("distances");
    expect(kinds(heat, fetched)).not.toContain("distances");
    expect(kinds(heat, fetched, seen(2))).toContain("distances");
  });

  it("is asked once a round, and again after a lost connection", () => {
    const asked: Wanted[] = [];
    const asking = new Asking((next) => asked.push(next));
    asking.look(play(seen(1)));
    asking.look(play(seen(1)));
    expect(asked).toHaveLength(1);
    asking.look(play(seen(2)));
    expect(asked).toHaveLength(2);
    asking.forget();
    asking.look(play(seen(2)));
    expect(asked).toHaveLength(3);
  });
});

it("forgets distances with their run, and a device pointed at when it leaves", () => {
  const state = play(
    seen(1),
    { type: "device_looked", device: 1 },
    { type: "distances", arm: "coalition_models", answer: distances([1, 2], [0, 1]) },
  );
  expect(state).toMatchObject({ looked: 1, distances: { arm: "coalition_models" } });
  const reset = reduceBoard(state, { type: "view", view: { ...closed(0, 2), devices: [device(2)] } });
  expect(reset).toMatchObject({ looked: null, distances: null });
  const foreign = { ...distances([1, 2], [0, 1]), run: 9 };
  expect(reduceBoard(state, { type: "distances", arm: "fed_avg", answer: foreign })).toBe(state);
});

describe("the trails", () => {
  const fit = { scale: 10, x: 0, y: 0, size: { width: 200, height: 100 } };
  const at = (x: number, y: number) => new Map([["d1", { x, y }]]);
  const of = new Map([[1, 2]]);

  it("lead from round to round to where a device is", () => {
    expect(trails([map(0), map(1)], map(3), fit, at(130, 50), at(130, 50), of)).toEqual([
      { coalition: 2, age: 1, path: "M110.0 50.0L130.0 50.0" },
      { coalition: 2, age: 2, path: "M100.0 50.0L110.0 50.0" },
    ]);
  });

  it("go along with a mark that has been moved aside", () => {
    const [trail] = trails([map(1)], map(1), fit, at(115, 50), at(115, 50), of);
    expect(trail?.path).toBe("M115.0 50.0L115.0 50.0");
  });

  it("end where a device is while it glides", () => {
    const [trail] = trails([map(1)], map(3), fit, at(120, 50), at(130, 50), of);
    expect(trail?.path).toBe("M110.0 50.0L120.0 50.0");
  });

  it("stop at a round that the device was not in", () => {
    const absent = { ...map(0), points: [] };
    expect(trails([map(0), absent, map(2)], map(3), fit, at(130, 50), at(130, 50), of)).toHaveLength(1);
    expect(trails([absent], map(3), fit, at(130, 50), at(130, 50), of)).toEqual([]);
  });

  it("stop at a round that is far beyond the picture", () => {
    const found = trails([map(0), map(-1e17), map(2)], map(3), fit, at(130, 50), at(130, 50), of);
    expect(found.map(({ age }) => age)).toEqual([1]);
    expect(trails([map(0, 1e17)], map(3), fit, at(130, 50), at(130, 50), of)).toEqual([]);
  });
});
