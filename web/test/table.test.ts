import { afterEach, describe, expect, it } from "vitest";
import { exampleOf, hasExample } from "../src/device/example";
import { initialTab, reduceTab, type TabMessage } from "../src/device/state";
import { refusalText } from "../src/device/table-panel";
import { setLanguage } from "../src/lib/language";
import { presetRun } from "../src/presets";
import { choose, isAllowed, isHeard, type Setting, settings, settingsOf, valueAt } from "../src/settings/description";
import { isTable, tableOf, tableText } from "../src/settings/table";
import type { TableConfig } from "../src/types.gen";

const declared: TableConfig = {
  label: "exercise",
  labels: ["at rest", "walk"],
  columns: [
    { name: "mean of x", mean: 0, sd: 1 },
    { name: "y", mean: -10.5, sd: 1e-9 },
  ],
};

describe("a table's declaration", () => {
  it("is written as lines and read back", () => {
    const text = "exercise = at rest | walk\nmean of x 0 1\ny -10.5 1e-9";
    expect(tableText(declared)).toBe(text);
    expect(tableOf(text)).toEqual(declared);
    expect(tableOf("\n exercise=at rest|walk \n\n mean of x   0 1\ny -10.5 1e-9 \n")).toEqual(declared);
    expect(isTable(declared)).toBe(true);
  });

  it("that is written amiss stays as it is, and is none", () => {
    for (const text of [
      "exercise = walk\nx 0 1",
      "exercise = a | b",
      "exercise = a | \nx 0 1",
      "= a | b\nx 0 1",
      "exercise = a | b\nx 0",
      "exercise = a | b\nx wide 1",
      "exercise = a | b\nx 0 0",
    ]) {
      expect(isTable(tableOf(text)), text).toBe(false);
      expect(tableOf(tableText(tableOf(text)))).toEqual(tableOf(text));
    }
    expect(tableText(tableOf("exercise = a | b\nx wide 1"))).toContain("x wide 1");
  });

  it("takes hidden groups away, and with it the settings of data sets say nothing", () => {
    const setting = settings.find(({ path }) => path === "data.table") as Setting;
    const run = choose(presetRun("turned"), setting, tableText(declared));
    expect(run.data.groups).toBeNull();
    expect(run.data.table).toEqual(declared);
    const heard = settingsOf(run).filter((one) => isHeard(run, one));
    expect(heard.map(({ path }) => path).filter((path) => path.startsWith("data."))).toEqual([
      "data.examples",
      "data.held_out",
      "data.table",
      "data.validation",
    ]);
    expect(isAllowed(setting, "exercise = a")).toBe(false);
    expect(valueAt(choose(run, setting, null), "data.table")).toBeNull();
  });
});

describe("a device that wants a table", () => {
  const events: TabMessage[] = [
    { type: "started", key: 1, identity: null },
    { type: "event", key: 1, event: { type: "table_wanted", table: declared } },
    { type: "file", key: 1, name: "mine.csv" },
  ];
  const play = (...more: TabMessage[]) => [...events, ...more].reduce(reduceTab, initialTab("K7QF")).devices[0];

  it("remembers which file does not fit, and why, until it gets another one", () => {
    expect(play()).toMatchObject({ table: declared, file: { name: "mine.csv", refusal: null } });
    const refusal = { kind: "fields", row: 7, found: 2, expected: 3 } as const;
    const refused: TabMessage = { type: "event", key: 1, event: { type: "table_read", refusal } };
    expect(play(refused)?.file).toEqual({ name: "mine.csv", refusal });
    expect(play(refused, { type: "file", key: 1, name: "other.csv" })?.file).toEqual({
      name: "other.csv",
      refusal: null,
    });
  });

  it("has an example of its own where the room wants what the watch gives", () => {
    const table = presetRun("sensors").data.table as TableConfig;
    expect(hasExample(table)).toBe(true);
    expect(hasExample({ ...table, columns: table.columns.slice(3, 5) })).toBe(true);
    expect(hasExample({ ...table, labels: table.labels.slice(1) })).toBe(false);
    expect(hasExample(declared)).toBe(false);
    const names = Array.from({ length: 11 }, (_, slot) => exampleOf(slot).name);
    expect(new Set(names).size).toBe(10);
    expect(names[10]).toBe(names[0]);
  });
});

describe("a refusal of a file", () => {
  afterEach(() => setLanguage("en"));

  it("is said in both languages, with the row", () => {
    const refusal = { kind: "label", row: 11, column: "exercise", found: "sit", labels: "a, b" } as const;
    expect(refusalText(refusal)).toBe("Row 11, column “exercise”: “sit” is none of the labels a, b.");
    setLanguage("ja");
    expect(refusalText(refusal)).toBe("11行目、列「exercise」：「sit」はラベルにありません（a, b）。");
  });
});
