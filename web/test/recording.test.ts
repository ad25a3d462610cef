import { afterEach, describe, expect, it } from "vitest";
import { LANGUAGES, setLanguage } from "../src/lib/language";
import { refusalText } from "../src/replay/opening";
import { parseRecording, type Refusal, Unplayable, VERSION } from "../src/replay/recording";
import { unpack } from "../src/replay/unpack";
import { strings } from "../src/strings";
import type { Frame, View } from "../src/types.gen";
import { accuracy, arm, device, distances, row, view } from "./samples";

afterEach(() => setLanguage("en"));

const HEADER = '{"format":"constellation-replay","version":1}';

const frame = (time_ms: number, change: Partial<View> = {}, more: Partial<Frame> = {}): Frame => ({
  time_ms,
  view: view(change),
  ...more,
});

const textOf = (...frames: unknown[]) => `${[HEADER, ...frames.map((one) => JSON.stringify(one))].join("\n")}\n`;

function refused(read: () => unknown): Refusal {
  try {
    read();
  } catch (error) {
    if (error instanceof Unplayable) return error.refusal;
    throw error;
  }
  throw new Error("it was taken");
}

const refusal = (text: string) => refused(() => parseRecording(text));

const full = view({
  devices: [device(1), device(2, { mischief: "noise", last_refusal: "stale" })],
  arms: [
    arm("coalition_global", {
      accuracy: accuracy(0.5),
      own_accuracy: accuracy(0.6),
      coalitions: [{ id: 0, members: [1, 2], center: 1, spread: 0.5 }],
      agreement: 0.25,
      history: [row(1, 0.4), row(2, 0.5)],
      map: {
        points: [{ device: 1, x: 0, y: -1 }],
        barycenters: [{ coalition: 0, x: 0, y: 0 }],
        global: { x: 0, y: 0 },
        loss: 0,
      },
      devices: [{ device: 1, balanced: 0.5, own: null }],
      influence: [{ device: 2, coalition: 0.5, global: 0.5 }],
    }),
    arm("local_only"),
  ],
  refusals: { stale: 2 },
  feed: [{ number: 1, round: 0, device: 1, event: "joined", code: null, count: 1 }],
});

describe("a recording", () => {
  it("is its frames, in order", () => {
    const frames = [frame(0), frame(10, { seq: 2, round: 1 }, { distances: { a: distances([1, 2], [0, 3]) } })];
    expect(parseRecording(textOf(...frames))).toEqual({ frames, cutOff: false });
  });

  it("may have fields, arms and frames at one time that this page knows nothing of", () => {
    const text = textOf({ ...frame(5), mood: "good" }, { ...frame(5), view: { ...full, weather: "fine" } });
    expect(parseRecording(text).frames.map(({ time_ms }) => time_ms)).toEqual([5, 5]);
  });

  it("may have empty lines, Windows' line ends, and none at its end", () => {
    const text = textOf(frame(0), frame(1)).trimEnd().replaceAll("\n", "\r\n\r\n");
    expect(parseRecording(text)).toMatchObject({ cutOff: false, frames: [{ time_ms: 0 }, { time_ms: 1 }] });
  });

  it("keeps once what frames have in common", () => {
    const { frames } = parseRecording(textOf({ time_ms: 0, view: full }, { time_ms: 1, view: { ...full, seq: 2 } }));
    expect(frames[1]?.view.arms).toBe(frames[0].view.arms);
  });
});

describe("a file whose end is missing", () => {
  const whole = textOf(frame(0), frame(1), frame(2));

  it("is shown up to its last whole frame, and said to be cut off", () => {
    for (const missing of [2, 20, JSON.stringify(frame(2)).length - 1]) {
      const found = parseRecording(whole.slice(0, -missing));
      expect(found).toMatchObject({ cutOff: true, frames: [{ time_ms: 0 }, { time_ms: 1 }] });
    }
    expect(parseRecording(whole.slice(0, -1)).frames).toHaveLength(3);
  });

  it("is said to be so where only its packing tells", () => {
    expect(parseRecording(textOf(frame(0)), true).cutOff).toBe(true);
  });

  it("is refused where no whole frame is left, or the broken line is not the last one", () => {
    expect(refusal(`${HEADER}\n{"time_ms":0,"vi`)).toEqual({ kind: "not_json", line: 2 });
    expect(refusal(`${HEADER}\n${JSON.stringify(frame(0))}\n{"time_ms":1,"vi\n`)).toEqual({
      kind: "not_json",
      line: 3,
    });
  });
});

