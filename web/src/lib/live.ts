/** The live feed of a room. It comes back by itself, less and less hastily, and says when the server is gone. */

export type LiveEvent =
  | { readonly type: "connected" }
  | { readonly type: "message"; readonly text: string }
  | { readonly type: "lost"; readonly retryMs: number };

interface Deps {
  open(url: string): WebSocket;
  later(callback: () => void, ms: number): void;
}

const browser: Deps = {
  open: (url) => new WebSocket(url),
  later: (callback, ms) => void setTimeout(callback, ms),
};

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 8000;

export function retryMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);
}

/** Returns a function that ends it. */
export function follow(url: string, onEvent: (event: LiveEvent) => void, deps: Deps = browser): () => void {
  let failures = 0;
  let ended = false;
  let socket: WebSocket;
  const connect = () => {
    if (ended) return;
    socket = deps.open(url);
    socket.onopen = () => onEvent({ type: "connected" });
    socket.onmessage = ({ data }) => {
      // Only a feed that speaks is a good one: a server that accepts and hangs up must not be stormed.
      failures = 0;
      onEvent({ type: "message", text: String(data) });
    };
    socket.onclose = () => {
      if (ended) return;
      failures++;
      const wait = retryMs(failures);
      onEvent({ type: "lost", retryMs: wait });
      deps.later(connect, wait);
    };
  };
  connect();
  return () => {
    ended = true;
    socket.close();
  };
}
