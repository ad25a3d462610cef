import { describe, expect, it } from "vitest";
import { bytes, fixed, partOfPlan, percent, points, signed } from "../src/lib/format";
import { armMarks, coalitionMark, shapePath } from "../src/lib/palette";
import { normalCode, roomOf } from "../src/lib/room";
import { deskToken, type Keep, loadIdentities, saveIdentities } from "../src/lib/storage";
import { createStore } from "../src/lib/store";

describe("numbers", () => {
  it("are whole percent, or a dash", () => {
    expect(percent(0.726)).toBe("73%");
    expect(percent(null)).toBe("—");
    expect(percent(0)).toBe("0%");
  });

  it("give differences that agree with the rounded numbers", () => {
    expect(points(0.726, 0.4949)).toBe(24);
    expect([signed(24), signed(-3), signed(0)]).toEqual(["+24", "−3", "0"]);
  });

  it("say how much of a plan is left by signs that are made for it", () => {
    expect([0, 1, 2, 3, 4].map(partOfPlan)).toEqual(["1", "½", "¼", "⅛", "1/16"]);
  });

  it("are bytes in decimal units with three digits", () => {
    expect([0, 999, 1000, 203_560, 999_499, 999_500, 14_656_320, 1e13].map(bytes)).toEqual(
      ["0 B", "999 B", "1.00 kB", "204 kB", "999 kB", "1.00 MB", "14.7 MB", "10.0 TB"].map((text) =>
        text.replace(" ", "\u202f"),
      ),
    );
  });

  it("have no negative zero", () => {
    expect([fixed(-0.001, 2), fixed(-0.25, 2), fixed(null, 2)]).toEqual(["0.00", "−0.25", "—"]);
    expect([fixed(999_999, 2), fixed(-3.85e17, 2)]).toEqual(["999,999.00", "−3.9E17"]);
  });
});

describe("marks", () => {
  it("tell 64 coalitions apart by colour and shape", () => {
    const marks = Array.from({ length: 64 }, (_, id) => coalitionMark(id));
    expect(new Set(marks.map(({ className, shape }) => `${className} ${shape}`)).size).toBe(64);
    expect(new Set(marks.slice(0, 8).map(({ shape }) => shape)).size).toBe(8);
  });

  it("name coalitions by letters", () => {
    expect([0, 3, 25, 26, 51, 52, 702].map((id) => coalitionMark(id).letter)).toEqual([
      "A",
      "D",
      "Z",
      "AA",
      "AZ",
      "BA",
      "AAA",
    ]);
  });

  it("have an outline for every shape", () => {
    for (let id = 0; id < 8; id++) expect(shapePath(coalitionMark(id).shape, 10)).toMatch(/^M.*Z$/);
  });

  it("keep a strategy's colour and give a second arm of it another", () => {
    const marks = armMarks([
      { strategy: "fed_avg" },
      { strategy: "coalition_models" },
      { strategy: "fed_avg" },
      { strategy: "new" },
    ]);
    expect(marks.map(({ variable }) => variable)).toEqual([
      "--arm-average",
      "--arm-models",
      "--arm-spare-0",
      "--arm-spare-1",
    ]);
    expect(armMarks([{ strategy: "coalition_models" }])[0]).toEqual(marks[1]);
  });
});

describe("rooms", () => {
  it("are found however they are typed", () => {
    expect(normalCode(" k7 qf-")).toBe("K7QF");
    expect(roomOf("/join/k7qf")).toBe("K7QF");
    expect(roomOf("/board/K7QF/")).toBe("K7QF");
    expect(roomOf("/board")).toBe("");
  });
});

describe("what a tab keeps", () => {
  const memory = (): Keep => {
    const values = new Map<string, string>();
    return { getItem: (key) => values.get(key) ?? null, setItem: (key, value) => void values.set(key, value) };
  };
  const forbidden: Keep = {
    getItem: () => {
      throw new Error("forbidden");
    },
    setItem: () => {
      throw new Error("forbidden");
    },
  };
  const me = { device: 3, token: "t", slot: 2 };

  it("are its devices, room by room", () => {
    const keep = memory();
    saveIdentities(keep, "K7QF", [me]);
    expect(loadIdentities(keep, "K7QF")).toEqual([me]);
    expect(loadIdentities(keep, "OTHER")).toEqual([]);
  });

  it("is nothing where it cannot be read", () => {
    const keep = memory();
    keep.setItem("constellation.devices.K7QF", "{not json");
    expect(loadIdentities(keep, "K7QF")).toEqual([]);
    keep.setItem("constellation.devices.K7QF", JSON.stringify([me, { device: "3" }, null]));
    expect(loadIdentities(keep, "K7QF")).toEqual([me]);
    saveIdentities(forbidden, "K7QF", [me]);
    expect(loadIdentities(forbidden, "K7QF")).toEqual([]);
    expect(loadIdentities(null, "K7QF")).toEqual([]);
  });

  it("is the desk token, so that a reload keeps the desk", () => {
    const keep = memory();
    expect(deskToken(keep, "K7QF", "")).toBeNull();
    expect(deskToken(keep, "K7QF", "#desk=a%2Bb")).toBe("a+b");
    expect(deskToken(keep, "K7QF", "")).toBe("a+b");
    expect(deskToken(keep, "OTHER", "")).toBeNull();
    expect(deskToken(forbidden, "K7QF", "#desk=x")).toBe("x");
  });
});

it("draws once per frame, however many messages arrive", () => {
  const frames: (() => void)[] = [];
  const drawn: number[] = [];
  const store = createStore(
    0,
    (state, add: number) => state + add,
    (state) => drawn.push(state),
    (callback) => frames.push(callback),
  );
  for (const add of [1, 2, 3]) store.dispatch(add);
  expect(frames).toHaveLength(1);
  frames.shift()?.();
  expect(drawn).toEqual([6]);
  store.dispatch(0);
  expect(frames).toHaveLength(0);
  store.dispatch(1);
  frames.shift()?.();
  expect(drawn).toEqual([6, 7]);
});
