/** Asks before a device is put out, which cannot be taken back. */

import { html, nothing } from "lit";
import { ref } from "lit/directives/ref.js";
import { strings } from "../strings";
import type { View } from "../types.gen";
import type { Actions } from "./actions";
import type { BoardState } from "./state";

const say = strings.board;

export function removeDialog({ removing, busy }: BoardState, view: View, actions: Actions) {
  const device = view.devices.find(({ id }) => id === removing);
  if (!device) return nothing;
  const close = (event: Event) => (event.currentTarget as HTMLElement).closest("dialog")?.close();
  const remove = (event: Event) => {
    close(event);
    actions.desk({ command: "remove", device: device.id });
    // The button that was pressed goes with its row.
    document.getElementById("membership-title")?.focus();
  };
  return html`<dialog
    class="ask"
    aria-labelledby="remove-title"
    data-testid="remove-dialog"
    ${ref(opened)}
    @close=${() => actions.dispatch({ type: "remove_closed" })}
  >
    <h2 id="remove-title">${say.removeAsk(device.id, device.name)}</h2>
    <p>${say.removeWhat}</p>
    <p class="ways">
      <button type="button" autofocus data-testid="remove-cancel" @click=${close}>${say.removeNot}</button>
      <button type="button" class="primary" data-testid="remove-confirm" ?disabled=${busy} @click=${remove}>${say.removeNow}</button>
    </p>
  </dialog>`;
}

/** A dialog can be opened once it is on the page. Closed, it gives the focus back by itself. */
function opened(dialog: Element | undefined) {
  if (!(dialog instanceof HTMLDialogElement)) return;
  queueMicrotask(() => dialog.isConnected && !dialog.open && dialog.showModal());
}
