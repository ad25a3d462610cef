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

/** A row per arm: what one device's update counts. */
export function influenceTable(view: View, device: DeviceRow) {
  if (device.mischief === null) return nothing;
  const rows = view.arms.flatMap((arm) => {
    const found = arm.influence.find((influence) => influence.device === device.id);
    return found ? { arm, found } : [];
  });
  return html`<p>${mischiefOf(device)} <span class="dim">${say.saysSo}</span></p>
    ${
      rows.length === 0
        ? nothing
        : html`<table>
            <caption>${say.itsWeight}</caption>
            <thead><tr>
              <th></th><th scope="col" class="count">${say.inCoalition}</th><th scope="col" class="count">${say.inGlobal}</th>
            </tr></thead>
            <tbody>
              ${rows.map(
                ({ arm, found }) => html`<tr
                  data-testid="detail-influence"
                  data-arm=${arm.name}
                  data-coalition=${found.coalition ?? nothing}
                  data-global=${found.global}
                >
                  <th scope="row">${strings.armShort(arm.name, arm.strategy)}</th>
                  <td class="count">${percent(found.coalition)}</td>
                  <td class="count">${percent(found.global)}</td>
                </tr>`,
              )}
            </tbody>
          </table>`
    }`;
}
