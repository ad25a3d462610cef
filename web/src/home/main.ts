import "../styles/base.css";
import "../styles/marks.css";
import "../styles/home.css";
import { render } from "lit";
import { Refused, startRoom } from "../lib/api";
import { normalCode } from "../lib/room";
import { createStore } from "../lib/store";
import { strings } from "../strings";
import { homePage } from "./page";
import { initialHome, reduceHome } from "./state";

const store = createStore(initialHome, reduceHome, (state) => render(homePage(state, { start, join }), document.body));

async function start() {
  store.dispatch({ type: "start_sent" });
  try {
    const { room, desk_token } = await startRoom();
    location.assign(`/board/${room}#desk=${encodeURIComponent(desk_token)}`);
  } catch (error) {
    const detail = error instanceof Refused ? error.message : strings.home.noServer;
    store.dispatch({ type: "refused", detail });
  }
}

function join(text: string) {
  const code = normalCode(text);
  if (code) location.assign(`/join/${code}`);
  else store.dispatch({ type: "refused", detail: strings.home.noCode });
}

// The browser may bring this page back as it was left: waiting for a room.
addEventListener("pageshow", (event) => event.persisted && store.dispatch({ type: "came_back" }));
