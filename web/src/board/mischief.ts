/** Difficult devices on the board: the desk's switch, who they are, and what they weigh. */

import { html, nothing } from "lit";
import { percent } from "../lib/format";
import { type Weight, weightOf } from "../lib/mischief";
import { coalitionMark } from "../lib/palette";
import { strings } from "../strings";
import type { ArmView, DeviceRow, View } from "../types.gen";
import { mischiefSign } from "../ui/marks";
import type { Actions } from "./actions";
import type { BoardState } from "./state";

const say = strings.mischief;

/** Allows devices to be difficult, for whoever holds the desk. */
export function mischiefSwitch({ desk, busy }: BoardState, view: View, actions: Actions) {
  if (!desk) return nothing;
  const allowed = view.mischief_allowed;
  return html`<button
    type="button"
    class="slim"
    title=${say.allowHint}
    aria-pressed=${allowed}
    data-testid="desk-mischief"
    ?disabled=${busy}
    @click=${() => actions.desk({ command: "mischief", allowed: !allowed })}
  >
    ${allowed ? say.allowed : say.allow}
  </button>`;
}

/** How a device is difficult, if it says so. */
export function mischiefOf({ mischief }: Pick<DeviceRow, "mischief">) {
  return mischief === null
    ? nothing
    : html`<span class="mischief" title=${say.saysSo} data-testid="mischief" data-mischief=${mischief}
        >${mischiefSign} ${say.kinds[mischief].name}</span
      >`;
}

/** What difficult devices count in an arm's models, if there are some. */
export function weightLine(arm: ArmView) {
  const weight = weightOf(arm);
  if (!weight) return nothing;
  const { global, most } = weight;
  return html`<span
    class="mischief"
    title=${say.weightHint}
    data-testid="influence-${arm.name}"
    data-global=${global}
    data-coalition=${most?.part ?? nothing}
    >${mischiefSign} ${said(weight)}</span
  >`;
}

function said({ devices, global, most }: Weight): string {
  const all = say.weight(devices, percent(global));
  return most ? `${all}${strings.comma}${say.weightIn(percent(most.part), coalitionMark(most.coalition).letter)}` : all;
}

/** Two more columns for a difficult device: what its update counts in an arm's models. */
export function influenceHead({ mischief }: DeviceRow) {
  return mischief === null
    ? nothing
    : html`<th scope="col" class="count" title=${say.weightHint}>${say.inCoalition}</th>
        <th scope="col" class="count" title=${say.weightHint}>${say.inGlobal}</th>`;
}

export function influenceCells(arm: ArmView, { id, mischief }: DeviceRow) {
  const found = arm.influence.find(({ device }) => device === id);
  return mischief === null
    ? nothing
    : html`<td class="count" data-testid="detail-influence" data-arm=${arm.name} data-part=${found?.coalition ?? nothing}>
          ${percent(found?.coalition)}
        </td>
        <td class="count" data-part=${found?.global ?? nothing}>${percent(found?.global)}</td>`;
}
