/** The devices of one tab, and how each message changes them. Nothing here touches the page or a worker. */

import type { Notice } from "../lib/api";
import { unreachable } from "../lib/store";
import type { CoalitionId, DeviceView, Identity, Samples } from "../types.gen";
import type { FromWorker } from "../worker-messages";

/** A device within this tab, known by a number of the tab's own before the server has named it. */
export interface TabDevice {
  readonly key: number;
  readonly identity: Identity | null;
  readonly view: DeviceView | null;
  readonly samples: Samples | null;
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
}

export type TabMessage =
  | { readonly type: "started"; readonly key: number; readonly identity: Identity | null }
  | { readonly type: "event"; readonly key: number; readonly event: FromWorker }
  | { readonly type: "shown"; readonly key: number };

/** Devices that one tab can hold. */
export const MOST_DEVICES = 20;

const REFUSALS_KEPT = 5;

export const initialTab = (room: string): TabState => ({ room, devices: [], shown: null, farewell: null });

export function reduceTab(state: TabState, message: TabMessage): TabState {
  switch (message.type) {
    case "started": {
      const { key, identity } = message;
      const device = {
        key,
        identity,
        view: null,
        samples: null,
        online: false,
        trouble: "",
        refusals: [],
        failed: null,
      };
      return { ...state, devices: [...state.devices, device], shown: key, farewell: null };
    }
    case "event":
      return message.event.type === "left"
        ? withoutDevice(state, message.key, { code: message.event.code, detail: message.event.reason })
        : withDevice(state, message.key, (device) => reduceDevice(device, message.event));
    case "shown":
      return { ...state, shown: message.key };
    default:
      return unreachable(message);
  }
}

function reduceDevice(device: TabDevice, event: FromWorker): TabDevice {
  switch (event.type) {
    case "joined":
      return { ...device, identity: event.identity };
    case "view":
      return { ...device, view: event.view };
    case "samples":
      return { ...device, samples: event.samples };
    case "refused":
      return { ...device, refusals: withRefusal(device.refusals, event.code, event.detail) };
    case "connection":
      return { ...device, online: event.online, trouble: event.online ? "" : event.detail };
    case "failed":
      return { ...device, failed: event.detail };
    case "left":
      return device;
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
