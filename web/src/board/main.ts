import "../styles/base.css";
import "../styles/marks.css";
import "../styles/board.css";
import "../styles/board-map.css";
import "../styles/board-panels.css";
import "../styles/desk.css";
import "../styles/settings.css";
import "../styles/board-events.css";
import "../styles/board-slow.css";
import "../styles/board-export.css";
import "../styles/board-sizes.css";
import { render } from "lit";
import { desk, joinAddress, liveUrl, noticeOf, Refused, readDistances, readMemberships, readRoom } from "../lib/api";
import { follow } from "../lib/live";
import { roomOf } from "../lib/room";
import { deskToken, tabStorage } from "../lib/storage";
import { createStore } from "../lib/store";
import { firstWrong } from "../settings/description";
import { reveal } from "../settings/panel";
import { strings } from "../strings";
import type { View } from "../types.gen";
import { startPreferences } from "../ui/preferences";
import type { Actions } from "./actions";
import { fromAddress, searchOf } from "./address";
import { runHere } from "./here";
import { boardPage } from "./page";
import { canGoOn, firstCommand, slowAllowed } from "./slow";
import { SlowPace } from "./slow-pace";
import { type BoardState, initialBoard, reduceBoard } from "./state";
import { Asking, type Wanted } from "./wanted";

const room = roomOf(location.pathname);
const token = deskToken(tabStorage(), room, location.hash);
const pace = new SlowPace(() => actions.slow.next());
const asking = new Asking((wanted) => void ask(wanted));

const store = createStore(fromAddress(initialBoard(room, token), location.search), reduceBoard, (state) => {
  render(boardPage(state, actions), document.body);
  asking.look(state);
  writeAddress(state);
  pace.look(state);
});

/** Keeps the fragment, in which the desk's token may be, as it is. */
function writeAddress(state: BoardState) {
  const search = searchOf(state, location.search);
  if (search !== location.search) history.replaceState(history.state, "", location.pathname + search + location.hash);
}

startPreferences(() => {
  document.title = strings.board.pageTitle(room);
  store.redraw();
});

const settings = () => store.state.draft ?? store.state.view?.config ?? null;

const actions: Actions = {
  dispatch: (message) => store.dispatch(message),
  changeSettings: (edit) => {
    const config = settings();
    if (config) store.dispatch({ type: "settings_changed", config: edit(config) });
  },
  applySettings: () => {
    const config = settings();
    const wrong = config && firstWrong(config);
    if (wrong) reveal(wrong);
    else if (config) actions.desk({ command: "configure", config });
  },
  desk: (command) => {
    if (!token || store.state.busy) return;
    store.dispatch({ type: "desk_sent" });
    desk(room, token, command).then(
      (view) => store.dispatch({ type: "desk_answered", command: command.command, view }),
      (error: unknown) => {
        const notice = noticeOf(error);
        store.dispatch({ type: "desk_refused", notice });
        // Where the form has drawn what was refused.
        if (notice.field) requestAnimationFrame(() => reveal(notice.field ?? ""));
      },
    );
  },
  runHere: () => runHere(room, (running) => store.dispatch({ type: "here", running })),
  slow: {
    begin() {
      const { view, busy } = store.state;
      if (!view || busy || !slowAllowed(view)) return;
      store.dispatch({ type: "slow_begun" });
      actions.desk({ command: firstCommand(view) });
    },
    next() {
      const { view, slow, busy } = store.state;
      if (!view || !slow || busy || !canGoOn(slow, view)) return;
      store.dispatch({ type: "slow_next" });
      if (slow.phase === "global") actions.desk({ command: "step" });
    },
    leave() {
      const { view } = store.state;
      store.dispatch({ type: "slow_left" });
      if (view && slowAllowed(view)) actions.desk({ command: "start" });
    },
  },
};

const unfollow = follow(liveUrl(room, location), (event) => {
  if (event.type === "message") store.dispatch({ type: "view", view: JSON.parse(event.text) as View });
  else store.dispatch(event);
  if (event.type === "connected") asking.forget();
  if (event.type === "lost") void lookForRoom();
  if (event.type === "connected" && !store.state.address) void loadAddress();
});

/** A feed ends when the server is away and also when it no longer knows the room; only asking tells which. */
async function lookForRoom() {
  try {
    await readRoom(room);
  } catch (error) {
    if (!(error instanceof Refused && error.status === 404)) return;
    unfollow();
    store.dispatch({ type: "missing", notice: noticeOf(error) });
  }
}

/**
 * What a board asks for on the side may fail: the arm may be gone with its run, and a lost server is said elsewhere. An
 * answer that breaks off is a TypeError or, in Firefox, a DOMException.
 */
async function ask({ kind, arm, closed, after }: Wanted) {
  try {
    if (kind === "memberships") {
      const answer = await readMemberships(room, arm, after);
      store.dispatch({ type: "memberships", arm, closed, answer });
    } else {
      store.dispatch({ type: "distances", arm, answer: await readDistances(room, arm) });
    }
  } catch (error) {
    const isLost = error instanceof TypeError || error instanceof DOMException;
    if (!(error instanceof Refused || isLost)) throw error;
  }
}

async function loadAddress() {
  try {
    store.dispatch({ type: "address", address: await joinAddress(room) });
  } catch (error) {
    store.dispatch({ type: "desk_refused", notice: noticeOf(error) });
  }
}
