import { describe, expect, it } from "vitest";
import {
  cellColour,
  colourOf,
  extent,
  heatBlocks,
  heatRows,
  meanDistance,
  nearest,
  nearness,
  toBarycenter,
} from "../src/board/neighbours";
import { arm, distances } from "./samples";

// Devices 1, 3, 4 and 9 on a line, at 0, 1, 3 and 7.
const line = distances([1, 3, 4, 9], [0, 1, 3, 7]);

describe("the nearest neighbours", () => {
  it("are the nearest first, without the device itself", () => {
    expect(nearest(line, 4, 3)).toEqual([
      { device: 3, distance: 2 },
      { device: 1, distance: 3 },
      { device: 9, distance: 4 },
    ]);
    expect(nearest(line, 9, 1)).toEqual([{ device: 4, distance: 4 }]);
  });

  it("go by number where two are equally near", () => {
    expect(nearest(distances([1, 2, 3], [0, 5, 10]), 2, 2).map(({ device }) => device)).toEqual([1, 3]);
  });

  it("are none of a device whose weights did not arrive", () => {
    expect(nearest(line, 2, 3)).toEqual([]);
    expect(toBarycenter(line, 2)).toBeNull();
  });
});

it("finds the distance to the barycenter by device", () => {
  expect(toBarycenter({ ...line, to_barycenter: [0.5, null, 2, 3] }, 4)).toBe(2);
  expect(toBarycenter({ ...line, to_barycenter: [0.5, null, 2, 3] }, 3)).toBeNull();
});

describe("the rows of the heat map", () => {
  const coalitions = [
    { id: 0, members: [4, 9], center: 4, spread: 1 },
    { id: 2, members: [1], center: 1, spread: 0 },
  ];
  const rows = heatRows(line, arm("coalition_models", { coalitions }));

  it("are by coalition, then by number, the devices in none last", () => {
    expect(rows.map(({ device, coalition, index }) => [device, coalition, index])).toEqual([
      [4, 0, 2],
      [9, 0, 3],
      [1, 2, 0],
      [3, null, 1],
    ]);
  });

  it("make a block for each coalition", () => {
    expect(heatBlocks(rows)).toEqual([
      { coalition: 0, first: 0, rows: 2 },
      { coalition: 2, first: 2, rows: 1 },
      { coalition: null, first: 3, rows: 1 },
    ]);
    expect(heatBlocks([])).toEqual([]);
  });
});

describe("the colours of the cells", () => {
  it("reach from the smallest to the largest distance of two devices", () => {
    const scale = extent(line);
    expect(scale).toEqual([1, 7]);
    expect(scale && [0, 1, 4, 7].map((distance) => nearness(distance, scale))).toEqual([1, 1, 0.5, 0]);
  });

  it("survive a single device and equal distances", () => {
    expect(extent(distances([1], [0]))).toBeNull();
    expect(nearness(2, [2, 2])).toBe(1);
  });

  it("are mixed from the two ends", () => {
    const [light, dark] = [colourOf(" #ffe9b0"), colourOf("#16203c")];
    expect(light).toEqual([255, 233, 176]);
    expect(cellColour(1, light, dark)).toEqual(light);
    expect(cellColour(0, light, dark)).toEqual(dark);
    expect(cellColour(0.5, [0, 100, 255], [100, 0, 255])).toEqual([50, 50, 255]);
  });
});

it("takes means over the others only", () => {
  expect(meanDistance(line, 0, [0, 1, 2])).toBe(2);
  expect(meanDistance(line, 0, [0])).toBeNull();
});
