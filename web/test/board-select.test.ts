import { describe, expect, it } from "vitest";
import {
  coalitionOf,
  compared,
  comparison,
  curves,
  deskAllows,
  groupLabel,
  missingFromMap,
  roundProgress,
  selectedArm,
} from "../src/board/select";
import { accuracy, arm, config, device, row, view } from "./samples";

const map = { points: [{ device: 1, x: 0, y: 0 }], barycenters: [], global: null, loss: 0 };

describe("the arm on the map", () => {
  const arms = [arm("local_only"), arm("coalition_models"), arm("coalition_global", { map })];

  it("is the chosen one, while the run has it", () => {
    expect(selectedArm(view({ arms }), "local_only")?.name).toBe("local_only");
    expect(selectedArm(view({ arms }), "gone")?.name).toBe("coalition_models");
  });

  it("is else the last one with a picture", () => {
    const others = [arm("fed_avg", { map }), arm("coalition_global", { map }), arm("local_only")];
    expect(selectedArm(view({ arms: others }), null)?.name).toBe("coalition_global");
    expect(selectedArm(view({ arms: [] }), null)).toBeNull();
  });
});

describe("the comparison", () => {
  const plain = arm("fed_avg", { accuracy: accuracy(0.486), own_accuracy: accuracy(0.663) });
  const models = arm("coalition_models", { accuracy: accuracy(0.727), own_accuracy: accuracy(0.901) });

  it("subtracts the numbers as they are shown", () => {
    const arms = { grouping: models, plain };
    expect(comparison(arms, "balanced")).toEqual({ grouping: 0.727, plain: 0.486, points: 24 });
    expect(comparison(arms, "own")?.points).toBe(24);
  });

  it("says nothing before both are measured", () => {
    expect(comparison({ grouping: arm("coalition_models"), plain }, "balanced")).toBeNull();
    expect(comparison({ grouping: models, plain: arm("fed_avg") }, "balanced")).toBeNull();
  });

  it("is of one model per coalition, else of another arm that groups, where there is plain averaging", () => {
    const oracle = arm("oracle_groups");
    expect(compared([arm("local_only"), plain, oracle, models])).toEqual({ grouping: models, plain });
    expect(compared([arm("local_only"), plain, oracle])).toEqual({ grouping: oracle, plain });
    expect(compared([plain, arm("coalition_global")])).toBeNull();
    expect(compared([models])).toBeNull();
  });
});

it("finds each device's coalition", () => {
  const coalitions = [
    { id: 0, members: [1, 3], center: 1, spread: 1 },
    { id: 2, members: [2], center: 2, spread: 0 },
  ];
  expect([...coalitionOf(arm("coalition_models", { coalitions }))]).toEqual([
    [1, 0],
    [3, 0],
    [2, 2],
  ]);
  expect(coalitionOf(null).size).toBe(0);
});

it("names the devices that the picture does not show", () => {
  const room = view({ devices: [device(1), device(2)] });
  expect(missingFromMap(room, arm("fed_avg", { map })).map(({ id }) => id)).toEqual([2]);
  expect(missingFromMap(room, arm("fed_avg"))).toEqual([]);
});

it("allows what makes sense in a phase", () => {
  expect(deskAllows("lobby")).toEqual({ start: true, pause: false, step: true });
  expect(deskAllows("training")).toEqual({ start: false, pause: true, step: false });
  expect(deskAllows("waiting").pause).toBe(true);
  expect(deskAllows("paused")).toEqual({ start: true, pause: false, step: true });
  expect(deskAllows("finished")).toEqual({ start: false, pause: false, step: false });
});

it("counts the updates of a round without the devices that are not in it", () => {
  const states = ["sent", "sent", "training", "late", "away", "ready"] as const;
  expect(roundProgress(states.map((state, i) => device(i + 1, { state })))).toEqual({ sent: 2, of: 3 });
});

it("says a hidden group in words of its kind", () => {
  expect(groupLabel(view(), 3)).toBe("270°");
  expect(groupLabel(view(), null)).toBe("");
  const swapped = { ...config, data: { ...config.data, groups: { count: 3, kind: "label_swap" as const } } };
  expect(groupLabel(view({ config: swapped }), 2)).toBe("2");
});

describe("the curves", () => {
  const banded = [row(1, 0.2), row(2, 0.5)];
  const arms = [[row(2, 0.3)], banded];

  it("line up the rounds of all arms, with gaps where nothing was measured", () => {
    expect(curves(arms, undefined, "balanced")).toMatchObject({
      rounds: [1, 2],
      means: [
        [null, 0.3],
        [0.2, 0.5],
      ],
      worst: [null, null],
    });
  });

  it("have the band of one arm", () => {
    const { worst, best } = curves(arms, banded, "own");
    expect(worst.map((value) => value?.toFixed(2))).toEqual(["0.30", "0.60"]);
    expect(best.map((value) => value?.toFixed(2))).toEqual(["0.50", "0.80"]);
  });
});
