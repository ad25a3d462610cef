import { describe, expect, it } from "vitest";
import { initialBoard, reduceBoard } from "../src/board/state";
import { fromAddress, searchOf } from "../src/replay/address";
import { meaning } from "../src/replay/keys";
import { Pace } from "../src/replay/pace";
import { minutes, namedEvery } from "../src/replay/player-bar";
import type { Recording } from "../src/replay/recording";
import {
  boardShown,
  filmOf,
  initialReplay,
  type ReplayMessage,
  type ReplayState,
  reduceReplay,
} from "../src/replay/state";
import { clock, roundMarks, Timeline } from "../src/replay/timeline";
import type { ArmView, Frame, MapView } from "../src/types.gen";
import { arm, device, distances, view } from "./samples";

const map = (x: number): MapView => ({ points: [{ device: 1, x, y: 0 }], barycenters: [], global: null, loss: 0 });

/** After so many closed rounds; device 2 has left after the second. */
function frame(time_ms: number, closed: number, more: Partial<Frame> = {}): Frame {
  const devices = closed < 3 ? [device(1), device(2)] : [device(1)];
  const members = devices.map(({ id }) => id);
  const grouped: Partial<ArmView> =
    closed === 0
      ? {}
      : { coalitions: [{ id: closed % 2, members, center: 1, spread: 1 }], map: map(closed), agreement: closed / 10 };
  return {
    time_ms,
    view: view({
      // A laboratory need not count its views.
      seq: 1,
      room: "",
      phase: time_ms === 0 ? "lobby" : "training",
      round: closed + 1,
      devices,
      arms: [arm("coalition_models", grouped), arm("fed_avg", { map: map(closed) }), arm("local_only")],
      traffic: { ...view().traffic, rounds: closed },
    }),
    ...more,
  };
}

const of = (closed: number) => ({ ...distances([1, 2], [0, closed]), round: closed });

const recording: Recording = {
  frames: [
    frame(0, 0),
    frame(5000, 0),
    frame(5500, 1, { distances: { coalition_models: of(1) } }),
    frame(6000, 1),
    frame(60_000, 2, { distances: { coalition_models: of(2), fed_avg: of(2) } }),
    frame(60_400, 3),
  ],
  cutOff: false,
};

const chosen = initialBoard("", null);

describe("the board at a frame", () => {
  const board = (n: number, of = chosen) => new Timeline(recording).at(n, of);
  const ribbon = (n: number) => board(n).past.memberships.get("coalition_models")?.rounds ?? [];

  it("shows the frame's view, though views may not be counted", () => {
    expect(recording.frames.map((_, n) => board(n).view?.round)).toEqual([1, 1, 2, 2, 3, 4]);
    expect(board(0)).toMatchObject({ connection: { kind: "live" }, desk: null, room: "" });
  });

  it("remembers the rounds before, with who was there then", () => {
    expect(ribbon(1)).toEqual([]);
    expect(ribbon(5)).toEqual([
      { round: 1, agreement: 0.1, coalitions: [{ id: 1, members: [1, 2] }] },
      { round: 2, agreement: 0.2, coalitions: [{ id: 0, members: [1, 2] }] },
      { round: 3, agreement: 0.3, coalitions: [{ id: 1, members: [1] }] },
    ]);
    expect(board(5).past.memberships.has("fed_avg")).toBe(false);
    expect(board(5).past.seen.map(({ round }) => round)).toEqual([1, 2, 3]);
  });

  it("has the last closed round's distances for the arm that is shown", () => {
    expect(board(1).distances).toBeNull();
    expect(board(2).distances).toEqual({ arm: "coalition_models", ...of(1) });
    expect(board(3).distances?.round).toBe(1);
    expect(board(4, { ...chosen, arm: "fed_avg" }).distances).toEqual({ arm: "fed_avg", ...of(2) });
  });

  it("says that there are none where the recording has none", () => {
    const none = { run: 1, devices: [], distances: [], to_barycenter: [] };
    expect(board(2, { ...chosen, arm: "fed_avg" }).distances).toEqual({ arm: "fed_avg", round: 1, ...none });
    expect(board(5).distances).toEqual({ arm: "coalition_models", round: 3, ...none });
    expect(board(5, { ...chosen, arm: "local_only" }).distances).toBeNull();
  });

  it("is the same whichever way one comes to it", () => {
    const timeline = new Timeline(recording);
    const wander = [5, 0, 3, 2, 4, 1, 5, 3];
    for (const n of wander) expect(timeline.at(n, chosen)).toEqual(board(n));
    expect(timeline.at(99, chosen)).toEqual(board(5));
  });

  it("is what a live board shows that was sent the same", () => {
    const live = recording.frames.reduce(
      (state, { view }, n) => reduceBoard(state, { type: "view", view: { ...view, seq: n + 1 } }),
      chosen,
    );
    const shown = board(5);
    expect(shown.past.seen).toEqual(live.past.seen);
    expect({ ...shown.view, seq: 0 }).toEqual({ ...live.view, seq: 0 });
  });

  it("keeps what its user has chosen", () => {
    const mine = { arm: "fed_avg", question: "own", picture: "distances", listing: "feed", answerShown: true } as const;
    for (const n of [5, 0, 2]) expect(board(n, { ...chosen, ...mine })).toMatchObject(mine);
    expect(board(0, { ...chosen, looked: 2 }).looked).toBe(2);
    expect(board(5, { ...chosen, looked: 2 }).looked).toBeNull();
  });

  it("keeps parts that have not changed, so that pictures need not be drawn again", () => {
    const timeline = new Timeline(recording);
    const [a, b] = [timeline.at(2, chosen), timeline.at(3, chosen)];
    expect(b.distances).toBe(a.distances);
    expect(b.past).toBe(a.past);
    expect(timeline.at(2, chosen).view).toBe(a.view);
  });
});

