import type { DeskCommand } from "../lib/api";
import type { RunConfig } from "../types.gen";
import type { BoardMessage } from "./state";

/** What the board's parts can ask for. */
export interface Actions {
  dispatch(message: BoardMessage): void;
  desk(command: DeskCommand): void;
  /** Edits the settings in the form. */
  changeSettings(edit: (config: RunConfig) => RunConfig): void;
  /** Begins a run with them, or shows which one is wrong. */
  applySettings(): void;
  /** Starts devices in this tab. */
  runHere(): void;
  readonly slow: SlowActions;
}

/** Slow motion: every one of these may need the desk. */
export interface SlowActions {
  begin(): void;
  /** The next phase, and after the last one the next round. */
  next(): void;
  /** Rounds follow each other again. */
  leave(): void;
}

const nothing = () => {};

/** Of a board on which nobody holds the desk: what can be chosen is what is shown. */
export function withoutDesk(dispatch: Actions["dispatch"]): Actions {
  const slow = { begin: nothing, next: nothing, leave: nothing };
  return { dispatch, desk: nothing, changeSettings: nothing, applySettings: nothing, runHere: nothing, slow };
}
