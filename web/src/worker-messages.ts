/** What a page and a device's worker say to each other. */

import type { DeviceEvent, Guess, Identity, Mischief, TableError } from "./types.gen";

/** Why a file was not taken: where it does not fit, or that the browser could not read it. */
export type FileRefusal = TableError | { readonly kind: "unread"; readonly detail: string };

export type ToWorker =
  | {
      readonly type: "join";
      readonly origin: string;
      readonly room: string;
      readonly name: string;
      /** Who the device was before a reload. */
      readonly identity: Identity | null;
    }
  /** What do the device's models take this image for? 28×28 pixels from 0 to 1, upright. */
  | { readonly type: "guess"; readonly pixels: Float32Array }
  /** The same image becomes a training example with this label. */
  | { readonly type: "teach"; readonly pixels: Float32Array; readonly label: number }
  /** A file for the table that the device wants. It goes no further than the worker. */
  | { readonly type: "table"; readonly file: ArrayBuffer }
  /** Be difficult in this way from the next round on, or honest. */
  | { readonly type: "misbehave"; readonly mischief: Mischief | null }
  | { readonly type: "leave" };

/** The device's own events, what it answers to the page, and the one thing it cannot say itself: that it never started. */
export type FromWorker =
  | DeviceEvent
  /** Answers come in the order of the questions; none while the device is not ready. */
  | { readonly type: "guessed"; readonly guess: Guess | null }
  /** The example was taken, or why not. */
  | { readonly type: "taught"; readonly label: number; readonly refusal: string | null }
  /** The table was taken, or why it does not fit. */
  | { readonly type: "table_read"; readonly refusal: FileRefusal | null }
  | { readonly type: "failed"; readonly detail: string };
