import { describe, expect, it } from "vitest";
import { barycenterKey, deviceKey, GLOBAL, layOut, markRadius, outside } from "../src/board/map-layout";
import { fitTo, project, refit, separate } from "../src/lib/fit";
import { convexHull, hullPath } from "../src/lib/hull";
import { Motion } from "../src/lib/motion";

const at = (x: number, y: number) => ({ x, y });
const size = { width: 400, height: 200 };

describe("the hull", () => {
  it("leaves out points inside and on an edge", () => {
    const square = [at(0, 0), at(2, 0), at(2, 2), at(0, 2)];
    const hull = convexHull([at(1, 1), at(1, 0), ...square]);
    expect(hull).toHaveLength(4);
    expect(hull).toEqual(expect.arrayContaining(square));
  });

  it("does not change its input", () => {
    const places = [at(2, 5), at(3, 0), at(1, 0)];
    convexHull(places);
    expect(places).toEqual([at(2, 5), at(3, 0), at(1, 0)]);
  });

  it("is a dot or a capsule for one or two devices, and nothing for none", () => {
    expect(hullPath([at(1, 2)])).toBe("M1.0 2.0Z");
    expect(hullPath([at(3, 0), at(1, 2)])).toBe("M1.0 2.0L3.0 0.0Z");
    expect(hullPath([])).toBe("");
  });
});

describe("the fit", () => {
  it("uses one scale in both directions and leaves the margin", () => {
    const fit = fitTo([at(-1, 0), at(3, 1)], size, 50);
    expect(fit).toMatchObject({ scale: 75, x: 1, y: 0.5 });
    expect(project(fit, at(3, 1))).toEqual(at(350, 62.5));
  });

  it("shows upwards as upwards", () => {
    const fit = fitTo([at(0, 0), at(0, 1)], size, 0);
    expect(project(fit, at(0, 1)).y).toBeLessThan(project(fit, at(0, 0)).y);
  });

  it("survives no points and points in one place", () => {
    expect(fitTo([], size, 10).scale).toBe(1);
    expect(fitTo([at(2, 2), at(2, 2)], size, 10)).toMatchObject({ scale: 1, x: 2, y: 2 });
  });

  it("stays while the picture still suits, so that points do not jump", () => {
    const first = refit(null, [at(-1, 0), at(1, 0)], size, 50);
    expect(refit(first, [at(-0.9, 0), at(0.9, 0)], size, 50)).toBe(first);
    expect(refit(first, [at(-3, 0), at(3, 0)], size, 50).scale).toBe(50);
    expect(refit(first, [at(-0.2, 0), at(0.2, 0)], size, 50).scale).toBe(750);
    expect(refit(first, [at(-1, 0), at(1, 0)], { width: 300, height: 200 }, 50).scale).toBe(100);
  });
});

describe("parting marks", () => {
  it("moves a pair by half the missing distance each", () => {
    expect(separate([at(0, 0), at(6, 0)], 10)).toEqual([at(-2, 0), at(8, 0)]);
  });

  it("leaves pinned places and distant ones alone", () => {
    expect(separate([at(0, 0), at(4, 0), at(50, 0)], 10, 1)).toEqual([at(0, 0), at(10, 0), at(50, 0)]);
  });

  it("opens a heap", () => {
    const heap = separate([at(5, 5), at(5, 5), at(5, 5), at(5, 5)], 10);
    for (const [i, a] of heap.entries()) {
      for (const b of heap.slice(i + 1)) expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(9);
    }
  });
});

describe("the motion", () => {
  const target = (x: number) => new Map([["d1", at(x, 0)]]);

  it("glides, and a new aim starts from where it is", () => {
    const motion = new Motion(100);
    motion.aim(target(0), 0, true);
    expect(motion.moving(0)).toBe(false);
    motion.aim(target(10), 1000, true);
    expect(motion.places(1050).get("d1")).toEqual(at(5, 0));
    motion.aim(target(20), 1050, true);
    expect(motion.places(1050).get("d1")).toEqual(at(5, 0));
    expect(motion.places(1150).get("d1")).toEqual(at(20, 0));
    expect(motion.moving(1149)).toBe(true);
    expect(motion.moving(1150)).toBe(false);
  });

  it("does not start over when the aim stays the same", () => {
    const motion = new Motion(100);
    motion.aim(target(0), 0, true);
    motion.aim(target(10), 0, true);
    motion.aim(target(10), 90, true);
    expect(motion.places(100).get("d1")).toEqual(at(10, 0));
  });

  it("jumps where nobody wants movement, and forgets what is gone", () => {
    const motion = new Motion(100);
    motion.aim(target(0), 0, true);
    motion.aim(target(10), 0, false);
    expect(motion.places(0).get("d1")).toEqual(at(10, 0));
    motion.aim(new Map(), 0, true);
    expect(motion.places(0).size).toBe(0);
  });
});

describe("the layout", () => {
  const map = {
    points: [
      { device: 3, x: -2, y: 0 },
      { device: 8, x: 2, y: 0 },
    ],
    barycenters: [{ coalition: 1, x: 0, y: 0 }],
    global: at(0, 1),
    loss: 0,
  };

  it("keys everything by what it is", () => {
    const { targets } = layOut(map, size, null);
    expect([...targets.keys()].sort()).toEqual([barycenterKey(1), deviceKey(3), deviceKey(8), GLOBAL]);
    expect(targets.get(barycenterKey(1))?.x).toBe(200);
  });

  it("makes marks smaller where there are many", () => {
    expect(markRadius({ width: 800, height: 600 }, 12)).toBe(17);
    expect(markRadius({ width: 800, height: 600 }, 100)).toBeLessThan(10);
    expect(markRadius(size, 100_000)).toBe(5);
  });

  it("puts a letter beyond the outermost member", () => {
    const letter = outside(at(300, 100), [at(320, 100), at(280, 100)], size, 10);
    expect(letter).toEqual(at(346, 100));
    expect(outside(at(200, 100), [], size, 10)).toEqual(at(200, 74));
    expect(outside(at(300, 100), [at(395, 100)], size, 10)).toEqual(at(400, 100));
  });
});
