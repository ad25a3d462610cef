/** The sign of a device that trains on fewer batches than the others, since it was late. */

import { html, nothing } from "lit";
import { partOfPlan } from "../lib/format";
import { strings } from "../strings";
import type { DeviceRow } from "../types.gen";

const say = strings.shorterPlan;

export function shorterPlanOf({ halvings }: Pick<DeviceRow, "halvings">) {
  return halvings
    ? html`<span class="shorter" title=${say.why} data-testid="shorter-plan" data-halvings=${halvings}>${say.of(partOfPlan(halvings))}</span>`
    : nothing;
}
