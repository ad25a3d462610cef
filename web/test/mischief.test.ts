import { describe, expect, it } from "vitest";
import { MISCHIEF, weightOf } from "../src/lib/mischief";
import { burstPath } from "../src/lib/palette";
import { arm } from "./samples";

const coalition = (id: number, members: number[]) => ({ id, members, center: members[0] ?? 0, spread: 1 });
const influence = (device: number, part: number | null, global: number) => ({ device, coalition: part, global });

describe("what difficult devices weigh", () => {
  it("is nothing where there are none", () => {
    expect(weightOf(arm("fed_avg"))).toBeNull();
  });

  it("is their part of the global model where there are no coalitions", () => {
    const averaged = arm("fed_avg", { influence: [influence(1, null, 0.25), influence(4, null, 0.125)] });
    expect(weightOf(averaged)).toEqual({ devices: 2, global: 0.375, most: null });
  });

  it("names the coalition of which they are the largest part", () => {
    const coalitions = [coalition(0, [1, 2, 3, 4]), coalition(5, [6]), coalition(7, [8, 9])];
    const found = [influence(1, 0.25, 0.0625), influence(2, 0.25, 0.0625), influence(6, 1, 0.25)];
    const grouped = arm("coalition_global", { coalitions, influence: found });
    expect(weightOf(grouped)).toEqual({ devices: 3, global: 0.375, most: { coalition: 5, part: 1 } });
    expect(weightOf({ coalitions, influence: found.slice(0, 2) })?.most).toEqual({ coalition: 0, part: 0.5 });
  });

  it("counts a device that no coalition took for nothing there", () => {
    const grouped = { coalitions: [coalition(0, [1, 2])], influence: [influence(3, null, 0)] };
    expect(weightOf(grouped)).toEqual({ devices: 1, global: 0, most: null });
  });
});

it("offers every way to be difficult once", () => {
  expect(new Set(MISCHIEF).size).toBe(5);
});

it("marks a difficult device by a shape that no coalition has", () => {
  expect(burstPath(10).split("L")).toHaveLength(24);
});
