/** Devices that count less than others by an arm's rules: who they are, and why. */

import { html, nothing } from "lit";
import { percent } from "../lib/format";
import { strings } from "../strings";
import type { ArmView, DeviceId, SetAside } from "../types.gen";
import { asideSign } from "../ui/marks";

/** Where a device was set aside in an arm's last round; nowhere for most. */
export function asideOf(arm: Pick<ArmView, "set_aside">, device: DeviceId): readonly SetAside[] {
  return (arm.set_aside ?? []).filter((aside) => aside.device === device);
}

/** How many devices were set aside, for a legend. */
export function asideCount(arm: Pick<ArmView, "set_aside">) {
  const devices = new Set((arm.set_aside ?? []).map(({ device }) => device));
  return devices.size === 0
    ? nothing
    : html`<span title=${strings.setAside.hint} data-testid="set-aside" data-devices=${devices.size}
        >${asideSign} ${strings.setAside.legend(devices.size)}</span
      >`;
}

/** Why a device was set aside, a sentence for each model. */
export function asideReasons(arm: ArmView, device: DeviceId) {
  return asideOf(arm, device).map(
    (aside) => html`<p data-testid="detail-set-aside">${asideSign} ${sentence(aside)}</p>`,
  );
}

function sentence({ place, rule, counts, fair }: SetAside): string {
  const { where, why, fewMembers, sentence } = strings.setAside;
  return sentence(where[place], percent(counts), percent(fair), rule ? why[rule] : fewMembers);
}
