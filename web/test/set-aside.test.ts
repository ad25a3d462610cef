import { describe, expect, it } from "vitest";
import { asideOf } from "../src/board/set-aside";
import { viewShape } from "../src/replay/view-shape";
import type { SetAside } from "../src/types.gen";
import { arm, view } from "./samples";

const aside = (device: number, place: SetAside["place"], rule: SetAside["rule"]): SetAside => ({
  device,
  place,
  rule,
  counts: 0,
  fair: 0.25,
});

describe("devices that were set aside", () => {
  it("are none where views say nothing of them, as older ones do", () => {
    expect(asideOf(arm("fed_avg"), 1)).toEqual([]);
  });

  it("may be set aside in their coalition and in the global model", () => {
    const all = [aside(1, "coalition", "median"), aside(2, "global", "median"), aside(1, "global", null)];
    expect(asideOf({ set_aside: all }, 1)).toEqual([all[0], all[2]]);
    expect(asideOf({ set_aside: all }, 3)).toEqual([]);
  });

  it("are read from recordings, and by rules alone that there are", () => {
    const wrong = (rule: unknown) =>
      viewShape(view({ arms: [arm("a", { set_aside: [aside(1, "global", rule as null)] })] }), "view");
    expect(wrong("multi_krum")).toBe(wrong(null));
    expect(wrong("magic")).toBe("view.arms[0].set_aside[0].rule");
  });
});
