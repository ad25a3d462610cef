/** Model arrives, training here, weights leave: the one picture of what federated learning is. */

import { html, nothing, svg, type TemplateResult } from "lit";
import { strings } from "../strings";
import type { Activity } from "../types.gen";

const say = strings.device;

export function flow(activity: Activity, progress: number) {
  const part = Math.round(progress * 100);
  return html`<ol class="flow">
      ${step(say.modelArrives, activity === "evaluating", arrow(false))}
      ${step(say.trainsHere, activity === "training", ring(activity === "training" ? part : 0))}
      ${step(say.weightsLeave, activity === "sending", arrow(true))}
    </ol>
    <progress max="100" .value=${part} aria-label=${say.progress}></progress>
    <p class="activity" data-testid="device-activity" data-activity=${activity}>${strings.activities[activity]}</p>`;
}

function step(label: string, on: boolean, icon: TemplateResult) {
  return html`<li class=${on ? "on" : ""} aria-current=${on ? "step" : nothing}>${icon}<span>${label}</span></li>`;
}

/** An arrow between the server's line above and the device's below. */
function arrow(up: boolean) {
  return html`<svg viewBox="-20 -20 40 40" aria-hidden="true">
    <path class="line" d="M-14 ${up ? -15 : 15}H14" />
    <path class="line" d="M0 ${up ? 13 : -13}V${up ? -9 : 9}M-8 ${up ? -2 : 2}L0 ${up ? -10 : 10}L8 ${up ? -2 : 2}" />
  </svg>`;
}

function ring(part: number) {
  return html`<svg viewBox="-20 -20 40 40" aria-hidden="true">
    <circle class="track" r="14" />
    ${part > 0 ? svg`<circle class="done" r="14" pathLength="100" stroke-dasharray="${part} 100" transform="rotate(-90)" />` : nothing}
    <circle class="core" r="5" />
  </svg>`;
}
