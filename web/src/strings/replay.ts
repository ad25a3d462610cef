/** The page that plays recordings, in English. */

import { bytes, whole } from "../lib/format";
import type { Refusal } from "../replay/recording";
import type { RunName } from "../replay/runs";
import type { Phase } from "../types.gen";

/** What is said of each kind of file that is not played. */
export type RefusalWords = {
  readonly [Kind in Refusal["kind"]]: string | ((refusal: Extract<Refusal, { readonly kind: Kind }>) => string);
};

const refusals = {
  too_large: ({ most }) => `It is larger than ${bytes(most)}. A shorter run makes a smaller one.`,
  unread: ({ detail }) => `The browser could not read it: ${detail}`,
  not_found: "This server does not have it, or does not answer. Is it still running?",
  empty: "The file is empty. Save the run again.",
  broken_gzip: "The file begins like a gzipped one and cannot be unpacked. Copy or save it again.",
  not_json: ({ line }) =>
    `Line ${line}: this is no JSON. A recording is a text of JSON lines, plain or gzipped; open it as it was saved.`,
  not_a_recording:
    "Line 1: the file does not say that it is a recording. On a board's list Save, it is the one called Recording.",
  newer: ({ version, known }) =>
    `Line 1: the recording has version ${version}, and this page knows versions up to ${known}. Open it on a newer server.`,
  no_frames: "The file holds no frame: nothing had been recorded when it was saved.",
  no_time: ({ line }) => `Line ${line}: the frame does not say when it was (time_ms). Save the run again.`,
  no_view: ({ line }) => `Line ${line}: the frame has no view of the room. Save the run again.`,
  wrong_field: ({ line, field }) =>
    `Line ${line}: ${field} is missing or is not what it should be. Save the run again, and open the file unchanged.`,
  out_of_order: ({ line }) =>
    `Line ${line}: the frame is earlier than the one before. Put the lines in order of time_ms.`,
  other_run: ({ line }) => `Line ${line}: here begins another run. Put each run into a file of its own.`,
} satisfies RefusalWords;

export const replay = {
  link: "Watch a recorded run",
  pageTitle: "Recorded run, Constellation",
  title: "Watch a recorded run",
  what: "A run as its board showed it, without a room and without devices: play it, stop it, go back.",
  runs: {
    "why-averaging-fails": {
      name: "Why averaging fails",
      what: "Four hidden groups call the digits by each other's names. Look at the curves: the one mean model stays behind what each device learns alone, and far behind one model per group.",
    },
    "coalitions-find-the-groups": {
      name: "Coalitions find the groups",
      what: "Four hidden groups see digits turned. Look at the map: devices gather by their weights alone. Then press “Show the answer”.",
    },
    "an-attacker": {
      name: "An attacker",
      what: "From round 9 on one of twelve devices adds noise to its weights. Look at its jagged ring on the map, and at which arms' curves fall.",
    },
  } satisfies Record<RunName, { name: string; what: string }>,
  watch: "Watch",
  watchRun: (name: string) => `Watch: ${name}`,
  choose: "Open a recording",
  drop: "or drop it anywhere on this page.",
  dropHere: "Drop the recording to watch it",
  fileHint: "The file that Save on a board gives: constellation-….replay.jsonl, also gzipped.",
  stays: "The file is read in this page and never uploaded.",
  reading: (name: string) => `Reading ${name}…`,
  refused: (name: string) => `${name} cannot be played.`,
  refusals,
  cutOff: (frames: number) =>
    `The end of this file is missing: its last line is cut off. What you see is the ${whole(frames)} whole ${frames === 1 ? "frame" : "frames"} before it.`,
  recorded: "Recorded:",
  other: "Open another run",
  player: "Player",
  play: "Play",
  pause: "Pause",
  back: "One frame back",
  forward: "One frame forward",
  place: "Place in the recording",
  time: "Time",
  speed: "Speed",
  doing: {
    lobby: "devices gather",
    waiting: "waiting for devices",
    training: "training",
    resting: "closed",
    paused: "paused",
    evaluating: "last measurement",
    finished: "finished",
  } satisfies Record<Phase, string>,
  at: (round: number, rounds: number, doing: string) =>
    round === 0 ? `before round 1, ${doing}` : `round ${round} of ${rounds}, ${doing}`,
};
