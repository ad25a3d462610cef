import { expect, it } from "vitest";
import { follow, type LiveEvent, retryMs } from "../src/lib/live";

class FakeSocket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  closed = false;
  close() {
    this.closed = true;
    this.onclose?.();
  }
}

function harness() {
  const sockets: FakeSocket[] = [];
  const waits: number[] = [];
  const pending: (() => void)[] = [];
  const events: LiveEvent[] = [];
  const end = follow("ws://x", (event) => events.push(event), {
    open: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
    later: (callback, ms) => {
      waits.push(ms);
      pending.push(callback);
    },
  });
  return { sockets, waits, pending, events, end };
}

it("waits twice as long after each failure, up to a limit", () => {
  expect([1, 2, 3, 4, 5, 6, 50].map(retryMs)).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
});

it("comes back by itself, and is patient until the server speaks", () => {
  const { sockets, waits, pending, events } = harness();
  sockets[0]?.onclose?.();
  pending.shift()?.();
  sockets[1]?.onopen?.();
  sockets[1]?.onclose?.();
  pending.shift()?.();
  sockets[2]?.onopen?.();
  sockets[2]?.onmessage?.({ data: "{}" });
  sockets[2]?.onclose?.();
  expect(waits).toEqual([500, 1000, 500]);
  expect(events.map(({ type }) => type)).toEqual(["lost", "connected", "lost", "connected", "message", "lost"]);
});

it("ends quietly", () => {
  const { sockets, pending, events, end } = harness();
  sockets[0]?.onclose?.();
  pending.shift()?.();
  end();
  sockets[1]?.onclose?.();
  expect(sockets[1]?.closed).toBe(true);
  expect(events).toHaveLength(1);
  expect(pending).toHaveLength(0);
});
