import "../styles/base.css";
import "../styles/marks.css";
import "../styles/device.css";
import "../styles/device-card.css";
import "../styles/device-draw.css";
import "../styles/device-mischief.css";
import "../styles/device-table.css";
import { render } from "lit";
import { roomOf } from "../lib/room";
import { loadIdentities, saveIdentities, tabStorage } from "../lib/storage";
import { createStore } from "../lib/store";
import { strings } from "../strings";
import type { Identity } from "../types.gen";
import { startPreferences } from "../ui/preferences";
import type { FromWorker, ToWorker } from "../worker-messages";
import { answerClaims, openChannel, unclaimed } from "./claims";
import { imageOf } from "./draw-state";
import { exampleOf } from "./example";
import { type TabActions, tabPage } from "./page";
import { createQuestions } from "./questions";
import { identities, initialTab, MOST_DEVICES, reduceTab } from "./state";

const room = roomOf(location.pathname);
const keep = tabStorage();

const workers = new Map<number, Worker>();
let lastKey = 0;

const questions = createQuestions((key, pixels) => sendTo(key, { type: "guess", pixels }));

const actions: TabActions = {
  add: () => start(null),
  leave,
  show: (key) => store.dispatch({ type: "shown", key }),
  misbehave: (mischief) => {
    const { shown } = store.state;
    if (shown !== null) sendTo(shown, { type: "misbehave", mischief });
  },
  table: { read: readTable, example: readExample },
  draw: {
    penDown: (at) => store.dispatch({ type: "draw", message: { type: "pen_down", at } }),
    penMoved: (at) => store.dispatch({ type: "draw", message: { type: "pen_moved", at } }),
    clear: () => store.dispatch({ type: "draw", message: { type: "cleared" } }),
    example: () => store.dispatch({ type: "example" }),
    teach,
  },
};

const store = createStore(initialTab(room), reduceTab, (state) => {
  render(tabPage(state, actions), document.body);
  questions.look(state);
});

startPreferences(() => {
  document.title = strings.device.pageTitle(room);
  store.redraw();
});

function start(identity: Identity | null) {
  if (workers.size >= MOST_DEVICES) return;
  const key = ++lastKey;
  const worker = new Worker(new URL("../worker.ts", import.meta.url), { type: "module" });
  workers.set(key, worker);
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => hear(key, data);
  worker.onerror = ({ message }) => hear(key, { type: "failed", detail: message });
  store.dispatch({ type: "started", key, identity });
  // An empty name lets the server choose one.
  send(worker, { type: "join", origin: location.origin, room, name: "", identity });
}

function hear(key: number, event: FromWorker) {
  if (!workers.has(key)) return;
  if (event.type === "guessed") questions.answered(key);
  store.dispatch({ type: "event", key, event });
  if (event.type === "left") {
    workers.get(key)?.terminate();
    workers.delete(key);
  }
  if (event.type === "joined" || event.type === "left") saveIdentities(keep, room, identities(store.state));
}

function leave(key: number) {
  const worker = workers.get(key);
  const device = store.state.devices.find((candidate) => candidate.key === key);
  if (!worker || !device) return;
  // A device that never started has nobody to say goodbye to.
  if (device.failed === null) send(worker, { type: "leave" });
  else hear(key, { type: "left", code: "left_unstarted", reason: "" });
}

function teach(label: number) {
  const { draw, shown } = store.state;
  const pixels = imageOf(draw);
  if (!pixels || shown === null) return;
  store.dispatch({ type: "draw", message: { type: "teaching", label } });
  sendTo(shown, { type: "teach", pixels, label });
}

async function readTable(key: number, name: string, content: Promise<ArrayBuffer>) {
  store.dispatch({ type: "file", key, name });
  try {
    sendTo(key, { type: "table", file: await content });
  } catch (error: unknown) {
    hear(key, { type: "table_read", refusal: { kind: "unread", detail: String(error) } });
  }
}

function readExample(key: number, slot: number) {
  const { name, address } = exampleOf(slot);
  void readTable(
    key,
    name,
    fetch(address).then((response) => response.arrayBuffer()),
  );
}

function sendTo(key: number, message: ToWorker) {
  const worker = workers.get(key);
  if (worker) send(worker, message);
}

const send = (worker: Worker, message: ToWorker) => worker.postMessage(message);

async function begin() {
  const channel = openChannel(room);
  const mine = await unclaimed(channel, loadIdentities(keep, room));
  answerClaims(channel, () => identities(store.state));
  for (const identity of mine) start(identity);
  if (mine.length === 0) start(null);
}

void begin();
