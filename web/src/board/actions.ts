import type { DeskCommand } from "../lib/api";
import type { BoardMessage } from "./state";

/** What the board's parts can ask for. */
export interface Actions {
  dispatch(message: BoardMessage): void;
  desk(command: DeskCommand): void;
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