describe("what is no recording", () => {
  it("is refused by its first line", () => {
    expect(refusal("")).toEqual({ kind: "empty" });
    expect(refusal("\n \n")).toEqual({ kind: "empty" });
    expect(refusal("arm,round,mean\r\nfed_avg,1,0.5")).toEqual({ kind: "not_json", line: 1 });
    for (const header of ["[]", "null", "7", '{"format":"other","version":1}', '{"format":"constellation-replay"}']) {
      expect(refusal(`${header}\n${JSON.stringify(frame(0))}`)).toEqual({ kind: "not_a_recording" });
    }
  });

  it("is refused where it is newer than the page", () => {
    const text = textOf(frame(0)).replace('"version":1', `"version":${VERSION + 1}`);
    expect(refusal(text)).toEqual({ kind: "newer", version: VERSION + 1, known: VERSION });
  });

  it("is refused where there is no frame", () => {
    expect(refusal(HEADER)).toEqual({ kind: "no_frames" });
  });
});

describe("a frame is refused with its line", () => {
  const second = (value: unknown) => refusal(textOf(frame(3), value));

  it("without a view or a time", () => {
    for (const value of [5, null, [], { time_ms: 4 }, { time_ms: 4, view: [] }]) {
      expect(second(value)).toEqual({ kind: "no_view", line: 3 });
    }
    for (const time_ms of [undefined, "4", null, -1]) {
      expect(second({ ...frame(4), time_ms })).toEqual({ kind: "no_time", line: 3 });
    }
  });

  it("earlier than the one before", () => {
    expect(second(frame(2.9))).toEqual({ kind: "out_of_order", line: 3 });
  });

  it("of another room or run", () => {
    expect(second(frame(4, { room: "ABCD" }))).toEqual({ kind: "other_run", line: 3 });
    expect(second(frame(4, { run: 2 }))).toEqual({ kind: "other_run", line: 3 });
  });

  it("with empty lines before it counted", () => {
    expect(refusal(`${HEADER}\n\n\n${JSON.stringify({ time_ms: 0 })}\n`)).toEqual({ kind: "no_view", line: 4 });
  });
});

/** Every way to take one thing out of a JSON value or to put another one in its place, with its path. */
function* spoilt(value: unknown, put: unknown, path = "view"): Generator<readonly [string, unknown]> {
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) {
    const inner = Reflect.get(value, key);
    const at = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    const replaced = (by: unknown) => (Array.isArray(value) ? value.with(Number(key), by) : { ...value, [key]: by });
    yield [at, replaced(put)];
    for (const [deeper, by] of spoilt(inner, put, at)) yield [deeper, replaced(by)];
  }
}

