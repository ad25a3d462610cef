/** The heat map: how far every two devices' weights are from each other, coalitions together. */

import { html, LitElement, nothing, type PropertyValues, svg } from "lit";
import type { Size } from "../lib/fit";
import { fixed } from "../lib/format";
import { language } from "../lib/language";
import { coalitionMark, shapePath } from "../lib/palette";
import { onTheme } from "../lib/theme";
import { strings } from "../strings";
import type { ArmView, CoalitionId, DeviceId } from "../types.gen";
import {
  cellColour,
  colourOf,
  extent,
  type HeatBlock,
  type HeatRow,
  heatBlocks,
  heatRows,
  meanDistance,
  nearest,
  nearness,
} from "./neighbours";
import type { ArmDistances } from "./past";

const say = strings.board;

/** Devices' numbers fit beside cells of at least so many pixels. */
const NUMBERED = 12;
/** The same above cells, where they stand side by side. */
const ABREAST = 22;
const NEIGHBOURS = 3;
/** Height of the legend, in units of its type. */
const LEGEND = 2;
/** Room for signs and numbers beside the cells, in the same units. */
const EDGES = { left: 3.2, top: 2.4 };

export class DistanceMap extends LitElement {
  static override properties = {
    arm: { attribute: false },
    distances: { attribute: false },
    looked: { attribute: false },
    onlook: { attribute: false },
  };

  declare arm: ArmView | null;
  declare distances: ArmDistances | null;
  declare looked: DeviceId | null;
  declare onlook: (device: DeviceId | null) => void;

  #size: Size = { width: 0, height: 0 };
  #em = 16;
  #rows: readonly HeatRow[] = [];
  #drawn = "";
  #painted = "";
  /** The two devices whose distance is said. */
  #pair: readonly [number, number] | null = null;
  #observer = new ResizeObserver(() => this.#measure());
  #endRepaint = () => {};

  constructor() {
    super();
    this.arm = null;
    this.distances = null;
    this.looked = null;
    this.onlook = () => {};
  }

