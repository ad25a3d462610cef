import { describe, expect, it } from "vitest";
import { MOST_ROUNDS, ribbon, ribbonPlaces } from "../src/board/ribbon";
import type { RoundMemberships } from "../src/types.gen";

/** Coalitions of one round: members by id. */
const round = (
  number: number,
  members: Record<number, number[]>,
  agreement: number | null = null,
): RoundMemberships => ({
  round: number,
  agreement,
  coalitions: Object.entries(members).map(([id, devices]) => ({ id: Number(id), members: devices })),
});

const order = (rounds: RoundMemberships[], devices: number[]) => ribbon(rounds, devices).rows.map((row) => row.device);

describe("the order of the ribbon", () => {
  it("is by coalition in the last round, and within one by the rounds before", () => {
    const rounds = [round(1, { 0: [1, 2], 1: [3, 4] }), round(2, { 0: [3, 1], 1: [4, 2] })];
    expect(order(rounds, [1, 2, 3, 4])).toEqual([1, 3, 2, 4]);
    expect(order([round(1, { 0: [3], 1: [1, 2] }), round(2, { 1: [1, 2, 3] })], [1, 2, 3])).toEqual([3, 1, 2]);
  });

  it("puts devices without a coalition last and leaves out those that are gone", () => {
    expect(order([round(1, { 0: [3, 7] })], [1, 3, 5])).toEqual([3, 1, 5]);
    expect(order([], [2, 1])).toEqual([1, 2]);
  });

  it("goes by numbers, not by text", () => {
    expect(order([round(1, { 10: [1], 9: [2] })], [1, 2])).toEqual([2, 1]);
  });
});

describe("the segments of the ribbon", () => {
  it("last as long as a device stays", () => {
    const rounds = [round(1, { 0: [1] }), round(2, { 0: [1] }), round(3, { 1: [1] }), round(4, { 0: [1] })];
    expect(ribbon(rounds, [1]).rows[0]?.segments).toEqual([
      { first: 1, last: 2, coalition: 0 },
      { first: 3, last: 3, coalition: 1 },
      { first: 4, last: 4, coalition: 0 },
    ]);
  });

  it("break where a device was in no coalition or the round has none", () => {
    const rounds = [round(1, { 0: [1, 2] }), round(2, { 0: [2] }), round(3, { 0: [1, 2] }), round(5, { 0: [1, 2] })];
    const { rows } = ribbon(rounds, [1, 2]);
    expect(rows.map(({ segments }) => segments.map(({ first, last }) => [first, last]))).toEqual([
      [
        [1, 3],
        [5, 5],
      ],
      [
        [1, 1],
        [3, 3],
        [5, 5],
      ],
    ]);
  });

  it("make one block where neighbouring rows have the same", () => {
    const { blocks } = ribbon([round(1, { 0: [1, 2, 3], 1: [4] }), round(2, { 0: [1, 2], 1: [3, 4] })], [1, 2, 3, 4]);
    const found = blocks.map(({ first, last, coalition, row, rows }) => [first, last, coalition, row, rows]);
    expect(found.toSorted()).toEqual([
      [1, 1, 0, 2, 1],
      [1, 2, 0, 0, 2],
      [1, 2, 1, 3, 1],
      [2, 2, 1, 2, 1],
    ]);
  });
});

it("shows the last rounds of a long run, and how well each agreed", () => {
  const many = Array.from({ length: MOST_ROUNDS + 5 }, (_, i) => round(i + 1, { 0: [1] }, i === 0 ? 1 : i / 1000));
  const { first, last, agreement } = ribbon(many, [1]);
  expect([first, last]).toEqual([6, MOST_ROUNDS + 5]);
  expect(agreement.get(6)).toBe(0.005);
  expect(agreement.has(1)).toBe(false);
  expect(ribbon([round(1, { 0: [1] })], [1]).agreement.size).toBe(0);
});

describe("the places of the ribbon", () => {
  const size = { width: 640, height: 200 };
  const some = ribbon([round(1, { 0: [1, 2, 3, 4] })], [1, 2, 3, 4]);

  it("has room for the whole run, and for the groups once they are shown", () => {
    const hidden = ribbonPlaces(size, some, 30, 0, 16);
    expect(hidden).toMatchObject({ left: 32, right: 640, group: 0 });
    expect(hidden.round).toBeCloseTo((640 - 32) / 30);
    const shown = ribbonPlaces(size, some, 30, 4, 16);
    expect(shown.group).toBe(40);
    expect(shown.right).toBe(640 - 160 - 8);
  });

  it("goes on growing when the run is longer than it can show at once", () => {
    expect(ribbonPlaces(size, some, 1000, 0, 16).round).toBe(608);
  });

  it("makes rows no thinner than can be seen", () => {
    const devices = Array.from({ length: 200 }, (_, i) => i + 1);
    const { rowHeight, height } = ribbonPlaces(size, ribbon([round(1, { 0: devices })], devices), 30, 0, 16);
    expect(rowHeight).toBe(2);
    expect(height).toBeGreaterThan(400);
  });
});
