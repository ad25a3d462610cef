/** The board's state, and how each message changes it. Nothing here touches the page. */

import type { DeskCommand, JoinAddress, Notice } from "../lib/api";
import { share } from "../lib/share";
import { unreachable } from "../lib/store";
import { sameSettings } from "../settings/address";
import type { DeviceId, Distances, Memberships, Round, RunConfig, View } from "../types.gen";
import { type ArmDistances, noPast, type Past, sameRun, withClosedRound, withMemberships } from "./past";
import { beginSlow, followSlow, type Slow, slowNext } from "./slow";

export type Connection =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "lost"; readonly retryMs: number }
  | { readonly kind: "missing"; readonly notice: Notice };

/** Which of the two questions the accuracies answer. */
export type Question = "balanced" | "own";

/** The two pictures of the distances between devices' weights. */
export type Picture = "map" | "distances";

/** Who is in which coalition, in every round or now; what the arms cost; what happened to devices. */
export type Listing = "rounds" | "devices" | "traffic" | "feed";

export interface BoardState {
  readonly room: string;
  /** The token of whoever holds the desk. */
  readonly desk: string | null;
  readonly connection: Connection;
  readonly view: View | null;
  /** False until the first view of a connection, whose `seq` may be anything: the server may have been restarted. */
  readonly synced: boolean;
  /** The arm chosen for the map; `null` while nobody has chosen. */
  readonly arm: string | null;
  /** The arm pointed at in the curves. */
  readonly pointed: string | null;
  readonly question: Question;
  readonly picture: Picture;
  /** `null` while nobody has chosen. */
  readonly listing: Listing | null;
  /** The device pointed at in a picture. */
  readonly looked: DeviceId | null;
  readonly past: Past;
  /** The distances fetched last. */
  readonly distances: ArmDistances | null;
  /** The device that the desk is asked about before it is removed. */
  readonly removing: DeviceId | null;
  /** `null` while rounds follow each other as usual. */
  readonly slow: Slow | null;
  readonly answerShown: boolean;
  /** Devices that run in this tab. */
  readonly here: number;
  /** Whether the join panel is open; `null` while nobody has chosen. */
  readonly joinOpen: boolean | null;
  readonly settingsOpen: boolean;
  /** Whether the list of what can be saved is open. */
  readonly exportOpen: boolean;
  /** The settings in the form; `null` while they are those of the run. */
  readonly draft: RunConfig | null;
  readonly address: JoinAddress | null;
  /** A desk command is on its way. */
  readonly busy: boolean;
  /** What the server refused last. */
  readonly notice: Notice | null;
}

export type BoardMessage =
  | { readonly type: "connected" }
  | { readonly type: "view"; readonly view: View }
  | { readonly type: "lost"; readonly retryMs: number }
  | { readonly type: "missing"; readonly notice: Notice }
  | { readonly type: "address"; readonly address: JoinAddress }
  | { readonly type: "arm_chosen"; readonly arm: string }
  | { readonly type: "arm_pointed"; readonly arm: string | null }
  | { readonly type: "question_chosen"; readonly question: Question }
  | { readonly type: "picture_chosen"; readonly picture: Picture }
  | { readonly type: "listing_chosen"; readonly listing: Listing }
  | { readonly type: "device_looked"; readonly device: DeviceId | null }
  | { readonly type: "memberships"; readonly arm: string; readonly closed: Round; readonly answer: Memberships }
  | { readonly type: "distances"; readonly arm: string; readonly answer: Distances }
  | { readonly type: "remove_asked"; readonly device: DeviceId }
  | { readonly type: "remove_closed" }
  | { readonly type: "slow_begun" }
  | { readonly type: "slow_next" }
  | { readonly type: "slow_auto_toggled" }
  | { readonly type: "slow_left" }
  | { readonly type: "answer_toggled" }
  | { readonly type: "join_toggled" }
  | { readonly type: "here"; readonly running: number }
  | { readonly type: "settings_toggled" }
  | { readonly type: "export_toggled" }
  | { readonly type: "settings_changed"; readonly config: RunConfig }
  | { readonly type: "settings_discarded" }
  | { readonly type: "desk_sent" }
  | { readonly type: "desk_answered"; readonly command: DeskCommand["command"]; readonly view: View }
  | { readonly type: "desk_refused"; readonly notice: Notice };

