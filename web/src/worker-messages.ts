/** What a page and a device's worker say to each other. */

import type { DeviceEvent, Identity } from "./types.gen";

export type ToWorker =
  | {
      readonly type: "join";
      readonly origin: string;
      readonly room: string;
      readonly name: string;
      /** Who the device was before a reload. */
      readonly identity: Identity | null;
    }
  | { readonly type: "leave" };

/** The device's own events, and the one thing it cannot say itself: that it never started. */
export type FromWorker = DeviceEvent | { readonly type: "failed"; readonly detail: string };
