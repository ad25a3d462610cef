/** The box beside the map that says everything about the device pointed at. */

import { html, nothing } from "lit";
import { bytes, fixed, percent } from "../lib/format";
import { armMarks, coalitionMark } from "../lib/palette";
import { strings } from "../strings";
import type { View } from "../types.gen";
import { histogram } from "../ui/histogram";
import { armSign, coalitionSign } from "../ui/marks";
import { influenceCells, influenceHead, mischiefOf } from "./mischief";
import { nearest, toBarycenter } from "./neighbours";
import { coalitionOf, selectedArm } from "./select";
import { asideReasons } from "./set-aside";
import { shorterPlanOf } from "./shorter-plan";
import type { BoardState } from "./state";

const say = strings.board;

const NEIGHBOURS = 3;

export function deviceDetail(state: BoardState, view: View) {
  const device = view.devices.find(({ id }) => id === state.looked);
  const arm = selectedArm(view, state.arm);
  if (!device || !arm) return nothing;
  const coalition = coalitionOf(arm);
  const of = (id: number) => {
    const found = coalition.get(id);
    return found === undefined ? nothing : html`${coalitionSign(found)} ${coalitionMark(found).letter}`;
  };
  const distances = state.distances?.arm === arm.name ? state.distances : null;
  const near = distances ? nearest(distances, device.id, NEIGHBOURS) : [];
  const marks = armMarks(view.arms);
  return html`<aside class="detail" aria-live="polite" data-testid="detail" data-device=${device.id}>
    <h3><b>${strings.device.name(device.id)}</b> <span class="dim">${device.name}</span> ${of(device.id)} ${shorterPlanOf(device)} ${mischiefOf(device)}</h3>
    <div class="detail-grid">
      <table>
        <caption>${say.nearestOf(strings.armShort(arm.name, arm.strategy))}</caption>
        <tbody>
          ${near.map(
            (other) => html`<tr data-testid="detail-neighbour" data-device=${other.device}>
              <th scope="row">${strings.device.name(other.device)} ${of(other.device)}</th>
              <td class="count">${fixed(other.distance, 2)}</td>
            </tr>`,
          )}
          ${near.length === 0 ? html`<tr><td colspan="2" class="dim">${say.noDistances}</td></tr>` : nothing}
          ${
            distances && coalition.has(device.id)
              ? html`<tr>
                  <th scope="row">${say.toBarycenter}</th>
                  <td class="count" data-testid="detail-barycenter">${fixed(toBarycenter(distances, device.id), 2)}</td>
                </tr>`
              : nothing
          }
        </tbody>
      </table>
      <table>
        <caption>${say.accuracy}</caption>
        <thead><tr><th></th><th scope="col" class="count">${say.balanced}</th><th scope="col" class="count">${say.own}</th>${influenceHead(device)}</tr></thead>
        <tbody>
          ${view.arms.map((each, i) => {
            const measured = each.devices.find((row) => row.device === device.id);
            const mark = marks[i];
            return html`<tr data-testid="detail-accuracy" data-arm=${each.name}>
              <th scope="row">${mark ? armSign(mark) : nothing}${strings.armShort(each.name, each.strategy)}</th>
              <td class="count">${percent(measured?.balanced)}</td>
              <td class="count">${percent(measured?.own)}</td>
              ${influenceCells(each, device)}
            </tr>`;
          })}
        </tbody>
      </table>
    </div>
    ${asideReasons(arm, device.id)}
    ${device.labels.length > 0 ? histogram(device.labels) : nothing}
    <p class="dim">${say.detailCounts(device.examples, bytes(device.bytes_up), bytes(device.bytes_down))}</p>
  </aside>`;
}
