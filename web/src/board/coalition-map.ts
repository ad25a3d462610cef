/** The coalition map: devices, hulls, barycenters and the global model, which glide from round to round. */

import { html, LitElement, nothing, type PropertyValues, svg } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Fit, Size } from "../lib/fit";
import { hullPath, type Place } from "../lib/hull";
import { language } from "../lib/language";
import { Motion } from "../lib/motion";
import { burstPath, coalitionMark, shapePath, starPath } from "../lib/palette";
import { strings } from "../strings";
import type { ArmView, CoalitionId, CoalitionView, DeviceId, DeviceRow, MapView, RunId } from "../types.gen";
import { barycenterKey, deviceKey, GLOBAL, layOut, NUMBERED, outside } from "./map-layout";
import { coalitionOf } from "./select";
import { asideOf } from "./set-aside";
import { type Flow, flowLines, flowMarks, serverAt } from "./slow-flow";
import { trails } from "./trails";

const GLIDE_MS = 700;

export class CoalitionMap extends LitElement {
  static override properties = {
    arm: { attribute: false, hasChanged: pictureIn },
    devices: { attribute: false },
    run: { attribute: false },
    answer: { attribute: false },
    earlier: { attribute: false, hasChanged: othersIn },
    looked: { attribute: false },
    near: { attribute: false, hasChanged: othersIn },
    flow: { attribute: false },
    links: { attribute: false },
    onlook: { attribute: false },
  };

  declare arm: ArmView | null;
  declare devices: readonly DeviceRow[];
  declare run: RunId;
  /** Says a device's hidden group in a word; `null` while the answer is hidden. */
  declare answer: ((device: DeviceRow) => string) | null;
  /** This arm's pictures in the rounds before, the oldest first. */
  declare earlier: readonly MapView[];
  /** The device pointed at. */
  declare looked: DeviceId | null;
  /** Its nearest neighbours. */
  declare near: readonly DeviceId[];
  /** What slow motion shows over the map. */
  declare flow: Flow | null;
  /** Devices joined by a line, two by two. */
  declare links: readonly (readonly [DeviceId, DeviceId])[];
  declare onlook: (device: DeviceId | null) => void;

  #size: Size = { width: 0, height: 0 };
  #fit: Fit | null = null;
  #radius = 0;
  #targets: ReadonlyMap<string, Place> = new Map();
  /** The device that the tab key goes to. */
  #entry: DeviceId | null = null;
  #shown = "";
  #said = "";
  /** To be drawn whatever has changed: marks are on their way, or the picture has another size. */
  #due = true;
  #motion = new Motion(GLIDE_MS);
  #frame = 0;
  #observer = new ResizeObserver(() => this.#measure());
  #stillness = matchMedia("(prefers-reduced-motion: reduce)");

  constructor() {
    super();
    this.arm = null;
    this.devices = [];
    this.run = 0;
    this.answer = null;
    this.earlier = [];
    this.looked = null;
    this.near = [];
    this.flow = null;
    this.links = [];
    this.onlook = () => {};
  }

  /** The page's own tree, so that styles and tests reach the picture. */
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
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #measure() {
    const size = { width: this.clientWidth, height: this.clientHeight };
    if (size.width === this.#size.width && size.height === this.#size.height) return;
    this.#size = size;
    this.#aim(false);
    this.#due = true;
    this.requestUpdate();
  }

  /** Views come often and seldom change anything here: of a device, what it is called, whether it is away and what mischief it does. */
  protected override shouldUpdate(changed: PropertyValues<this>): boolean {
    const devices = this.devices.map(({ id, name, group, state, mischief }) =>
      [id, group, state === "away", mischief, name].join(":"),
    );
    const said = [language(), this.answer !== null, ...devices].join("|");
    const properties = ["arm", "run", "earlier", "looked", "near"] as const;
    const due = this.#due || said !== this.#said || properties.some((one) => changed.has(one));
    this.#due = false;
    this.#said = said;
    return due;
  }

  protected override willUpdate(changed: PropertyValues<this>) {
    if (!changed.has("arm") && !changed.has("run")) return;
    const shown = `${this.run}/${this.arm?.name}`;
    const same = shown === this.#shown;
    if (!same) this.#fit = null;
    this.#shown = shown;
    this.#aim(same);
  }

  #aim(glide: boolean) {
    const map = this.arm?.map;
    if (!map || this.#size.width === 0) return;
    const { fit, radius, targets } = layOut(map, this.#size, this.#fit);
    this.#fit = fit;
    this.#radius = radius;
    this.#targets = targets;
    this.#motion.aim(targets, performance.now(), glide && !this.#stillness.matches);
  }

  protected override updated() {
    if (this.#frame !== 0 || !this.#motion.moving(performance.now())) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#due = true;
      this.requestUpdate();
    });
  }

