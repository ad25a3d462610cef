/** The ribbon: a row per device, a column per round, coloured by coalition. */

import { html, LitElement, nothing, type PropertyValues, svg } from "lit";
import type { Size } from "../lib/fit";
import { fixed } from "../lib/format";
import { language } from "../lib/language";
import { coalitionMark, shapePath } from "../lib/palette";
import { strings } from "../strings";
import type { DeviceId, DeviceRow, RoundMemberships } from "../types.gen";
import { type Ribbon, type RibbonPlaces, type RibbonRow, ribbon, ribbonPlaces } from "./ribbon";

const say = strings.board;

/** Hidden groups, once the answer is shown. */
export interface Answer {
  readonly count: number;
  label(group: number): string;
}

/** Pixels between two rows, and what a sign, a letter and a number need of a row or a block of rows. */
const GAP = 1;
const NUMBERED = 9;
const SIGNED = 9;
const LETTERED = 13;

export class MembershipRibbon extends LitElement {
  static override properties = {
    memberships: { attribute: false },
    devices: { attribute: false },
    rounds: { attribute: false },
    answer: { attribute: false },
    looked: { attribute: false },
  };

  declare memberships: readonly RoundMemberships[];
  declare devices: readonly DeviceRow[];
  /** Rounds of the run. */
  declare rounds: number;
  declare answer: Answer | null;
  declare looked: DeviceId | null;

  #size: Size = { width: 0, height: 0 };
  #em = 16;
  #ribbon: Ribbon = ribbon([], []);
  #drawn = "";
  #observer = new ResizeObserver(() => this.#measure());

  constructor() {
    super();
    this.memberships = [];
    this.devices = [];
    this.rounds = 1;
    this.answer = null;
    this.looked = null;
  }

  protected override createRenderRoot() {
    return this;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#observer.observe(this);
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
  }

