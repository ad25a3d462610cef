import "../styles/base.css";
import "../styles/marks.css";
import "../styles/board.css";
import "../styles/board-map.css";
import "../styles/board-panels.css";
import "../styles/board-events.css";
import "../styles/board-sizes.css";
import "../styles/replay.css";
import { render } from "lit";
import { createStore } from "../lib/store";
import { strings } from "../strings";
import { startPreferences } from "../ui/preferences";
import { fromAddress, searchOf } from "./address";
import { meaning } from "./keys";
import { Pace } from "./pace";
import { replayPage } from "./page";
import { parseRecording, Unplayable } from "./recording";
import { type RunName, runUrl } from "./runs";
import { filmOf, initialReplay, type ReplayState, reduceReplay } from "./state";
import { MOST_BYTES, unpack } from "./unpack";

/** Browsers stop pages that change their address too often. */
const ADDRESS_MS = 300;

const asked = fromAddress(location.search);
const pace = new Pace(() => store.dispatch({ type: "due" }));
const open = { file: openFile, run: (name: RunName) => openRun(name, 0, true) };

const store = createStore(initialReplay(asked.chosen), reduceReplay, (state) => {
  const { classList } = document.body;
  classList.toggle("board", state.film !== null);
  classList.toggle("cut", state.film?.recording.cutOff === true);
  render(replayPage(state, open, store.dispatch), document.body);
  pace.look(state);
  writeAddress(state);
});

startPreferences(() => {
  document.title = strings.replay.pageTitle;
  store.redraw();
});

/** Whoever opens a recording wants to see it play, unless motion is unwelcome; a link shows the place it points to. */
function playsAtOnce(): boolean {
  return !matchMedia("(prefers-reduced-motion: reduce)").matches;
}

async function openRun(run: RunName, frame: number, play: boolean) {
  await read(strings.replay.runs[run].name, run, frame, play, async () => {
    const response = await fetch(runUrl(run)).catch(() => null);
    if (!response?.ok) throw new Unplayable({ kind: "not_found" });
    return response.blob();
  });
}

async function openFile(file: File) {
  await read(file.name, null, 0, true, async () => file);
}

let newest = 0;

/** Opens what is asked for last. Nothing of a file leaves this page. */
async function read(name: string, run: RunName | null, frame: number, play: boolean, content: () => Promise<Blob>) {
  const mine = ++newest;
  store.dispatch({ type: "reading", name });
  try {
    const recording = await recordingOf(await content());
    if (mine !== newest) return;
    const film = filmOf(recording, run ? null : name, run);
    store.dispatch({ type: "opened", film, frame, play: play && playsAtOnce() });
  } catch (error) {
    if (mine !== newest) return;
    store.dispatch({ type: "refused", name, refusal: refusalOf(error) });
  }
}

async function recordingOf(content: Blob) {
  if (content.size > MOST_BYTES) throw new Unplayable({ kind: "too_large", most: MOST_BYTES });
  const { text, cut } = await unpack(new Uint8Array(await content.arrayBuffer()));
  return parseRecording(text, cut);
}

function refusalOf(error: unknown) {
  if (error instanceof Unplayable) return error.refusal;
  // A file may be gone, or forbidden, by the time it is read.
  if (error instanceof DOMException) return { kind: "unread" as const, detail: error.message };
  throw error;
}

let writing = 0;

/** Once things have come to rest: a place that is linked to is one that somebody has looked at. */
function writeAddress(state: ReplayState) {
  clearTimeout(writing);
  if (state.playing || state.reading !== null) return;
  writing = window.setTimeout(() => {
    const search = searchOf(store.state, location.search);
    if (search !== location.search) history.replaceState(history.state, "", location.pathname + search);
  }, ADDRESS_MS);
}

document.addEventListener("keydown", (event) => {
  const { target, key, altKey, ctrlKey, metaKey } = event;
  if (event.defaultPrevented || !store.state.film) return;
  const within = (selector: string) => target instanceof Element && target.closest(selector) !== null;
  const message = meaning({ key, modified: altKey || ctrlKey || metaKey, within });
  if (!message) return;
  event.preventDefault();
  store.dispatch(message);
});

const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
const dropping = (shown: boolean) => document.documentElement.classList.toggle("dropping", shown);

addEventListener("dragover", (event) => {
  if (!hasFile(event)) return;
  event.preventDefault();
  dropping(true);
});
addEventListener("dragleave", (event) => event.relatedTarget === null && dropping(false));
addEventListener("drop", (event) => {
  if (!hasFile(event)) return;
  event.preventDefault();
  dropping(false);
  const [file] = event.dataTransfer?.files ?? [];
  if (file) void openFile(file);
});

if (asked.run) void openRun(asked.run, asked.frame, false);