describe("the time of a recording", () => {
  it("has its long pauses shortened to two seconds", () => {
    expect(clock(recording)).toEqual([0, 2000, 2500, 3000, 5000, 5400]);
  });

  it("begins with the first frame", () => {
    expect(clock({ ...recording, frames: [frame(70_000, 0), frame(70_100, 1)] })).toEqual([0, 100]);
  });

  it("is written in minutes and seconds", () => {
    expect([0, 499, 500, 61_000, 600_000, 6_000_000].map(minutes)).toEqual([
      "00:00",
      "00:00",
      "00:01",
      "01:01",
      "10:00",
      "100:00",
    ]);
  });

  it("has a mark where each round closes, and few enough of them named", () => {
    expect(roundMarks(recording)).toEqual([
      { round: 1, frame: 2 },
      { round: 2, frame: 4 },
      { round: 3, frame: 5 },
    ]);
    expect([3, 8, 9, 20, 60, 300, 5000].map(namedEvery)).toEqual([1, 1, 2, 5, 10, 50, 625]);
  });
});

const film = filmOf(recording, "mine.replay.jsonl", null);
const play = (...messages: ReplayMessage[]) => messages.reduce(reduceReplay, initialReplay());
const opened: ReplayMessage = { type: "opened", film, frame: 0, play: false };

describe("the player", () => {
  it("plays to the end and stops there, and begins again from the start", () => {
    const due: ReplayMessage = { type: "due" };
    const end = play(opened, { type: "play_toggled" }, due, due, due, due, due);
    expect(end).toMatchObject({ frame: 5, playing: false });
    expect(reduceReplay(end, { type: "play_toggled" })).toMatchObject({ frame: 0, playing: true });
  });

  it("stops when it is moved by hand, within the recording", () => {
    const playing = play(opened, { type: "play_toggled" });
    expect(playing).toMatchObject({ frame: 0, playing: true });
    expect(reduceReplay(playing, { type: "moved", to: 3 })).toMatchObject({ frame: 3, playing: false });
    expect(reduceReplay(playing, { type: "stepped", by: -1 }).frame).toBe(0);
    expect(reduceReplay(playing, { type: "moved", to: 99 }).frame).toBe(5);
    expect(reduceReplay(playing, { type: "moved", to: Number.NaN }).frame).toBe(0);
  });

  it("opens another recording at its start, whatever was shown of the one before", () => {
    const state = play(opened, { type: "moved", to: 4 }, { type: "reading", name: "b" }, opened);
    expect(state).toMatchObject({ frame: 0, reading: null, refused: null });
  });

  it("keeps showing what it has when another file is refused", () => {
    const refusal = { kind: "empty" } as const;
    const state = play(opened, { type: "moved", to: 2 }, { type: "refused", name: "b", refusal });
    expect(state).toMatchObject({ film, frame: 2, refused: { name: "b", refusal } });
    expect(reduceReplay(state, { type: "refusal_read" }).refused).toBeNull();
    expect(reduceReplay(state, { type: "closed" })).toMatchObject({ film: null, refused: null });
  });

  it("takes what the board's panels choose", () => {
    const state = play(
      opened,
      { type: "board", message: { type: "arm_chosen", arm: "fed_avg" } },
      { type: "moved", to: 4 },
    );
    expect(boardShown(state)?.distances?.arm).toBe("fed_avg");
    expect(boardShown(initialReplay())).toBeNull();
  });
});

