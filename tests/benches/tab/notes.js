// Notes what becomes of the page's workers. Stands in front of the page's scripts.
{
  const notes = [];
  window.notes = notes;
  window.Worker = class extends Worker {
    #note = { started: performance.now() };

    constructor(...how) {
      super(...how);
      notes.push(this.#note);
      this.addEventListener("message", ({ data }) => {
        if (data.type === "view" && data.view.activity === "training") this.#happened("trained");
        if (data.type === "joined" || data.type === "samples") this.#happened(data.type);
        if (data.type === "left") this.#happened("left");
      });
    }

    postMessage(message, ...rest) {
      if (message.type === "leave") this.#happened("told");
      super.postMessage(message, ...rest);
    }

    // Whoever waits for it looks when the page changes.
    #happened(what) {
      this.#note[what] ??= performance.now();
      document.documentElement.dataset[what] = "";
    }
  };

  const seen = [document.visibilityState];
  window.seen = seen;
  document.addEventListener("visibilitychange", () => seen.push(document.visibilityState));
}
