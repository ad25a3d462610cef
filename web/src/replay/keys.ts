/** What keys mean on the whole page, where nothing that has the focus wants them for itself. */

import type { ReplayMessage } from "./state";

/** A key that was pressed, and what it was pressed on. */
export interface Pressed {
  readonly key: string;
  readonly modified: boolean;
  /** Whether the focused element, or one around it, fits a selector. */
  within(selector: string): boolean;
}

const WANT_SPACE = "button, a, select, summary, input:not([type=range]), textarea, .scroll";
const WANT_ARROWS = "select, input, textarea, [role=tab], [role=radio], .scroll, coalition-map";

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };

export function meaning({ key, modified, within }: Pressed): ReplayMessage | null {
  if (modified) return null;
  if (key === " ") return within(WANT_SPACE) ? null : { type: "play_toggled" };
  const by = Object.hasOwn(STEPS, key) ? STEPS[key] : undefined;
  return by === undefined || within(WANT_ARROWS) ? null : { type: "stepped", by };
}