describe("a view from a file", () => {
  const check = (spoiltView: unknown) => refusal(textOf({ time_ms: 0, view: spoiltView }));
  /** What the board does not look into. */
  const ignored = /^view\.config\.(seed|model|training|pacing|encodings|arms\[|data\.(?!groups))/;

  it("is taken where all is well", () => {
    expect(parseRecording(textOf({ time_ms: 0, view: full })).frames).toHaveLength(1);
  });

  it("is refused with the field wherever one of them is missing or of another kind", () => {
    for (const put of [undefined, { no: "sense" }]) {
      const ways = [...spoilt(full, put)].filter(([path]) => !ignored.test(path));
      expect(ways.length).toBeGreaterThan(150);
      for (const [path, value] of ways) {
        // Any number of refusals may be missing, and a missing item of a list is null in JSON.
        if (put === undefined && path === "view.refusals.stale") continue;
        // Of an object, the first of its fields that is missing.
        const within = (field: string) => field === path || field.startsWith(`${path}.`);
        const found = check(value);
        expect([path, found]).toEqual([path, { kind: "wrong_field", line: 2, field: expect.toSatisfy(within) }]);
      }
    }
  });

  it("is refused where numbers would keep the page busy for ever, or names would break its pictures", () => {
    const groups = { count: 1e9, kind: "rotation" as const };
    const config = { ...full.config, data: { ...full.config.data, groups } };
    expect(check({ ...full, config })).toMatchObject({ field: "view.config.data.groups.count" });
    expect(check({ ...full, arms: [arm('a"]')] })).toMatchObject({ field: "view.arms[0].name" });
    expect(check({ ...full, devices: [device(1), device(1)] })).toMatchObject({ field: "view.devices" });
    expect(check({ ...full, phase: "constructor" })).toMatchObject({ field: "view.phase" });
    for (const kind of ["coalition_global", "coalition_models"]) {
      const forming = { name: "a", strategy: { kind } };
      expect(check({ ...full, config: { ...full.config, arms: [forming] } })).toMatchObject({
        field: "view.config.arms[0].strategy.formation",
      });
    }
  });

  it("has distances in as many rows as devices, or none", () => {
    const measured = distances([1, 2], [0, 3]);
    const check = (of: unknown) => refusal(textOf(frame(0, {}, { distances: of as NonNullable<Frame["distances"]> })));
    expect(check({ a: { ...measured, devices: [1] } })).toMatchObject({ field: "distances.a" });
    expect(check({ a: { ...measured, distances: [[0, 1], [1]] } })).toMatchObject({ field: "distances.a" });
    expect(check({ a: { ...measured, to_barycenter: undefined } })).toMatchObject({
      field: "distances.a.to_barycenter",
    });
    expect(check([])).toMatchObject({ field: "distances" });
  });
});

async function gzip(of: string | Uint8Array<ArrayBuffer>) {
  const packed = new Blob([of]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

describe("the bytes of a file", async () => {
  const text = textOf(
    ...Array.from({ length: 300 }, (_, i) => ({ time_ms: i, view: { ...full, seq: i, seed: i * i } })),
  );
  const plain = new TextEncoder().encode(`${text}\u00e9`);
  const zipped = await gzip(plain);
  const kindOf = (bytes: Uint8Array<ArrayBuffer>, most?: number) =>
    unpack(bytes, most).then(
      () => "taken",
      (error: unknown) => (error instanceof Unplayable ? error.refusal.kind : String(error)),
    );

  it("are the same plain and gzipped", async () => {
    expect(await unpack(plain)).toEqual({ text: `${text}\u00e9`, cut: false });
    expect(await unpack(zipped)).toEqual({ text: `${text}\u00e9`, cut: false });
    expect(await unpack(new Uint8Array())).toEqual({ text: "", cut: false });
  });

  it("that were gzipped and cut off give what was before", async () => {
    // Noise does not pack, so that there are many slices.
    const noisy = Array.from({ length: 20_000 }, (_, i) => `${Math.sin(i)}\n`).join("");
    const bytes = await gzip(noisy);
    const { text, cut } = await unpack(bytes.subarray(0, bytes.length - 40));
    expect(cut).toBe(true);
    expect(text.length).toBeGreaterThan(noisy.length / 2);
    expect(noisy.startsWith(text)).toBe(true);
  });

  it("that begin like gzip and are none are refused", async () => {
    expect(await kindOf(new Uint8Array([0x1f, 0x8b, 1, 2, 3, 4, 5]))).toBe("broken_gzip");
    expect(await kindOf(new Uint8Array([0x1f, 0x8b]))).toBe("broken_gzip");
  });

  it("are refused where they are too many, also those that a small file unpacks to", async () => {
    expect(await kindOf(plain, plain.length)).toBe("taken");
    expect(await kindOf(plain, plain.length - 1)).toBe("too_large");
    expect(zipped.length).toBeLessThan(plain.length / 10);
    expect(await kindOf(zipped, plain.length)).toBe("taken");
    expect(await kindOf(zipped, plain.length - 1)).toBe("too_large");
  });
});

describe("a refusal", () => {
  it("names the line, in both languages", () => {
    const refusals: Refusal[] = [
      { kind: "not_json", line: 7 },
      { kind: "no_view", line: 7 },
      { kind: "no_time", line: 7 },
      { kind: "wrong_field", line: 7, field: "view.seq" },
      { kind: "out_of_order", line: 7 },
      { kind: "other_run", line: 7 },
    ];
    for (const language of LANGUAGES) {
      setLanguage(language);
      for (const one of refusals) expect(refusalText(one)).toContain("7");
      expect(refusalText({ kind: "newer", version: 9, known: 1 })).toContain("9");
      expect(refusalText({ kind: "empty" })).toBe(strings.replay.refusals.empty);
      expect(refusalText({ kind: "too_large", most: 64 * 1024 * 1024 })).toContain("67");
    }
  });
});
