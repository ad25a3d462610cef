import { describe, expect, it } from "vitest";
import { remember, share } from "../src/lib/share";

describe("share", () => {
  const before = {
    devices: [
      { id: 1, name: "a" },
      { id: 2, name: "b" },
    ],
    map: { points: [1, 2] },
    loss: null,
  };

  it("gives what was there if nothing has changed", () => {
    expect(share(before, structuredClone(before))).toBe(before);
  });

  it("keeps the identity of what has not changed around what has", () => {
    const now = structuredClone(before);
    now.devices[1] = { id: 2, name: "c" };
    const shared = share(before, now);
    expect(shared).toEqual(now);
    expect(shared.devices).not.toBe(before.devices);
    expect(shared.devices[0]).toBe(before.devices[0]);
    expect(shared.map).toBe(before.map);
    expect(before.devices[1]?.name).toBe("b");
  });

  it.each([
    [
      [1, 2],
      [1, 2, 3],
    ],
    [
      [1, 2, 3],
      [1, 2],
    ],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1, b: 2 }, { a: 1 }],
    [{ a: undefined }, { b: undefined }],
    [{ a: 1 }, null],
    [null, { a: 1 }],
    [[], {}],
    [{}, []],
    ["1", 1],
  ])("of %j and %j gives the second", (before, now) => {
    expect(share(before, now)).toStrictEqual(now);
  });
});

describe("remember", () => {
  it("makes again only from other things", () => {
    let made = 0;
    const sum = remember((a: number, b: number) => {
      made += 1;
      return a + b;
    });
    expect([sum(1, 2), sum(1, 2), made]).toEqual([3, 3, 1]);
    expect([sum(1, 3), made]).toEqual([4, 2]);
  });

  it("takes more things for other things", () => {
    const sum = remember((...numbers: number[]) => numbers.reduce((all, one) => all + one, 0));
    expect([sum(1, 2), sum(1, 2, 3), sum(1)]).toEqual([3, 6, 1]);
  });
});