  protected override render() {
    const { arm } = this;
    if (!arm?.map || this.#size.width === 0) return nothing;
    const { width, height } = this.#size;
    const places = this.#motion.places(performance.now());
    const coalition = coalitionOf(arm);
    const global = places.get(GLOBAL);
    const points = arm.map.points.map(({ device }) => device);
    const entry = points.find((id) => id === this.#entry);
    const placeOf = (id: DeviceId) => places.get(deviceKey(id));
    // What the global model is the mean of: the barycenters, or every device where there are no coalitions.
    const averaged =
      arm.coalitions.length > 0 ? arm.coalitions.map(({ id }) => barycenterKey(id)) : points.map((id) => deviceKey(id));
    return html`<svg
      viewBox="0 0 ${width} ${height}"
      role="group"
      class="${this.looked === null ? "" : "looking"} ${this.flow ? "flowing" : ""}"
      aria-label=${strings.board.mapLabel(points.length, arm.coalitions.length)}
      @pointerover=${(event: Event) => this.#look(event)}
      @pointerleave=${() => this.onlook(null)}
      @focusin=${(event: Event) => this.#look(event)}
      @focusout=${() => this.onlook(null)}
      @keydown=${(event: KeyboardEvent) => this.#step(event, points)}
    >
      ${repeat(
        arm.coalitions,
        ({ id }) => id,
        (view) => this.#hull(view, places),
      )}
      ${this.#trails(arm.map, places, coalition)} ${this.#neighbours(places)}
      ${averaged.map((key) => line("to-global", places.get(key), global))}
      ${global ? this.#globalName(global) : nothing}
      ${this.links.map(([a, b]) => line("to-neighbour", placeOf(a), placeOf(b)))}
      ${this.flow ? flowLines(this.flow, serverAt(width), placeOf, this.#radius) : nothing}
      ${repeat(
        points,
        (id) => id,
        (id) => this.#device(id, coalition.get(id), places.get(deviceKey(id)), id === (entry ?? points[0])),
      )}
      ${repeat(
        arm.coalitions,
        ({ id }) => id,
        (view) => this.#barycenter(view, places),
      )}
      ${global ? this.#global(global) : nothing} ${this.#answers(places)}
      ${this.flow ? flowMarks(this.flow, serverAt(width), placeOf, this.#radius) : nothing}
    </svg>`;
  }

  #hull({ id, members }: CoalitionView, places: Map<string, Place>) {
    const { className } = coalitionMark(id);
    const own = members.flatMap((device) => places.get(deviceKey(device)) ?? []);
    const center = places.get(barycenterKey(id));
    const back = this.looked !== null && !members.includes(this.looked);
    return svg`<g class="hull ${className} ${back ? "back" : ""}">
      <path d=${hullPath(center ? [...own, center] : own)} stroke-width=${this.#radius * 3.4} />
      ${own.map((place) => line("to-barycenter", place, center))}
      ${center ? nothing : this.#letter(id, middle(own), own)}
    </g>`;
  }

  #device(id: DeviceId, coalition: number | undefined, place: Place | undefined, entry: boolean) {
    if (!place) return nothing;
    const row = this.devices.find((device) => device.id === id);
    const { className, shape, letter } =
      coalition === undefined
        ? { className: "c-none", shape: "circle" as const, letter: "" }
        : coalitionMark(coalition);
    const radius = this.#radius;
    const back = this.#isBack(id);
    const aside = this.arm ? asideOf(this.arm, id).length > 0 : false;
    return svg`<g
      class="device ${className} ${row?.state === "away" || !row ? "away" : ""} ${back ? "back" : ""}"
      role="img"
      tabindex=${entry ? 0 : -1}
      aria-label=${strings.board.deviceLabel(id, row?.name ?? "", letter) + mischiefWords(row) + (aside ? strings.comma + strings.setAside.short : "")}
      transform="translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})"
      data-testid="map-device"
      data-device=${id}
      data-coalition=${letter}
      data-mischief=${row?.mischief ?? nothing}
      data-aside=${aside || nothing}
    >
      <circle class="halo" r=${radius * 1.75} />
      ${row?.mischief ? svg`<path class="burst" d=${burstPath(radius * 2)} />` : nothing}
      ${aside ? svg`<circle class="aside-ring" r=${radius * 1.5} />` : nothing}
      <path d=${shapePath(shape, radius)} />
      ${radius >= NUMBERED ? svg`<text class="number" font-size=${radius * 0.95} dy="0.38em">${id}</text>` : nothing}
    </g>`;
  }

