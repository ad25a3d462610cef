/**
 * Devices that run in the board's own tab, for whoever has no phones at hand. They are devices like all others, and end
 * with the tab.
 */

import type { FromWorker, ToWorker } from "../worker-messages";

/** Devices that one click adds. */
export const HERE = 12;

/** Starts them, and tells how many are still there whenever one ends. */
export function runHere(room: string, changed: (running: number) => void): void {
  const workers = new Set<Worker>();
  for (let i = 0; i < HERE; i++) {
    const worker = new Worker(new URL("../worker.ts", import.meta.url), { type: "module" });
    workers.add(worker);
    const end = () => {
      worker.terminate();
      workers.delete(worker);
      changed(workers.size);
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "left" || data.type === "failed") end();
    };
    worker.onerror = end;
    // An empty name lets the server choose one.
    const join: ToWorker = { type: "join", origin: location.origin, room, name: "", identity: null };
    worker.postMessage(join);
  }
  changed(workers.size);
}
