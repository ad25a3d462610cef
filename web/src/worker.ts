/** A device's worker: it loads the wasm package and passes messages. Sockets, training and weights stay in there. */

import init, { DeviceClient } from "../pkg/constellation_client.js";
import { unreachable } from "./lib/store";
import type { DeviceEvent } from "./types.gen";
import type { FromWorker, ToWorker } from "./worker-messages";

const post = (message: FromWorker) => self.postMessage(message);

let client: DeviceClient | null = null;

// Messages are handled one after the other, so that a "leave" never overtakes the loading of the package.
let handled: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  handled = handled.then(() => handle(data)).catch((error: unknown) => post({ type: "failed", detail: String(error) }));
};

async function handle(message: ToWorker): Promise<void> {
  switch (message.type) {
    case "join":
      await init();
      client = new DeviceClient((event: DeviceEvent) => post(event));
      client.join(message.origin, message.room, message.name, message.identity ?? undefined);
      return;
    case "guess":
      post({ type: "guessed", guess: client?.guess(message.pixels) ?? null });
      return;
    case "teach": {
      const { pixels, label } = message;
      post({ type: "taught", label, refusal: client?.teach(pixels, label) ?? null });
      return;
    }
    case "table":
      post({ type: "table_read", refusal: client?.table(new Uint8Array(message.file)) ?? null });
      return;
    case "misbehave":
      client?.misbehave(message.mischief);
      return;
    case "leave":
      client?.leave();
      return;
    default:
      unreachable(message);
  }
}