  #measure() {
    this.#size = { width: this.clientWidth, height: this.clientHeight };
    this.#em = Number.parseFloat(getComputedStyle(this).fontSize);
    this.#drawn = "";
    this.requestUpdate();
  }

  /** Views come often and seldom change anything here. */
  protected override shouldUpdate(changed: PropertyValues<this>): boolean {
    const { answer, looked, rounds } = this;
    const who = this.devices.map(({ id, group }) => `${id}:${group}`);
    const drawn = [who, rounds, answer !== null, looked, language()].join("|");
    if (drawn === this.#drawn && !changed.has("memberships")) return false;
    this.#drawn = drawn;
    return true;
  }

  protected override render() {
    if (this.#size.width === 0) return nothing;
    this.#ribbon = ribbon(
      this.memberships,
      this.devices.map(({ id }) => id),
    );
    const { first, last, rows, agreement } = this.#ribbon;
    const at = ribbonPlaces(this.#size, this.#ribbon, this.rounds, this.answer?.count ?? 0, this.#em);
    const under = at.top + at.rowHeight * rows.length;
    const scrolls = at.height > this.#size.height + 1;
    return html`<div class="scroll" tabindex=${scrolls ? 0 : nothing} role=${scrolls ? "region" : nothing} aria-label=${scrolls ? say.ribbonTable : nothing}><svg
        width=${this.#size.width}
        height=${Math.floor(at.height)}
        role="img"
        aria-label=${say.ribbonLabel(rows.length, first, last)}
      >
        ${rows.map((row, i) => this.#row(row, i, at))}
        ${this.#ribbon.blocks.map((block) => this.#sign(block, at))}
        ${this.#axis(at, under)}
        ${this.answer ? [this.#groups(this.answer, at), this.#agreement(agreement, at, under)] : nothing}
      </svg></div>
      ${this.#table()}`;
  }

  #x(round: number, at: RibbonPlaces) {
    return at.left + (round - this.#ribbon.first) * at.round;
  }

  #row({ device, segments }: RibbonRow, i: number, at: RibbonPlaces) {
    const y = at.top + i * at.rowHeight;
    const away = this.looked !== null && this.looked !== device;
    return svg`<g class="ribbon-row ${away ? "back" : ""}" data-testid="ribbon-row" data-device=${device}>
      <title>${strings.device.name(device)}: ${this.#words(segments)}</title>
      ${
        at.rowHeight >= NUMBERED
          ? svg`<text class="ribbon-device" x=${at.left - 6} y=${y + at.rowHeight / 2} dy="0.36em" font-size=${Math.min(0.85 * this.#em, at.rowHeight)}>${device}</text>`
          : nothing
      }
      ${segments.map(
        ({ first, last, coalition }) => svg`<rect
          class=${coalitionMark(coalition).className}
          x=${this.#x(first, at).toFixed(1)}
          y=${y.toFixed(1)}
          width=${Math.max((last - first + 1) * at.round - GAP, 1).toFixed(1)}
          height=${(at.rowHeight - Math.min(GAP, at.rowHeight / 5)).toFixed(1)}
        />`,
      )}
    </g>`;
  }

  /** A coalition's shape and letter, once for rows that are in it together. */
  #sign({ first, last, coalition, row, rows }: Ribbon["blocks"][number], at: RibbonPlaces) {
    const { shape, letter } = coalitionMark(coalition);
    const [width, height] = [(last - first + 1) * at.round, rows * at.rowHeight];
    const size = Math.min(width, height, 1.1 * this.#em);
    if (size < SIGNED) return nothing;
    const lettered = size >= LETTERED && width >= 2.3 * size;
    const x = this.#x(first, at) + (lettered ? size * 0.7 : Math.min(width / 2, size * 0.7));
    const y = at.top + row * at.rowHeight + height / 2;
    return svg`<g class="ribbon-sign" transform="translate(${x.toFixed(1)} ${y.toFixed(1)})">
      <path d=${shapePath(shape, size * 0.3)} />
      ${lettered ? svg`<text x=${size * 0.55} dy="0.36em" font-size=${size * 0.9}>${letter}</text>` : nothing}
    </g>`;
  }

  #axis(at: RibbonPlaces, under: number) {
    const { first, last } = this.#ribbon;
    const columns = Math.round((at.right - at.left) / at.round);
    const every = Math.max(Math.ceil((2 * this.#em) / at.round), 1);
    const step = [1, 2, 5, 10, 20, 50].find((candidate) => candidate >= every) ?? 100;
    const shown = Array.from({ length: columns }, (_, i) => first + i).filter(
      (round) => round % step === 0 || (round === 1 && step > 2),
    );
    return svg`<g class="ribbon-axis">
      ${shown.map(
        (round) => svg`<text
          class=${round > last ? "later" : ""}
          x=${(this.#x(round, at) + at.round / 2).toFixed(1)}
          y=${under + 1.1 * this.#em}
        >${round}</text>`,
      )}
    </g>`;
  }

  /** The hidden group of each device, as a dot in its column. */
  #groups({ count, label }: Answer, at: RibbonPlaces) {
    const group = new Map(this.devices.map((device) => [device.id, device.group]));
    const x = (index: number) => at.right + this.#em / 2 + (index + 0.5) * at.group;
    const legible = at.group >= 2 * this.#em;
    const radius = Math.min(Math.max(at.rowHeight * 0.4, 1.5), at.group * 0.3, 6);
    return svg`<g class="ribbon-groups">
      ${Array.from(
        { length: count },
        (_, index) => svg`
          ${legible ? svg`<text x=${x(index).toFixed(1)} y=${at.top - 0.4 * this.#em}>${label(index)}</text>` : nothing}
          <line x1=${x(index)} x2=${x(index)} y1=${at.top} y2=${at.top + at.rowHeight * this.#ribbon.rows.length} />`,
      )}
      ${this.#ribbon.rows.map(({ device }, row) => {
        const index = group.get(device) ?? null;
        if (index === null) return nothing;
        const y = at.top + (row + 0.5) * at.rowHeight;
        return svg`<circle cx=${x(index).toFixed(1)} cy=${y.toFixed(1)} r=${radius.toFixed(1)} data-testid="ribbon-group" data-device=${device} data-group=${index} />`;
      })}
    </g>`;
  }

  /** Agreement as bars from 0 to 1 below the rounds, with the last one as a number. */
  #agreement(agreement: ReadonlyMap<number, number>, at: RibbonPlaces, under: number) {
    const base = under + 3.2 * this.#em;
    const tall = 1.7 * this.#em;
    const last = [...agreement].at(-1);
    return svg`<g class="ribbon-agreement">
      <line x1=${at.left} x2=${at.right} y1=${base} y2=${base} />
      <line class="most" x1=${at.left} x2=${at.right} y1=${base - tall} y2=${base - tall} />
      ${[...agreement].map(
        ([round, value]) => svg`<rect
          data-testid="ribbon-agreement"
          data-round=${round}
          data-value=${value}
          x=${this.#x(round, at).toFixed(1)}
          width=${Math.max(at.round - GAP, 1).toFixed(1)}
          y=${(base - Math.max(value, 0) * tall).toFixed(1)}
          height=${(Math.max(value, 0) * tall).toFixed(1)}
        ><title>${say.round} ${round}: ${fixed(value, 2)}</title></rect>`,
      )}
      ${last ? svg`<text x=${at.right + this.#em / 2} y=${base}>${fixed(last[1], 2)} ${say.agreementShort}</text>` : nothing}
    </g>`;
  }

  #words(segments: RibbonRow["segments"]) {
    return segments
      .map(({ first, last, coalition }) => say.inRounds(coalitionMark(coalition).letter, first, last))
      .join("; ");
  }

  #table() {
    const { answer } = this;
    const group = new Map(this.devices.map((device) => [device.id, device.group]));
    return html`<table class="unseen" data-testid="ribbon-table">
        <caption>${say.ribbonTable}</caption>
        <thead><tr>
          <th scope="col">${say.device}</th><th scope="col">${say.ribbonRounds}</th>${answer ? html`<th scope="col">${say.group}</th>` : nothing}
        </tr></thead>
        <tbody>
          ${this.#ribbon.rows.map(({ device, segments }) => {
            const index = group.get(device) ?? null;
            return html`<tr>
              <th scope="row">${device}</th><td>${this.#words(segments)}</td>${answer ? html`<td>${index === null ? "" : answer.label(index)}</td>` : nothing}
            </tr>`;
          })}
        </tbody>
      </table>
      ${
        answer
          ? html`<table class="unseen" data-testid="ribbon-agreements">
              <caption>${say.agreement}</caption>
              <tbody>
                ${[...this.#ribbon.agreement].map(
                  ([round, value]) =>
                    html`<tr><th scope="row">${say.round} ${round}</th><td>${fixed(value, 2)}</td></tr>`,
                )}
              </tbody>
            </table>`
          : nothing
      }`;
  }
}

customElements.define("membership-ribbon", MembershipRibbon);
