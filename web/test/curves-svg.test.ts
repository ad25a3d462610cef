import { describe, expect, it } from "vitest";
import { type CurvesPicture, curvesSvg } from "../src/board/curves-svg";

const picture: CurvesPicture = {
  title: "Accuracy <round 3> & more",
  description: '{"seed":7}',
  rounds: "Round",
  accuracy: "Accuracy (%)",
  band: "Band: worst to best device",
  curves: {
    rounds: [1, 2, 3],
    means: [
      [0, 0.5, 1],
      [0.25, null, 0.75],
    ],
    worst: [0, 0.25, 0.5],
    best: [0.5, 0.75, 1],
  },
  arms: [
    { name: "one", colour: "#111111", dash: [] },
    { name: "two", colour: "#222222", dash: [3, 4] },
  ],
  strong: 0,
  paint: { panel: "#fff", ink: "#000", dim: "#555", line: "#ccc" },
};

const points = (svg: string, element: string) =>
  [...svg.matchAll(new RegExp(`<${element} points="([^"]*)"`, "g"))].map(([, list]) => list);

describe("the curves as a file", () => {
  const svg = curvesSvg(picture);

  it("has a line per arm, through the rounds that were measured", () => {
    expect(points(svg, "polyline")).toEqual(["70.0,380.0 420.0,220.0 770.0,60.0", "70.0,300.0 770.0,140.0"]);
  });

  it("has the band from the best device back along the worst", () => {
    expect(points(svg, "polygon")).toEqual(["70.0,220.0 420.0,140.0 770.0,60.0 770.0,220.0 420.0,300.0 70.0,380.0"]);
    expect(points(curvesSvg({ ...picture, strong: -1 }), "polygon")).toEqual([]);
  });

  it("says its axes, arms, title and settings, with every sign escaped", () => {
    for (const word of ["Round", "Accuracy (%)", "one", "two", "Accuracy &lt;round 3&gt; &amp; more"]) {
      expect(svg).toContain(`>${word}</text>`);
    }
    expect(svg).toContain("<desc>{&quot;seed&quot;:7}</desc>");
  });

  it("closes every element that it opens", () => {
    const open: string[] = [];
    for (const [, end, name, alone] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
      if (end) expect(open.pop()).toBe(name);
      else if (!alone && name) open.push(name);
    }
    expect(open).toEqual([]);
  });
});
