import { afterEach, describe, expect, it } from "vitest";
import { feedSentence } from "../src/board/feed-panel";
import { costRows, timesPlain } from "../src/board/traffic-panel";
import { setLanguage } from "../src/lib/language";
import type { FeedEntry } from "../src/types.gen";
import { arm, traffic, view } from "./samples";

describe("what arms cost", () => {
  const total = { ...view().traffic, plain_averaging: traffic(30, 50) };

  it("has a row for every arm, and plain averaging among them where it is one", () => {
    const grouped = arm("coalition_models", { traffic: traffic(3, 5) });
    const average = arm("fed_avg", { traffic: traffic(30, 50) });
    const rows = costRows(view({ arms: [grouped, average], traffic: total }));
    expect(rows.map(({ arm, traffic }) => [arm, traffic.bytes_up])).toEqual([
      ["coalition_models", 3],
      ["fed_avg", 30],
    ]);
  });

  it("has plain averaging for comparison where no arm is it", () => {
    const rows = costRows(view({ arms: [arm("local_only")], traffic: total }));
    expect(rows.map(({ arm, traffic }) => [arm, traffic.bytes_down])).toEqual([
      ["local_only", 0],
      [null, 50],
    ]);
  });

  it("is so many times as much as plain averaging, once that costs something", () => {
    expect(timesPlain(traffic(60, 100), total.plain_averaging)).toBe(2);
    expect(timesPlain(traffic(1, 1), traffic(0, 0))).toBeNull();
  });
});

describe("the feed", () => {
  const entry = (change: Partial<FeedEntry>): FeedEntry => ({
    number: 1,
    round: 2,
    device: 7,
    event: "joined",
    code: null,
    count: 1,
    ...change,
  });
  afterEach(() => setLanguage("en"));

  it("says in both languages what happened, and why something was refused", () => {
    const refused = entry({ event: "refused", code: "non_finite" });
    expect(feedSentence(entry({ event: "late" }))).toBe("Device 7 was late: its update does not count");
    expect(feedSentence(refused)).toBe("Device 7 was refused: its weights were not numbers");
    setLanguage("ja");
    expect(feedSentence(entry({ event: "late" }))).toContain("デバイス7");
    expect(feedSentence(refused)).toContain("数でない値");
  });

  it("names a code that has no sentence", () => {
    expect(feedSentence(entry({ event: "refused", code: "new_code" }))).toContain("new_code");
  });
});
