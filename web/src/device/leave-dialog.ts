/** Asks before a device leaves, which cannot be taken back. */

import { html } from "lit";
import { strings } from "../strings";

const say = strings.device;

const ID = "leave-dialog";

export function openLeaveDialog(): void {
  const dialog = document.getElementById(ID);
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}

export function leaveDialog(name: string, leave: () => void) {
  const close = (event: Event) => (event.currentTarget as HTMLElement).closest("dialog")?.close();
  const now = (event: Event) => {
    close(event);
    leave();
  };
  return html`<dialog id=${ID} class="ask" aria-labelledby="leave-title" data-testid="leave-dialog">
    <h2 id="leave-title">${say.leaveAsk(name)}</h2>
    <p>${say.leaveWhat}</p>
    <p class="ways">
      <button type="button" autofocus data-testid="leave-cancel" @click=${close}>${say.leaveNot}</button>
      <button type="button" class="primary" data-testid="leave-confirm" @click=${now}>${say.leave}</button>
    </p>
  </dialog>`;
}
