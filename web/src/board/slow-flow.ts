/** What slow motion draws over the map while a round is open: the server, and what goes to and from it. */

import { nothing, svg } from "lit";
import type { Place } from "../lib/hull";
import { strings } from "../strings";
import type { DeviceId } from "../types.gen";

export interface Flow {
  readonly phase: "out" | "training" | "in";
  /** Whether the phase is over for a device. */
  readonly devices: ReadonlyMap<DeviceId, boolean>;
}

/** Half of the server's mark. */
const SERVER = { width: 46, height: 15 };

export function serverAt(width: number): Place {
  return { x: width / 2, y: SERVER.height + 2 };
}

/** Lies under the devices: whom the models go to, and whose weights have come. */
export function flowLines(flow: Flow, server: Place, place: (device: DeviceId) => Place | undefined, radius: number) {
  if (flow.phase === "training") return nothing;
  return [...flow.devices].map(([device, over]) => {
    const at = place(device);
    if (!at) return nothing;
    const edge = toward(at, server, radius * 1.9);
    const [from, to] = flow.phase === "out" ? [server, edge] : [edge, toward(server, at, SERVER.height * 1.6)];
    return svg`<g class="flow ${over ? "over" : ""}" data-testid="flow" data-device=${device} data-done=${over}>
      <line x1=${from.x} y1=${from.y} x2=${to.x} y2=${to.y} />
      ${over ? svg`<path d="M-7 -5L3 0L-7 5Z" transform="translate(${to.x.toFixed(1)} ${to.y.toFixed(1)}) rotate(${angle(from, to)})" />` : nothing}
    </g>`;
  });
}

/** Lies over the devices: the server, who trains, and for whom the phase is over. */
export function flowMarks(flow: Flow, server: Place, place: (device: DeviceId) => Place | undefined, radius: number) {
  return svg`${flow.phase === "training" ? nothing : serverMark(server)}
    ${[...flow.devices].map(([device, over]) => {
      const at = place(device);
      if (!at) return nothing;
      const [x, y] = [at.x + radius * 1.15, at.y - radius * 1.15];
      if (over) {
        return svg`<g class="flow-check" transform="translate(${x.toFixed(1)} ${y.toFixed(1)})">
          <circle r="9" /><path d="M-4 0L-1 3.4L4.4 -3.4" />
        </g>`;
      }
      return flow.phase === "training"
        ? svg`<circle class="flow-trains" cx=${at.x.toFixed(1)} cy=${at.y.toFixed(1)} r=${radius * 1.7} />`
        : nothing;
    })}`;
}

function serverMark({ x, y }: Place) {
  const { width, height } = SERVER;
  return svg`<g class="flow-server" transform="translate(${x.toFixed(1)} ${y.toFixed(1)})">
    <rect x=${-width} y=${-height} width=${2 * width} height=${2 * height} rx="6" />
    <text dy="0.36em">${strings.slow.server}</text>
  </g>`;
}

/** From one place so many pixels towards another. */
function toward(from: Place, to: Place, pixels: number): Place {
  const length = Math.max(Math.hypot(to.x - from.x, to.y - from.y), 1);
  return { x: from.x + ((to.x - from.x) / length) * pixels, y: from.y + ((to.y - from.y) / length) * pixels };
}

function angle(from: Place, to: Place): string {
  return ((Math.atan2(to.y - from.y, to.x - from.x) * 180) / Math.PI).toFixed(1);
}
