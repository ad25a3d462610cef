/** The curves: uPlot behind one element that takes columns and says which arm is pointed at. */

import { LitElement, type PropertyValues } from "lit";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { ArmMark } from "../lib/palette";
import { onTheme } from "../lib/theme";
import type { Curves } from "./select";

/** A run of up to this many rounds is drawn on its whole length from the start, so that curves grow to the right. */
const WHOLE_RUN = 60;

export class AccuracyCurves extends LitElement {
  static override properties = {
    curves: { attribute: false },
    marks: { attribute: false },
    rounds: { attribute: false },
    strong: { attribute: false },
    onpoint: { attribute: false },
  };

  declare curves: Curves;
  declare marks: readonly ArmMark[];
  /** Rounds of the run. */
  declare rounds: number;
  /** Index of the arm with the band. */
  declare strong: number;
  declare onpoint: (arm: number | null) => void;

  #plot: uPlot | null = null;
  #drawn = "";
  #observer = new ResizeObserver(() => this.#plot?.setSize(this.#size()));
  #endRepaint = () => {};

  constructor() {
    super();
    this.curves = { rounds: [], means: [], worst: [], best: [] };
    this.marks = [];
    this.rounds = 1;
    this.strong = -1;
    this.onpoint = () => {};
  }

  protected override createRenderRoot() {
    return this;
  }

  override connectedCallback() {
    super.connectedCallback();
    this.#observer.observe(this);
    this.#endRepaint = onTheme(() => this.#plot?.redraw(false, true));
  }

  override disconnectedCallback() {
    super.disconnectedCallback();
    this.#observer.disconnect();
    this.#endRepaint();
    this.#plot?.destroy();
    this.#plot = null;
  }

  /** Views come often and seldom change anything here. There are no words in the picture. */
  protected override shouldUpdate(changed: PropertyValues<this>): boolean {
    return (
      this.#plot === null ||
      changed.has("curves") ||
      changed.has("marks") ||
      changed.has("rounds") ||
      changed.has("strong")
    );
  }

  protected override updated() {
    const { rounds, means, worst, best } = this.curves;
    const data: uPlot.AlignedData = [rounds, worst, best, ...means];
    const wanted = this.marks.map(({ variable }) => variable).join();
    if (!this.#plot || this.#drawn !== wanted) {
      this.#plot?.destroy();
      this.#plot = new uPlot(this.#options(), data, this);
      this.#drawn = wanted;
    } else {
      this.#plot.setData(data);
    }
  }

  #size() {
    return { width: Math.max(this.clientWidth, 80), height: Math.max(this.clientHeight, 60) };
  }

  #colour(variable: string) {
    return getComputedStyle(this).getPropertyValue(variable).trim();
  }

  #bandVariable() {
    return this.marks[this.strong]?.variable ?? "--line";
  }

  #options(): uPlot.Options {
    const edge: uPlot.Series = { stroke: "transparent", width: 0, points: { show: false } };
    const axis = (values: (value: number) => string): uPlot.Axis => ({
      stroke: () => this.#colour("--dim"),
      font: `${0.85 * Number.parseFloat(getComputedStyle(this).fontSize)}px system-ui, sans-serif`,
      grid: { stroke: () => this.#colour("--line"), width: 1 },
      ticks: { show: false },
      values: (_, splits) => splits.map(values),
      gap: 4,
    });
    return {
      ...this.#size(),
      legend: { show: false },
      padding: [8, 12, 0, 0],
      scales: {
        x: { time: false, range: () => [this.curves.rounds[0] ?? 1, this.#lastRound()] },
        y: { range: () => [0, 1] },
      },
      axes: [
        { ...axis((round) => (Number.isInteger(round) ? `${round}` : "")), size: 28 },
        { ...axis((fraction) => `${Math.round(fraction * 100)}`), size: 38, splits: () => [0, 0.25, 0.5, 0.75, 1] },
      ],
      cursor: { y: false, drag: { setScale: false }, focus: { prox: 30 }, points: { size: 7 } },
      focus: { alpha: 1 },
      hooks: { setSeries: [(_, index) => this.#point(index)] },
      bands: [{ series: [2, 1], fill: () => `${this.#colour(this.#bandVariable())}26` }],
      series: [
        {},
        edge,
        edge,
        ...this.marks.map(
          ({ variable, dash }): uPlot.Series => ({
            stroke: () => this.#colour(variable),
            width: dash.length === 0 ? 4 : 2.5,
            dash: [...dash],
            cap: "round",
            // A line needs two rounds; the first one alone is a dot.
            points: { show: (plot) => plot.data[0].length < 2, size: 7, fill: () => this.#colour(variable) },
          }),
        ),
      ],
    };
  }

  #lastRound(): number {
    const measured = this.curves.rounds.at(-1) ?? 1;
    const whole = this.rounds <= WHOLE_RUN ? this.rounds : Math.max(measured * 1.1, WHOLE_RUN / 2);
    return Math.max(whole, 2);
  }

  #point(series: number | null) {
    const arm = (series ?? 0) - 3;
    this.onpoint(arm >= 0 ? arm : null);
  }
}

customElements.define("accuracy-curves", AccuracyCurves);
