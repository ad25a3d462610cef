/** Holds a page's state and draws it at most once per animation frame, however many messages arrive in between. */

export interface Store<State, Message> {
  readonly state: State;
  dispatch(message: Message): void;
  /** Draws the same state again: what it is drawn with has changed. */
  redraw(): void;
}

export function createStore<State, Message>(
  initial: State,
  reduce: (state: State, message: Message) => State,
  draw: (state: State) => void,
  frame: (callback: () => void) => void = (callback) => requestAnimationFrame(callback),
): Store<State, Message> {
  let state = initial;
  let scheduled = false;
  const schedule = () => {
    if (scheduled) return;
    scheduled = true;
    frame(() => {
      scheduled = false;
      draw(state);
    });
  };
  schedule();
  return {
    get state() {
      return state;
    },
    dispatch(message) {
      const next = reduce(state, message);
      if (next === state) return;
      state = next;
      schedule();
    },
    redraw: schedule,
  };
}

/** The `default` of every switch over a message: the compiler refuses a kind that nobody handles. */
export function unreachable(value: never): never {
  throw new Error(`unhandled: ${JSON.stringify(value)}`);
}
