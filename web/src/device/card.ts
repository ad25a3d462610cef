/** One device: what it is doing, what it has learned, what it holds and what left it. */

import { html, nothing } from "lit";
import { bytes, fixed, partOfPlan, percent } from "../lib/format";
import { coalitionMark } from "../lib/palette";
import { strings } from "../strings";
import type { CoalitionId, DeviceArm, DeviceView, Mischief, SentFile } from "../types.gen";
import { histogram } from "../ui/histogram";
import { coalitionSign } from "../ui/marks";
import { type DrawActions, drawPanel } from "./draw-panel";
import { type DrawState, isDrawable } from "./draw-state";
import { flow } from "./flow";
import { messagePanel } from "./message-panel";
import { mischiefPanel } from "./mischief-panel";
import { sampleImages } from "./pictures";
import { coalitionShown, type Refusal, type TabDevice } from "./state";
import { type TableActions, tablePanel } from "./table-panel";

const say = strings.device;

export interface CardActions {
  readonly draw: DrawActions;
  readonly table: TableActions;
  misbehave(mischief: Mischief | null): void;
}

export function card(device: TabDevice, draw: DrawState, actions: CardActions) {
  const { identity, view, samples, table } = device;
  const wants = view?.activity === "choosing" ? table : null;
  const ownTable = view && view.taught === view.examples ? table : null;
  const coalition = coalitionShown(view);
  const colour = coalition === null ? "c-none" : coalitionMark(coalition).className;
  return html`<main class="card ${colour}" data-testid="device-card" data-device=${identity?.device ?? nothing}>
    ${title(device, coalition)} ${failure(device)}
    <div class="column">
      ${wants ? tablePanel(device, wants, actions.table) : nothing}
      <section class="now">
        <h2>${say.now}</h2>
        ${flow(view?.activity ?? "connecting", view?.progress ?? 0)} ${shorterPlan(view)}
      </section>
      ${view && isDrawable(samples) ? drawPanel(draw, samples, view.taught, actions.draw) : nothing}
      ${
        view && view.examples > 0
          ? html`<section class="examples">
              <h2>${say.examples(view.examples)}</h2>
              ${samples ? sampleImages(samples) : nothing} ${histogram(view.label_histogram)}
              ${ownTable ? html`<p class="dim hint">${strings.table.labels(ownTable.labels)}</p>` : nothing}
            </section>`
          : nothing
      }
    </div>
    <div class="column">
      ${view && view.arms.length > 0 ? learned(view.arms, ownTable !== null) : nothing} ${view ? sent(view, device.sent, (ownTable ?? wants) !== null) : nothing}
      ${view?.mischief_allowed ? mischiefPanel(view.mischief, device.key, actions.misbehave) : nothing}
      ${device.refusals.length > 0 ? refusals(device.refusals) : nothing}
    </div>
  </main>`;
}

function title({ identity, view, online, trouble }: TabDevice, coalition: CoalitionId | null) {
  return html`<section class="title">
    ${coalition === null ? html`<span class="sign none" aria-hidden="true"></span>` : coalitionSign(coalition)}
    <h1 data-testid="device-coalition" data-coalition=${coalition ?? nothing}>
      ${coalition === null ? say.noCoalition : say.coalition(coalitionMark(coalition).letter)}
    </h1>
    <p class="who">
      <b data-testid="device-name">${identity ? say.name(identity.device) : say.joining}</b>${strings.comma}
      <span data-testid="device-round" data-round=${view?.round ?? 0}>${say.round(view?.round ?? 0, view?.rounds ?? 0)}</span>${strings.comma}
      <span class=${online ? "online" : "offline"} role="status" data-testid="connection" data-online=${online}>
        ${online ? say.connected : say.offline}
      </span>
    </p>
    ${trouble ? html`<p class="trouble" role="alert">${say.trouble(trouble)}</p>` : nothing}
  </section>`;
}

function shorterPlan(view: DeviceView | null) {
  return view?.halvings
    ? html`<p class="dim hint" data-testid="shorter-plan" data-halvings=${view.halvings}>${strings.shorterPlan.here(partOfPlan(view.halvings))}</p>`
    : nothing;
}

function failure({ failed }: TabDevice) {
  return failed === null
    ? nothing
    : html`<section class="trouble" role="alert" data-testid="failed">${say.failed(failed || say.noWorker)}</section>`;
}

function learned(arms: readonly DeviceArm[], onOwnRows: boolean) {
  return html`<section class="learned">
    <h2>${say.learned}</h2>
    <table>
      <thead>
        <tr>
          <th scope="col">${say.arm}</th>
          <th scope="col">${say.balancedBefore}</th>
          <th scope="col">${say.ownBefore}</th>
          <th scope="col">${say.ownAfter}</th>
          <th scope="col">${say.loss}</th>
        </tr>
      </thead>
      <tbody>
        ${arms.map(
          (arm) => html`<tr data-testid="device-arm" data-arm=${arm.name}>
            <th scope="row">${strings.armShort(arm.name, arm.name)}</th>
            <td>${percent(arm.balanced_before)}</td>
            <td>${percent(arm.own_before)}</td>
            <td>${percent(arm.own_after)}</td>
            <td>${lossText(arm.loss)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
    <p class="dim hint">${onOwnRows ? strings.table.learnedHint : say.learnedHint}</p>
  </section>`;
}

/** The weights of a difficult device can go anywhere, and the loss with them. */
const LARGEST_LOSS = 100;

const lossText = (loss: number | null) => (loss !== null && loss > LARGEST_LOSS ? `> ${LARGEST_LOSS}` : fixed(loss, 2));

function sent(view: DeviceView, last: SentFile | null, rows: boolean) {
  return html`<section>
    <h2>${say.leftHere}</h2>
    <p class="figures">
      <span data-testid="images-sent"><b>0</b> ${rows ? strings.table.rows : say.images}</span>
      <span data-testid="updates" data-count=${view.updates_accepted}><b>${view.updates_accepted}</b> ${say.updates(view.updates_accepted)}</span>
      <span data-testid="bytes-up" data-bytes=${view.bytes_up}><b>${bytes(view.bytes_up)}</b> ${say.up}</span>
      <span data-testid="bytes-down" data-bytes=${view.bytes_down}><b>${bytes(view.bytes_down)}</b> ${say.down}</span>
    </p>
    ${last ? messagePanel(last) : nothing}
  </section>`;
}

function refusals(list: readonly Refusal[]) {
  return html`<section class="refusals">
    <h2>${say.refusals}</h2>
    <ul>
      ${list.map(
        ({ code, detail, times }) => html`<li data-testid="refusal" data-code=${code}>
          <b>${code}${times > 1 ? ` ×${times}` : nothing}</b> ${strings.refusal(code, detail)}
        </li>`,
      )}
    </ul>
  </section>`;
}
