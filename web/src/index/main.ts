import "../styles/base.css";
import "../styles/marks.css";
import "../styles/home.css";
import { render } from "lit";
import { noticeOf, startRoom } from "../lib/api";
import { normalCode } from "../lib/room";
import { createStore } from "../lib/store";
import { decodeSettings, encodeSettings } from "../settings/address";
import { strings } from "../strings";
import { startPreferences } from "../ui/preferences";
import { homePage } from "./page";
import { initialHome, reduceHome } from "./state";

const config = decodeSettings(new URLSearchParams(location.search));
const asked = encodeSettings(config).length;

const store = createStore(initialHome, reduceHome, (state) =>
  render(homePage(state, asked, { start, join }), document.body),
);

startPreferences(() => {
  document.title = strings.product;
  store.redraw();
});

async function start() {
  store.dispatch({ type: "start_sent" });
  try {
    const { room, desk_token } = await startRoom(config);
    location.assign(`/board/${room}#desk=${encodeURIComponent(desk_token)}`);
  } catch (error) {
    store.dispatch({ type: "refused", notice: noticeOf(error) });
  }
}

function join(text: string) {
  const code = normalCode(text);
  if (code) location.assign(`/join/${code}`);
  else store.dispatch({ type: "refused", notice: { code: "no_code", detail: "" } });
}

// The browser may bring this page back as it was left: waiting for a room.
addEventListener("pageshow", (event) => event.persisted && store.dispatch({ type: "came_back" }));