describe("the pace", () => {
  function paced() {
    const waits: number[] = [];
    let running = 0;
    const later = (_: () => void, ms: number) => {
      waits.push(ms);
      running++;
      return () => {
        running--;
      };
    };
    return { pace: new Pace(() => {}, { later }), waits, running: () => running };
  }

  it("waits for the next frame as long as its speed says, once", () => {
    const { pace, waits, running } = paced();
    const at = (change: Partial<ReplayState>) => pace.look({ ...play(opened), playing: true, ...change });
    at({});
    at({});
    expect(waits).toEqual([2000]);
    at({ frame: 1 });
    at({ frame: 1, speed: 4 });
    expect(waits).toEqual([2000, 500, 125]);
    expect(running()).toBe(1);
  });

  it("ends with the playing", () => {
    const { pace, waits, running } = paced();
    pace.look({ ...play(opened), playing: true });
    pace.look(play(opened));
    pace.look(play());
    expect(waits).toHaveLength(1);
    expect(running()).toBe(0);
  });
});

describe("keys", () => {
  const press = (key: string, on = "", modified = false) =>
    meaning({ key, modified, within: (selector) => on !== "" && selector.split(", ").includes(on) });

  it("play and step anywhere on the page", () => {
    expect(press(" ")).toEqual({ type: "play_toggled" });
    expect(press("ArrowLeft")).toEqual({ type: "stepped", by: -1 });
    expect(press("ArrowRight", "button")).toEqual({ type: "stepped", by: 1 });
    expect(press("a")).toBeNull();
    expect(press("constructor")).toBeNull();
  });

  it("are left to whoever wants them", () => {
    expect(press(" ", "button")).toBeNull();
    expect(press("ArrowRight", "input")).toBeNull();
    expect(press("ArrowRight", "coalition-map")).toBeNull();
    expect(press("ArrowRight", "", true)).toBeNull();
  });
});

describe("the address", () => {
  it("has the run, the frame and what is shown, and gives them back", () => {
    const shipped = filmOf(recording, null, "an-attacker");
    const state = play({ type: "opened", film: shipped, frame: 3, play: false });
    const search = searchOf(
      { ...state, chosen: { ...chosen, listing: "feed", answerShown: true } },
      "?lang=ja&frame=9",
    );
    expect(search).toBe("?lang=ja&run=an-attacker&frame=3&listing=feed&answer=shown");
    expect(fromAddress(search)).toMatchObject({
      run: "an-attacker",
      frame: 3,
      chosen: { listing: "feed", answerShown: true, arm: null },
    });
  });

  it("does not name files of people's own, and nothing once the recording is closed", () => {
    expect(searchOf(play(opened, { type: "moved", to: 3 }), "?run=an-attacker&frame=1")).toBe("");
    expect(searchOf(play(), "?run=an-attacker&frame=1&arm=fed_avg")).toBe("");
  });

  it("may be nonsense", () => {
    for (const search of ["", "?run=../x&frame=-1", "?run=constructor&frame=1.5", "?frame=x"]) {
      expect(fromAddress(search)).toMatchObject({ run: null, frame: 0 });
    }
  });
});
