import { describe, expect, it } from "vitest";
import { type BoardMessage, type BoardState, initialBoard, joinShown, reduceBoard } from "../src/board/state";
import { defaultRun } from "../src/settings/description";
import { device, view } from "./samples";

const play = (messages: BoardMessage[], from: BoardState = initialBoard("K7QF", "token")) =>
  messages.reduce(reduceBoard, from);

describe("views", () => {
  it("takes newer views and ignores older ones", () => {
    const state = play([
      { type: "connected" },
      { type: "view", view: view({ seq: 5, round: 2 }) },
      { type: "view", view: view({ seq: 4, round: 1 }) },
    ]);
    expect(state.view?.round).toBe(2);
  });

  it("does not let the answer to a desk command set the board back", () => {
    const state = play([
      { type: "view", view: view({ seq: 5, phase: "training" }) },
      { type: "desk_sent" },
      { type: "view", view: view({ seq: 7, phase: "resting" }) },
      { type: "desk_answered", command: "step", view: view({ seq: 6, phase: "training" }) },
    ]);
    expect(state.view?.phase).toBe("resting");
    expect(state.busy).toBe(false);
  });

  it("takes whatever comes first after a reconnection, since the server may count from the start again", () => {
    const state = play([
      { type: "view", view: view({ seq: 500 }) },
      { type: "lost", retryMs: 500 },
      { type: "connected" },
      { type: "view", view: view({ seq: 1, run: 9 }) },
    ]);
    expect(state.view?.run).toBe(9);
  });

  it("keeps the last view while the server is gone, and says that it is gone", () => {
    const state = play([
      { type: "view", view: view({ round: 3 }) },
      { type: "lost", retryMs: 2000 },
    ]);
    expect(state.view?.round).toBe(3);
    expect(state.connection).toEqual({ kind: "lost", retryMs: 2000 });
  });
});

describe("the join panel", () => {
  const lobby: BoardMessage = { type: "view", view: view({ seq: 1 }) };
  const training: BoardMessage = { type: "view", view: view({ seq: 2, phase: "training" }) };

  it("is open in the lobby and gives way to the map when the run starts", () => {
    expect(joinShown(play([lobby]))).toBe(true);
    expect(joinShown(play([lobby, training]))).toBe(false);
  });

  it("gives way even when it was closed and opened by hand in the lobby", () => {
    const opened = play([lobby, { type: "join_toggled" }, { type: "join_toggled" }]);
    expect(joinShown(opened)).toBe(true);
    expect(joinShown(play([training], opened))).toBe(false);
  });

  it("opens on demand during a run and stays open", () => {
    const state = play([
      lobby,
      training,
      { type: "join_toggled" },
      { type: "view", view: view({ seq: 3, phase: "resting" }) },
    ]);
    expect(joinShown(state)).toBe(true);
  });
});

describe("the desk", () => {
  it("is busy until the server has answered, and shows what was refused", () => {
    const sent = play([{ type: "desk_sent" }]);
    expect(sent.busy).toBe(true);
    const notice = { code: "wrong_token", detail: "the token is not the right one" };
    const refused = play([{ type: "desk_refused", notice }], sent);
    expect(refused).toMatchObject({ busy: false, notice });
    expect(play([{ type: "desk_sent" }], refused).notice).toBeNull();
  });

  it("is asked before it removes a device, unless the device has gone by itself", () => {
    const asked = play([
      { type: "view", view: view({ devices: [device(1), device(2)] }) },
      { type: "remove_asked", device: 2 },
    ]);
    expect(asked.removing).toBe(2);
    expect(reduceBoard(asked, { type: "remove_closed" }).removing).toBeNull();
    const still = reduceBoard(asked, { type: "view", view: view({ seq: 2, devices: [device(2)] }) });
    expect(still.removing).toBe(2);
    const gone = reduceBoard(asked, { type: "view", view: view({ seq: 2, devices: [device(1)] }) });
    expect(gone.removing).toBeNull();
  });

  it("has the settings of the run in the form until somebody changes one", () => {
    const running = play([{ type: "view", view: view({ config: defaultRun }) }]);
    const config = { ...defaultRun, rounds: 3 };
    const changed = reduceBoard(running, { type: "settings_changed", config });
    expect(changed.draft).toBe(config);
    expect(reduceBoard(changed, { type: "settings_changed", config: { ...config, rounds: 30 } }).draft).toBeNull();
    expect(reduceBoard(changed, { type: "settings_discarded" }).draft).toBeNull();
    // The room has begun to run them.
    expect(reduceBoard(changed, { type: "view", view: view({ seq: 2, config }) }).draft).toBeNull();
  });

  it("closes the settings when another run has begun with them, and not before", () => {
    const sent = play([{ type: "settings_toggled" }, { type: "desk_sent" }]);
    expect(sent.settingsOpen).toBe(true);
    const answered = (command: "step" | "configure") =>
      reduceBoard(sent, { type: "desk_answered", command, view: view() }).settingsOpen;
    expect([answered("step"), answered("configure")]).toEqual([true, false]);
  });
});

it("leaves the state as it is when the pointer stays on the same arm", () => {
  const state = play([{ type: "arm_pointed", arm: "fed_avg" }]);
  expect(reduceBoard(state, { type: "arm_pointed", arm: "fed_avg" })).toBe(state);
});
