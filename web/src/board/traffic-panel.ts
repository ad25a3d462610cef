/** What each arm costs, as bars and as a table, and what plain averaging would have cost in the same rounds. */

import { html, nothing } from "lit";
import { bytes } from "../lib/format";
import { type ArmMark, armMarks } from "../lib/palette";
import { strings } from "../strings";
import type { ArmTraffic, View } from "../types.gen";
import { armSign } from "../ui/marks";

const say = strings.cost;

export interface CostRow {
  /** Name of the arm; `null` for plain averaging, which is no arm of this run. */
  readonly arm: string | null;
  readonly title: string;
  readonly mark: ArmMark | null;
  readonly traffic: ArmTraffic;
}

/** The arms in their order. Plain averaging is among them, or comes last. */
export function costRows(view: View): CostRow[] {
  const marks = armMarks(view.arms);
  const rows = view.arms.map((arm, i) => ({
    arm: arm.name,
    title: strings.armShort(arm.name, arm.strategy),
    mark: marks[i] ?? null,
    traffic: arm.traffic,
  }));
  if (view.arms.some(({ strategy }) => strategy === "fed_avg")) return rows;
  const title = say.plain(strings.armShort("fed_avg", "fed_avg"));
  return [...rows, { arm: null, title, mark: null, traffic: view.traffic.plain_averaging }];
}

/** How many times as much as plain averaging; `null` while that costs nothing. */
export function timesPlain(traffic: ArmTraffic, plain: ArmTraffic): number | null {
  const whole = plain.bytes_up + plain.bytes_down;
  return whole > 0 ? (traffic.bytes_up + traffic.bytes_down) / whole : null;
}

const [WIDTH, HEIGHT] = [100, 12];

export function costPanel(view: View) {
  const rows = costRows(view);
  const plain = view.traffic.plain_averaging;
  const most = Math.max(...rows.map(({ traffic }) => traffic.bytes_up + traffic.bytes_down), 1);
  return html`<div class="costs">
    <p class="sentence">${say.hint}</p>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="membership-title">
      <table data-testid="costs">
        <thead><tr>
          <th scope="col">${strings.device.arm}</th>
          <th scope="col" class="bar"><span class="unseen">${say.picture}</span></th>
          <th scope="col" class="count">${say.up}</th>
          <th scope="col" class="count">${say.down}</th>
          <th scope="col" class="count">${say.roundUp}</th>
          <th scope="col" class="count">${say.roundDown}</th>
          <th scope="col" class="count">${say.times}</th>
        </tr></thead>
        <tbody>${rows.map((row) => costRow(row, plain, most))}</tbody>
      </table>
    </div>
  </div>`;
}

function costRow({ arm, title, mark, traffic }: CostRow, plain: ArmTraffic, most: number) {
  const times = timesPlain(traffic, plain);
  const [up, down] = [(WIDTH * traffic.bytes_up) / most, (WIDTH * traffic.bytes_down) / most];
  return html`<tr
    class=${mark?.className ?? "plain"}
    data-testid="cost-row"
    data-arm=${arm ?? nothing}
    data-up=${traffic.bytes_up}
    data-down=${traffic.bytes_down}
  >
    <th scope="row">${mark ? armSign(mark) : nothing} ${title}</th>
    <td class="bar"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
      <rect class="up" width=${up.toFixed(2)} height=${HEIGHT} />
      <rect class="down" x=${up.toFixed(2)} width=${down.toFixed(2)} height=${HEIGHT} />
    </svg></td>
    <td class="count">${bytes(traffic.bytes_up)}</td>
    <td class="count">${bytes(traffic.bytes_down)}</td>
    <td class="count">${bytes(traffic.round_up)}</td>
    <td class="count">${bytes(traffic.round_down)}</td>
    <td class="count">${times === null ? "—" : say.timesPlain(times)}</td>
  </tr>`;
}
