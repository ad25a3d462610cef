import "../styles/base.css";
import "../styles/marks.css";
import "../styles/device.css";
import "../styles/device-card.css";
import { render } from "lit";
import { roomOf } from "../lib/room";
import { loadIdentities, saveIdentities, tabStorage } from "../lib/storage";
import { createStore } from "../lib/store";
import { strings } from "../strings";
import type { Identity } from "../types.gen";
import { startPreferences } from "../ui/preferences";
import type { FromWorker, ToWorker } from "../worker-messages";
import { answerClaims, openChannel, unclaimed } from "./claims";
import { tabPage } from "./page";
import { identities, initialTab, MOST_DEVICES, reduceTab } from "./state";

const room = roomOf(location.pathname);
const keep = tabStorage();

const workers = new Map<number, Worker>();
let lastKey = 0;

const store = createStore(initialTab(room), reduceTab, (state) =>
  render(
    tabPage(state, {
      add: () => start(null),
      leave,
      show: (key) => store.dispatch({ type: "shown", key }),
    }),
    document.body,
  ),
);

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

const send = (worker: Worker, message: ToWorker) => worker.postMessage(message);

async function begin() {
  const channel = openChannel(room);
  const mine = await unclaimed(channel, loadIdentities(keep, room));
  answerClaims(channel, () => identities(store.state));
  for (const identity of mine) start(identity);
  if (mine.length === 0) start(null);
}

void begin();
