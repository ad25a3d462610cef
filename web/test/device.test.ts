import { describe, expect, it } from "vitest";
import { answerClaims, type Channel, unclaimed } from "../src/device/claims";
import { readMessage } from "../src/device/message";
import { greyToRgba } from "../src/device/pixels";
import { coalitionShown, identities, initialTab, reduceTab, type TabMessage } from "../src/device/state";
import { barHeights } from "../src/ui/histogram";
import type { FromWorker } from "../src/worker-messages";
import { deviceView } from "./samples";

const identity = (device: number) => ({ device, token: `t${device}`, slot: device - 1 });
const play = (...messages: TabMessage[]) => messages.reduce(reduceTab, initialTab("K7QF"));
const started = (key: number): TabMessage => ({ type: "started", key, identity: null });
const event = (key: number, happened: FromWorker): TabMessage => ({ type: "event", key, event: happened });
const refused = (key: number, code: string) => event(key, { type: "refused", code, detail: `because ${code}` });

describe("a message that left the device", () => {
  const tensor = (dtype: string, shape: number[], start: number, end: number) => ({
    dtype,
    shape,
    data_offsets: [start, end],
  });
  const file = (tensors: object, update: object) => ({
    round: 3,
    bytes: 1000,
    header: JSON.stringify({ __metadata__: { message: "update", update: JSON.stringify(update) }, ...tensors }),
    numbers: [],
  });

  it("is a row for each model, and the rest", () => {
    const tensors = {
      "fed_avg/0.weight": tensor("F32", [2, 3], 0, 24),
      "fed_avg/0.bias": tensor("F32", [2], 24, 32),
      "ours:beside/scale": tensor("F32", [1], 32, 36),
      "ours:beside/int8": tensor("I8", [8], 36, 44),
    };
    const message = readMessage(file(tensors, { report: { examples: 400 } }));
    expect(message.models).toEqual([
      { name: "fed_avg", types: ["F32"], numbers: 8, bytes: 32 },
      { name: "ours:beside", types: ["F32", "I8"], numbers: 9, bytes: 12 },
    ]);
    expect(message.otherBytes).toBe(956);
    expect(JSON.parse(message.report)).toEqual({ report: { examples: 400 } });
  });

  it("may have no models, as at the end of a run", () => {
    expect(readMessage(file({}, { round: 31 }))).toMatchObject({ models: [], otherBytes: 1000 });
  });

  it("is the last one", () => {
    const sent = (round: number): FromWorker => ({ type: "sent", file: { ...file({}, {}), round } });
    const state = play(started(1), started(2), event(1, sent(1)), event(1, sent(2)));
    expect(state.devices.map((device) => device.sent?.round)).toEqual([2, undefined]);
  });
});

describe("the devices of a tab", () => {
  it("keep what they are told apart", () => {
    const state = play(started(1), started(2), event(2, { type: "joined", identity: identity(9) }));
    expect(state.devices.map((device) => device.identity?.device)).toEqual([undefined, 9]);
    expect(identities(state)).toEqual([identity(9)]);
  });

  it("show the newest, and another one when the shown one leaves", () => {
    const both = play(started(1), started(2));
    expect(both.shown).toBe(2);
    const one = reduceTab(both, event(2, { type: "left", code: "removed", reason: "by the desk" }));
    expect(one).toMatchObject({ shown: 1, farewell: { code: "removed", detail: "by the desk" } });
    expect(one.devices.map(({ key }) => key)).toEqual([1]);
    expect(reduceTab(one, event(1, { type: "left", code: "left", reason: "bye" }))).toMatchObject({
      shown: null,
      devices: [],
    });
  });

  it("stay shown while another one leaves", () => {
    const state = play(
      started(1),
      started(2),
      started(3),
      { type: "shown", key: 1 },
      event(3, { type: "left", code: "left", reason: "bye" }),
    );
    expect(state.shown).toBe(1);
  });

  it("say what is wrong with the connection only while it is", () => {
    const lost = play(started(1), event(1, { type: "connection", online: false, detail: "no answer" }));
    expect(lost.devices[0]).toMatchObject({ online: false, trouble: "no answer" });
    const back = reduceTab(lost, event(1, { type: "connection", online: true, detail: "back" }));
    expect(back.devices[0]).toMatchObject({ online: true, trouble: "" });
  });

  it("keep the latest refusals, and count the same one in a row", () => {
    const codes = ["a", "b", "b", "c", "d", "e", "f"];
    const [device] = play(started(1), ...codes.map((code) => refused(1, code))).devices;
    expect(device?.refusals.map(({ code, times }) => `${code}${times}`)).toEqual(["f1", "e1", "d1", "c1", "b2"]);
  });
});

it("shows the coalition where grouping pays, else the last there is", () => {
  expect(coalitionShown(null)).toBeNull();
  expect(
    coalitionShown(
      deviceView([
        ["coalition_models", 2],
        ["other", 1],
      ]),
    ),
  ).toBe(2);
  expect(
    coalitionShown(
      deviceView([
        ["coalition_models", null],
        ["x", 0],
        ["y", 3],
        ["z", null],
      ]),
    ),
  ).toBe(3);
  expect(
    coalitionShown(
      deviceView([
        ["coalition_models", 0],
        ["other", 1],
      ]),
    ),
  ).toBe(0);
});

describe("claims", () => {
  /** Two tabs of one browser: what one posts, the other hears. */
  function pair(): [Channel, Channel] {
    type Listener = Parameters<Channel["addEventListener"]>[1];
    const listeners: [Listener[], Listener[]] = [[], []];
    const side = (mine: 0 | 1): Channel => ({
      postMessage: (data) => {
        for (const listener of listeners[mine === 0 ? 1 : 0]) listener({ data });
      },
      addEventListener: (_, listener) => listeners[mine].push(listener),
    });
    return [side(0), side(1)];
  }
  const now = async () => {};

  it("leave a duplicated tab only what the first one does not hold", async () => {
    const [first, second] = pair();
    answerClaims(first, () => [identity(1), identity(2)]);
    expect(await unclaimed(second, [identity(2), identity(3)], now)).toEqual([identity(3)]);
  });

  it("leave a reload everything", async () => {
    const [, second] = pair();
    expect(await unclaimed(second, [identity(1)], now)).toEqual([identity(1)]);
    expect(await unclaimed(null, [identity(1)], now)).toEqual([identity(1)]);
  });
});

describe("pictures", () => {
  it("turn grey into opaque pixels of the right image", () => {
    const samples = { width: 2, height: 1, pixels: [1, 2, 30, 40] };
    expect([...greyToRgba(samples, 1)]).toEqual([30, 30, 30, 255, 40, 40, 40, 255]);
    expect([...greyToRgba(samples, 2)]).toEqual([0, 0, 0, 255, 0, 0, 0, 255]);
  });

  it("draw bars in proportion, with the smallest still to be seen", () => {
    expect(barHeights([0, 50, 100, 1], 40)).toEqual([0, 20, 40, 1.5]);
    expect(barHeights([0, 0], 40)).toEqual([0, 0]);
  });
});
