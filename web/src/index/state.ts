import type { Notice } from "../lib/api";
import { unreachable } from "../lib/store";

export interface HomeState {
  readonly busy: boolean;
  /** What the server refused, or what is missing. */
  readonly notice: Notice | null;
}

export type HomeMessage =
  | { readonly type: "start_sent" }
  | { readonly type: "refused"; readonly notice: Notice }
  | { readonly type: "came_back" };

export const initialHome: HomeState = { busy: false, notice: null };

export function reduceHome(state: HomeState, message: HomeMessage): HomeState {
  switch (message.type) {
    case "start_sent":
      return { busy: true, notice: null };
    case "refused":
      return { busy: false, notice: message.notice };
    case "came_back":
      return { ...state, busy: false };
    default:
      return unreachable(message);
  }
}
