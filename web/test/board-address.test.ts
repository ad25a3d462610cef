import { describe, expect, it } from "vitest";
import { decodeShown, encodeShown, fromAddress, type Shown, searchOf } from "../src/board/address";
import { type BoardState, initialBoard } from "../src/board/state";
import { defaultRun } from "../src/settings/description";
import { view } from "./samples";

const board = (change: Partial<BoardState> = {}): BoardState => ({
  ...initialBoard("K7QF", "token"),
  view: view({ config: defaultRun }),
  ...change,
});

const changes: Shown[] = [
  { arm: "fed_avg", question: "own", picture: "distances", listing: "rounds", answerShown: true },
  { arm: null, question: "balanced", picture: "map", listing: "devices", answerShown: false },
  { arm: null, question: "balanced", picture: "map", listing: null, answerShown: false },
];

describe("a board's address", () => {
  it.each(changes)("gives back what it shows: %j", (shown) => {
    expect(decodeShown(new URLSearchParams(encodeShown(shown)))).toEqual(shown);
    const search = searchOf(board(shown), "");
    expect(fromAddress(board(), search)).toMatchObject(shown);
  });

  it("says nothing of a board as it opens", () => {
    expect(searchOf(board(), "")).toBe("");
    expect(decodeShown(new URLSearchParams("question=why&picture=cat&listing=&answer=no"))).toEqual(
      decodeShown(new URLSearchParams()),
    );
  });

  it("has the settings of the form, else of the run", () => {
    const running = { ...defaultRun, rounds: 12 };
    expect(searchOf(board({ view: view({ config: running }) }), "")).toBe("?rounds=12");
    const search = searchOf(
      board({ draft: { ...defaultRun, seed: 9 }, view: view({ config: running }) }),
      "?rounds=12",
    );
    expect(search).toBe("?seed=9");
    expect(fromAddress(board(), search).draft).toEqual({ ...defaultRun, seed: 9 });
  });

  it("keeps what it does not know, and waits for the room before it says anything", () => {
    expect(searchOf(board({ picture: "distances" }), "?lang=ja&picture=map")).toBe("?lang=ja&picture=distances");
    expect(searchOf(board({ view: null }), "?rounds=3")).toBe("?rounds=3");
  });

  it("never has the desk's token, and settings are for the desk", () => {
    expect(searchOf(board({ desk: "secret", picture: "distances" }), "?arm=x")).not.toContain("secret");
    expect(fromAddress(board({ desk: null }), "?rounds=3").draft).toBeNull();
    expect(fromAddress(board(), "?picture=distances").draft).toBeNull();
  });
});
