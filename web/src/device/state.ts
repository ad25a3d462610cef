/** The devices of one tab, and how each message changes them. Nothing here touches the page or a worker. */

import type { Notice } from "../lib/api";
import { unreachable } from "../lib/store";
import type { CoalitionId, DeviceView, Identity, Samples, SentFile, TableConfig } from "../types.gen";
import type { FileRefusal, FromWorker } from "../worker-messages";
import { type DrawMessage, type DrawState, noDrawing, reduceDraw, withExample } from "./draw-state";

/** A device within this tab, known by a number of the tab's own before the server has named it. */
export interface TabDevice {
  readonly key: number;
  readonly identity: Identity | null;
  readonly view: DeviceView | null;
  readonly samples: Samples | null;
  /** The last update that left it. */
  readonly sent: SentFile | null;
  /** What its table's rows hold, in a run that wants one. */
  readonly table: TableConfig | null;
  /** The file that it was given last, and why it does not fit; `null` while it is read, and once it does. */
  readonly file: { readonly name: string; readonly refusal: FileRefusal | null } | null;
  readonly online: boolean;
  /** What is wrong with the connection, while something is. */
  readonly trouble: string;
  /** The latest first. */
  readonly refusals: readonly Refusal[];
  /** Why it never started. */
  readonly failed: string | null;
}

export interface Refusal {
  readonly code: string;
  readonly detail: string;
  /** How often in a row. */
  readonly times: number;
}

export interface TabState {
  readonly room: string;
  readonly devices: readonly TabDevice[];
  /** Key of the device that is shown. */
  readonly shown: number | null;
  /** Why the last device that went is gone. */
  readonly farewell: Notice | null;
  /** One drawing, which whichever device is shown is asked about. */
  readonly draw: DrawState;
}

export type TabMessage =
  | { readonly type: "started"; readonly key: number; readonly identity: Identity | null }
  | { readonly type: "event"; readonly key: number; readonly event: FromWorker }
  | { readonly type: "shown"; readonly key: number }
  | { readonly type: "draw"; readonly message: DrawMessage }
  /** A device was given a file. */
  | { readonly type: "file"; readonly key: number; readonly name: string }
  /** The drawing gives way to one of the shown device's own images. */
  | { readonly type: "example" };

/** Devices that one tab can hold. */
export const MOST_DEVICES = 20;

const REFUSALS_KEPT = 5;

export const initialTab = (room: string): TabState => ({
  room,
  devices: [],
  shown: null,
  farewell: null,
  draw: noDrawing,
});

export function reduceTab(state: TabState, message: TabMessage): TabState {
  const next = reduce(state, message);
  // What one device said of the drawing says nothing of another.
  return next.shown === state.shown ? next : { ...next, draw: { ...next.draw, guess: null, lesson: null } };
}

function reduce(state: TabState, message: TabMessage): TabState {
  switch (message.type) {
    case "started": {
      const { key, identity } = message;
      const device = {
        key,
        identity,
        view: null,
        samples: null,
        sent: null,
        table: null,
        file: null,
        online: false,
        trouble: "",
        refusals: [],
        failed: null,
      };
      return { ...state, devices: [...state.devices, device], shown: key, farewell: null };
    }
    case "event":
      return heard(state, message.key, message.event);
    case "shown":
      return { ...state, shown: message.key };
    case "file":
      return withDevice(state, message.key, (device) => ({ ...device, file: { name: message.name, refusal: null } }));
    case "draw":
      return { ...state, draw: reduceDraw(state.draw, message.message) };
    case "example": {
      const samples = shownDevice(state)?.samples;
      return samples ? { ...state, draw: withExample(state.draw, samples) } : state;
    }
    default:
      return unreachable(message);
  }
}

export function shownDevice({ devices, shown }: TabState): TabDevice | undefined {
  return devices.find(({ key }) => key === shown);
}

function heard(state: TabState, key: number, event: FromWorker): TabState {
  switch (event.type) {
    case "left":
      return withoutDevice(state, key, { code: event.code, detail: event.reason });
    case "guessed": {
      const { draw } = state;
      const isOfDrawing = key === state.shown && (draw.strokes.length > 0 || draw.example !== null);
      return isOfDrawing ? { ...state, draw: { ...draw, guess: event.guess } } : state;
    }
    case "taught": {
      const { label, refusal } = event;
      const { draw } = state;
      // The pen has moved on: what is on the pad now has not been taught.
      if (key !== state.shown || draw.lesson === null) return state;
      const lesson =
        refusal === null
          ? { outcome: "taken" as const, label }
          : { outcome: "refused" as const, label, detail: refusal };
      return { ...state, draw: { ...draw, lesson } };
    }
    default:
      return withDevice(state, key, (device) => reduceDevice(device, event));
  }
}

/** What happens to a device itself, and not to what is drawn on it. */
type DeviceNews = Exclude<FromWorker, { readonly type: "left" | "guessed" | "taught" }>;

function reduceDevice(device: TabDevice, event: DeviceNews): TabDevice {
  switch (event.type) {
    case "joined":
      return { ...device, identity: event.identity };
    case "view":
      return { ...device, view: event.view };
    case "samples":
      return { ...device, samples: event.samples };
    case "sent":
      return { ...device, sent: event.file };
    case "table_wanted":
      return { ...device, table: event.table, file: null };
    case "table_read":
      return { ...device, file: device.file && { ...device.file, refusal: event.refusal } };
    case "refused":
      return { ...device, refusals: withRefusal(device.refusals, event.code, event.detail) };
    case "connection":
      return { ...device, online: event.online, trouble: event.online ? "" : event.detail };
    case "failed":
      return { ...device, failed: event.detail };
    default:
      return unreachable(event);
  }
}

function withRefusal(refusals: readonly Refusal[], code: string, detail: string): Refusal[] {
  const [latest, ...older] = refusals;
  if (latest && latest.code === code && latest.detail === detail) {
    return [{ ...latest, times: latest.times + 1 }, ...older];
  }
  return [{ code, detail, times: 1 }, ...refusals].slice(0, REFUSALS_KEPT);
}

function withDevice(state: TabState, key: number, change: (device: TabDevice) => TabDevice): TabState {
  return { ...state, devices: state.devices.map((device) => (device.key === key ? change(device) : device)) };
}

function withoutDevice(state: TabState, key: number, farewell: Notice): TabState {
  const devices = state.devices.filter((device) => device.key !== key);
  const shown = state.shown === key ? (devices.at(-1)?.key ?? null) : state.shown;
  return { ...state, devices, shown, farewell };
}

/** What a reload needs to bring the same devices back. */
export function identities({ devices }: TabState): Identity[] {
  return devices.flatMap(({ identity }) => identity ?? []);
}

/** The coalition a device is shown with: that of the arm where grouping pays, else of the last arm that has some. */
export function coalitionShown(view: DeviceView | null): CoalitionId | null {
  const arms = view?.arms ?? [];
  const models = arms.find(({ name }) => name === "coalition_models")?.coalition;
  return models ?? arms.findLast(({ coalition }) => coalition !== null)?.coalition ?? null;
}