export function initialBoard(room: string, desk: string | null): BoardState {
  return {
    room,
    desk,
    connection: { kind: "connecting" },
    view: null,
    synced: false,
    arm: null,
    pointed: null,
    question: "balanced",
    picture: "map",
    listing: null,
    looked: null,
    past: noPast,
    distances: null,
    removing: null,
    slow: null,
    answerShown: false,
    here: 0,
    joinOpen: null,
    settingsOpen: false,
    exportOpen: false,
    draft: null,
    address: null,
    busy: false,
    notice: null,
  };
}

export function reduceBoard(state: BoardState, message: BoardMessage): BoardState {
  switch (message.type) {
    case "connected":
      return { ...state, connection: { kind: "live" }, synced: false };
    case "view":
      return { ...withView(state, message.view), connection: { kind: "live" }, synced: true };
    case "lost":
      return { ...state, connection: { kind: "lost", retryMs: message.retryMs } };
    case "missing":
      return { ...state, connection: { kind: "missing", notice: message.notice } };
    case "address":
      return { ...state, address: message.address };
    case "arm_chosen":
      return { ...state, arm: message.arm };
    case "arm_pointed":
      return state.pointed === message.arm ? state : { ...state, pointed: message.arm };
    case "question_chosen":
      return { ...state, question: message.question };
    case "picture_chosen":
      return { ...state, picture: message.picture };
    case "listing_chosen":
      return { ...state, listing: message.listing };
    case "device_looked":
      return state.looked === message.device ? state : { ...state, looked: message.device };
    case "memberships":
      return { ...state, past: withMemberships(state.past, message.arm, message.closed, message.answer) };
    case "distances":
      return sameRun(state.past, message.answer)
        ? { ...state, distances: { arm: message.arm, ...message.answer } }
        : state;
    case "remove_asked":
      return { ...state, removing: message.device };
    case "remove_closed":
      return { ...state, removing: null };
    case "slow_begun":
      return state.view ? { ...state, slow: beginSlow(state.view), joinOpen: null } : state;
    case "slow_next":
      return state.slow && state.view ? { ...state, slow: slowNext(state.slow, state.view) } : state;
    case "slow_auto_toggled":
      return state.slow ? { ...state, slow: { ...state.slow, auto: !state.slow.auto } } : state;
    case "slow_left":
      return { ...state, slow: null };
    case "answer_toggled":
      return { ...state, answerShown: !state.answerShown };
    case "here":
      return { ...state, here: message.running };
    case "join_toggled":
      return { ...state, joinOpen: !joinShown(state) };
    case "settings_toggled":
      return { ...state, settingsOpen: !state.settingsOpen, exportOpen: false, notice: null };
    case "export_toggled":
      return { ...state, exportOpen: !state.exportOpen, settingsOpen: false };
    case "settings_changed":
      return { ...state, draft: unlessRunning(message.config, state.view), notice: null };
    case "settings_discarded":
      return { ...state, draft: null, notice: null };
    case "desk_sent":
      return { ...state, busy: true, notice: null };
    case "desk_answered":
      // With another run the form has done its work.
      return {
        ...withView(state, message.view),
        busy: false,
        settingsOpen: state.settingsOpen && message.command !== "configure",
      };
    case "desk_refused":
      return { ...state, busy: false, notice: message.notice };
    default:
      return unreachable(message);
  }
}

/** Takes a view unless a newer one is already shown: the answer to a desk command may overtake the feed. */
function withView(state: BoardState, sent: View): BoardState {
  if (state.view && state.synced && sent.seq <= state.view.seq) return state;
  const view = share(state.view, sent);
  const past = withClosedRound(state.past, view);
  const here = (device: DeviceId | null) => (view.devices.some(({ id }) => id === device) ? device : null);
  const leavesLobby = state.view?.phase === "lobby" && view.phase !== "lobby";
  // The join panel gives its place to the map when a run starts, however it was left in the lobby.
  return {
    ...state,
    view,
    past,
    slow: state.slow && followSlow(state.slow, state.view, view),
    distances: sameRun(state.past, view) ? state.distances : null,
    looked: here(state.looked),
    removing: here(state.removing),
    draft: unlessRunning(state.draft, view),
    joinOpen: leavesLobby ? null : state.joinOpen,
  };
}

function unlessRunning(draft: RunConfig | null, view: View | null): RunConfig | null {
  return draft && view && sameSettings(draft, view.config) ? null : draft;
}

/** The join panel is what a lobby is about; later it is there on demand. */
export function joinShown({ joinOpen, view, slow }: BoardState): boolean {
  return joinOpen ?? (view?.phase === "lobby" && slow === null);
}
