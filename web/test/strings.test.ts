import { afterEach, describe, expect, it } from "vitest";
import protocol from "../../docs/protocol.md?raw";
import { firstLanguage, LANGUAGES, setLanguage } from "../src/lib/language";
import { en, strings } from "../src/strings";
import { ja, refusals } from "../src/strings/ja";

afterEach(() => setLanguage("en"));

type Leaf = readonly [path: string, value: unknown];

function leaves(tree: object, path = ""): Leaf[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    typeof value === "object" && value !== null ? leaves(value, `${path}${key}.`) : [[`${path}${key}`, value] as const],
  );
}

/** What a leaf says; functions get a number that is also a list and a text as far as they look. */
function said(value: unknown): string {
  if (typeof value !== "function") return String(value);
  const something = Object.assign([3, 4], { toString: () => "3", valueOf: () => 3 });
  return String(value(...Array.from({ length: value.length }, () => something)));
}

describe("the languages", () => {
  it("say the same things", () => {
    const shape = (tree: object) => leaves(tree).map(([path, value]) => `${path}: ${typeof value}`);
    expect(shape(ja).sort()).toEqual(shape(en).sort());
  });

  it("say them of the same arguments", () => {
    const functions = (tree: object) =>
      leaves(tree).flatMap(([path, value]) => (typeof value === "function" ? [[path, value.length] as const] : []));
    expect(Object.fromEntries(functions(ja))).toEqual(Object.fromEntries(functions(en)));
  });

  it("are never silent", () => {
    // The sentence of an arm that this page does not know is no sentence.
    const silent = (tree: object) => leaves(tree).filter(([, value]) => said(value).trim() === "");
    expect(silent(en).map(([path]) => path)).toEqual(["armSentence"]);
    expect(silent(ja).map(([path]) => path)).toEqual(["armSentence"]);
  });

  it("do not leave English in the Japanese page", () => {
    const latin = leaves(ja).filter(([, value]) => /[A-Za-z]{3,} [a-z]{2,}/.test(said(value)));
    expect(latin.map(([path]) => path)).toEqual([]);
  });

  it("know every code that the server may refuse with", () => {
    const codes = [...protocol.matchAll(/^\| `([a-z_]+)` \| \d{3} \|/gm)].map(([, code]) => code ?? "");
    expect(codes.length).toBeGreaterThan(40);
    expect(codes.filter((code) => !Object.hasOwn(refusals, code))).toEqual([]);
  });

  it("know every strategy", () => {
    for (const words of [en, ja]) {
      expect(words.armSentence("coalition_models")).not.toBe("");
      expect(words.armTitle("mine", "fed_avg")).toBe("mine");
      expect(words.armTitle("constructor", "constructor")).toBe("constructor");
    }
  });
});

describe("the language of the page", () => {
  it("changes in parts that a module kept", () => {
    const { board } = strings;
    expect(board.start).toBe("Start");
    setLanguage("ja");
    expect(board.start).toBe("開始");
    expect(strings.device.name(3)).toBe("デバイス3");
    expect(strings.phases.training).toBe(ja.phases.training);
  });

  it("is the address's, then the last choice, then what the reader prefers", () => {
    expect(firstLanguage("ja", "en", ["en"])).toBe("ja");
    expect(firstLanguage("fr", "ja", ["en"])).toBe("ja");
    expect(firstLanguage(null, null, ["fr-CH", "ja-JP", "en"])).toBe("ja");
    expect(firstLanguage(null, null, ["en-GB", "ja"])).toBe("en");
    expect(firstLanguage(null, "xx", ["fr"])).toBe("en");
    expect(LANGUAGES).toContain(firstLanguage(null, null, []));
  });

  it("leaves the server's sentence where it has none of its own", () => {
    expect(strings.refusal("stale", "round 1 is closed")).toBe("round 1 is closed");
    expect(strings.refusal("no_code", "")).toBe("Type the code that the board shows.");
    setLanguage("ja");
    expect(strings.refusal("stale", "round 1 is closed")).toBe("終わったラウンドの更新でした。");
    expect(strings.refusal("brand_new", "something new")).toBe("something new");
    expect(strings.refusal("bad_config", "rounds is 0")).toContain("rounds is 0");
  });
});
