import type { DeskCommand } from "../lib/api";
import type { BoardMessage } from "./state";

/** What the board's parts can ask for. */
export interface Actions {
  dispatch(message: BoardMessage): void;
  desk(command: DeskCommand): void;
}