  protected override createRenderRoot() {
    return this;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#observer.observe(this);
    this.#endRepaint = onTheme(() => {
      this.#painted = "";
      this.#paint();
    });
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
    this.#endRepaint();
  }

  #measure() {
    this.#em = Number.parseFloat(getComputedStyle(this).fontSize);
    this.#size = { width: this.clientWidth, height: Math.max(this.clientHeight - LEGEND * this.#em, 0) };
    this.#drawn = "";
    this.requestUpdate();
  }

  /** Who is in which order; a change of it is a change of the picture. */
  #key() {
    const order = this.#rows.map(({ device, coalition }) => `${device}:${coalition}`);
    return `${this.distances?.run}/${this.distances?.arm}/${this.distances?.round}/${order}`;
  }

  protected override shouldUpdate(changed: PropertyValues<this>): boolean {
    this.#rows = this.arm && this.distances ? heatRows(this.distances, this.arm) : [];
    const drawn = `${this.#key()}/${this.looked}/${this.#pair}/${language()}`;
    if (drawn === this.#drawn && !changed.has("distances")) return false;
    this.#drawn = drawn;
    return true;
  }

  protected override render() {
    const { distances } = this;
    const { width, height } = this.#size;
    if (!distances || this.#rows.length < 2 || width === 0) return nothing;
    const [across, top] = [EDGES.left * this.#em, EDGES.top * this.#em];
    const side = Math.max(Math.min(width - across, height - top), 10);
    const left = (width - side + across) / 2;
    const cell = side / this.#rows.length;
    const blocks = heatBlocks(this.#rows);
    const at = this.#rows.findIndex(({ device }) => device === this.looked);
    return html`<svg
        width=${width}
        height=${height}
        role="img"
        aria-label=${say.heatLabel(this.#rows.length)}
        @pointermove=${(event: PointerEvent) => this.#point(event, left, top, cell)}
        @pointerleave=${() => this.#leave()}
      >
        <foreignObject x=${left} y=${top} width=${side} height=${side}>
          <canvas width=${this.#rows.length} height=${this.#rows.length}></canvas>
        </foreignObject>
        ${blocks.slice(1).map(({ first }) => {
          const [x, y] = [left + first * cell, top + first * cell];
          return svg`<path class="heat-border" d="M${left} ${y}h${side}M${x} ${top}v${side}" />`;
        })}
        ${blocks.map((block) => this.#block(block, left, top, cell))}
        ${
          cell >= NUMBERED
            ? this.#rows.map(
                ({ device }, i) => svg`<g class="heat-number">
                  <text x=${left - 4} y=${top + (i + 0.5) * cell} dy="0.36em" text-anchor="end">${device}</text>
                  <text x=${left + (i + 0.5) * cell} y=${top - 4} text-anchor="middle">${cell >= ABREAST ? device : ""}</text>
                </g>`,
              )
            : nothing
        }
        ${
          at >= 0
            ? svg`<rect class="heat-looked" x=${left} y=${top + at * cell} width=${side} height=${cell} />
                <rect class="heat-looked" x=${left + at * cell} y=${top} width=${cell} height=${side} />`
            : nothing
        }
      </svg>
      ${this.#legend()} ${this.#table()}`;
  }

  /** The frame of a coalition on the diagonal, with its sign at both edges. */
  #block({ coalition, first, rows }: HeatBlock, left: number, top: number, cell: number) {
    const [from, length] = [first * cell, rows * cell];
    const mark = coalition === null ? null : coalitionMark(coalition);
    const numbers = cell >= NUMBERED ? 1 : 0;
    const [beside, above] = [(1.6 + numbers) * this.#em, (0.7 + 0.9 * numbers) * this.#em];
    const sign = (x: number, y: number) =>
      mark
        ? svg`<g class="heat-sign" transform="translate(${x.toFixed(1)} ${y.toFixed(1)})">
            <path d=${shapePath(mark.shape, this.#em * 0.36)} />
            <text x=${this.#em * 0.5} dy="0.36em">${length > 1.6 * this.#em ? mark.letter : ""}</text>
          </g>`
        : nothing;
    const middle = from + length / 2;
    return svg`<g class=${mark?.className ?? "c-none"}>
      <rect class="heat-block" x=${left + from} y=${top + from} width=${length} height=${length} />
      ${sign(left - beside, top + middle)} ${sign(left + middle - this.#em * 0.3, top - above)}
    </g>`;
  }

  protected override updated() {
    this.#paint();
  }

  #paint() {
    const { distances } = this;
    const canvas = this.querySelector("canvas");
    const context = canvas?.getContext("2d");
    const scale = distances ? extent(distances) : null;
    const key = this.#key();
    if (!distances || !canvas || !context || !scale || key === this.#painted) return;
    this.#painted = key;
    const style = getComputedStyle(this);
    const [near, far] = [colourOf(style.getPropertyValue("--near")), colourOf(style.getPropertyValue("--far"))];
    const n = this.#rows.length;
    const image = context.createImageData(n, n);
    for (const [y, row] of this.#rows.entries()) {
      for (const [x, column] of this.#rows.entries()) {
        const distance = distances.distances[row.index]?.[column.index] ?? 0;
        image.data.set([...cellColour(nearness(distance, scale), near, far), 255], 4 * (y * n + x));
      }
    }
    context.putImageData(image, 0, 0);
  }

  #point({ clientX, clientY, currentTarget }: PointerEvent, left: number, top: number, cell: number) {
    const box = (currentTarget as Element).getBoundingClientRect();
    const column = Math.floor((clientX - box.x - left) / cell);
    const row = Math.floor((clientY - box.y - top) / cell);
    const inside = (index: number) => index >= 0 && index < this.#rows.length;
    if (!inside(column) || !inside(row)) return this.#leave();
    this.#pair = [row, column];
    this.onlook(this.#rows[row]?.device ?? null);
    this.requestUpdate();
  }

  #leave() {
    this.#pair = null;
    this.onlook(null);
    this.requestUpdate();
  }

  #legend() {
    const scale = this.distances ? extent(this.distances) : null;
    if (!scale) return nothing;
    const [a, b] = (this.#pair ?? []).map((i) => this.#rows[i]);
    const apart = a && b && a !== b ? this.distances?.distances[a.index]?.[b.index] : undefined;
    return html`<p class="heat-legend">
      <span>${say.near} <b>${fixed(scale[0], 2)}</b></span>
      <svg class="heat-scale" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <defs><linearGradient id="heat-scale"><stop class="near" offset="0" /><stop class="far" offset="1" /></linearGradient></defs>
        <rect width="100" height="10" fill="url(#heat-scale)" />
      </svg>
      <span><b>${fixed(scale[1], 2)}</b> ${say.far}</span>
      <span class="dim">${say.weightUnits}</span>
      <span data-testid="heat-pair">${a && b && apart !== undefined ? say.apartBy(a.device, b.device, fixed(apart, 2)) : nothing}</span>
    </p>`;
  }

  /** The same facts, shorter: whom a device is near to, and how far it is from each coalition on average. */
  #table() {
    const { distances } = this;
    if (!distances) return nothing;
    const members = new Map<CoalitionId | null, number[]>();
    for (const { coalition, index } of this.#rows) members.set(coalition, [...(members.get(coalition) ?? []), index]);
    const name = (coalition: CoalitionId | null) =>
      coalition === null ? say.noCoalition : say.coalition(coalitionMark(coalition).letter);
    return html`<table class="unseen" data-testid="distances-table">
      <caption>${say.distancesTable}</caption>
      <thead><tr>
        <th scope="col">${say.device}</th><th scope="col">${say.coalitionHead}</th><th scope="col">${say.nearest}</th>
        ${[...members.keys()].map((coalition) => html`<th scope="col">${say.meanTo(name(coalition))}</th>`)}
      </tr></thead>
      <tbody>
        ${this.#rows.map(
          ({ device, coalition, index }) => html`<tr>
            <th scope="row">${device}</th><td>${name(coalition)}</td>
            <td>${nearest(distances, device, NEIGHBOURS).map((near, i) => `${i > 0 ? ", " : ""}${near.device}: ${fixed(near.distance, 2)}`)}</td>
            ${[...members.values()].map((others) => html`<td>${fixed(meanDistance(distances, index, others), 2)}</td>`)}
          </tr>`,
        )}
      </tbody>
    </table>`;
  }
}

customElements.define("distance-map", DistanceMap);