  #trails(map: MapView, places: Map<string, Place>, coalition: ReadonlyMap<DeviceId, CoalitionId>) {
    if (!this.#fit) return nothing;
    return trails(this.earlier, map, this.#fit, places, this.#targets, coalition).map(
      ({ coalition: of, age, path }) =>
        svg`<path class="trail age-${age} ${of === undefined ? "c-none" : coalitionMark(of).className}" d=${path} />`,
    );
  }

  /** Lines from the device pointed at to its nearest neighbours. */
  #neighbours(places: Map<string, Place>) {
    const from = this.looked === null ? undefined : places.get(deviceKey(this.looked));
    return this.near.map((id) => line("to-neighbour", from, places.get(deviceKey(id))));
  }

  #look({ target }: Event) {
    const device = (target as Element).closest<SVGElement>("[data-device]")?.getAttribute("data-device");
    this.onlook(device ? Number(device) : null);
  }

  /** Whether another device is pointed at that this one is no neighbour of. */
  #isBack(id: DeviceId): boolean {
    return this.looked !== null && this.looked !== id && !this.near.includes(id);
  }

  /** Arrow keys go from device to device. */
  #step(event: KeyboardEvent, points: readonly DeviceId[]) {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = points.at((points.indexOf(this.looked ?? this.#entry ?? -1) + step) % points.length);
    if (next === undefined) return;
    this.#entry = next;
    this.querySelector<SVGElement>(`[data-device="${next}"]`)?.focus();
  }

  /** The hidden groups, above all marks so that none covers them. */
  #answers(places: Map<string, Place>) {
    const { answer } = this;
    if (!answer) return nothing;
    return this.devices.map((device) => {
      const place = places.get(deviceKey(device.id));
      const radius = this.#radius;
      if (!place) return nothing;
      return svg`<text class="answer ${this.#isBack(device.id) ? "back" : ""}" x=${(place.x + radius).toFixed(1)} y=${(place.y - radius * 0.8).toFixed(1)}>${answer(device)}</text>`;
    });
  }

  #barycenter({ id, members }: CoalitionView, places: Map<string, Place>) {
    const place = places.get(barycenterKey(id));
    if (!place) return nothing;
    const { className } = coalitionMark(id);
    const own = members.flatMap((device) => places.get(deviceKey(device)) ?? []);
    const back = this.looked !== null && !members.includes(this.looked);
    return svg`<g class="${className} ${back ? "back" : ""}">
      <path class="star" transform="translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})" d=${starPath(this.#radius * 0.95)} />
      ${this.#letter(id, place, own)}
    </g>`;
  }

  #letter(id: CoalitionId, center: Place | undefined, own: readonly Place[]) {
    if (!center) return nothing;
    const { x, y } = outside(center, own, this.#size, this.#radius);
    return svg`<text class="letter" x=${x.toFixed(1)} y=${y.toFixed(1)} dy="0.36em">${coalitionMark(id).letter}</text>`;
  }

  #global({ x, y }: Place) {
    const radius = this.#radius;
    return svg`<g transform="translate(${x.toFixed(1)} ${y.toFixed(1)})">
      <circle class="global-ring" r=${radius * 0.95} />
      <circle class="global-dot" r=${radius * 0.34} />
    </g>`;
  }

  /** Drawn before the devices: the legend says it too, so a device may cover it. */
  #globalName({ x, y }: Place) {
    return svg`<text class="global-name" x=${(x + this.#radius * 1.4).toFixed(1)} y=${y.toFixed(1)} dy="0.36em">${strings.board.globalModel}</text>`;
  }
}

/** With every update an arm's traffic is another; its picture is not. */
function pictureIn(now: ArmView | null, before: ArmView | null | undefined): boolean {
  return (
    now?.name !== before?.name ||
    now?.map !== before?.map ||
    now?.coalitions !== before?.coalitions ||
    now?.set_aside !== before?.set_aside
  );
}

function othersIn(now: readonly unknown[], before: readonly unknown[] | undefined): boolean {
  return now.length !== before?.length || now.some((one, i) => one !== before[i]);
}

function mischiefWords(row: DeviceRow | undefined): string {
  return row?.mischief ? strings.comma + strings.mischief.kinds[row.mischief].name : "";
}

/** `undefined` of none. */
function middle(places: readonly Place[]): Place | undefined {
  if (places.length === 0) return undefined;
  const mean = (of: (place: Place) => number) => places.reduce((sum, place) => sum + of(place), 0) / places.length;
  return { x: mean(({ x }) => x), y: mean(({ y }) => y) };
}

function line(name: string, from: Place | undefined, to: Place | undefined) {
  if (!from || !to) return nothing;
  const [x1, y1, x2, y2] = [from.x, from.y, to.x, to.y].map((value) => value.toFixed(1));
  return svg`<line class=${name} x1=${x1} y1=${y1} x2=${x2} y2=${y2} />`;
}

customElements.define("coalition-map", CoalitionMap);
