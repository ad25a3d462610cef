// Measures the board's own work from within. Stands in front of the page's scripts.
{
  const measured = { updates: [], glides: [] };
  window.measured = measured;
  let messages = -1; // The first view comes with the page, before the updates.
  let handling = 0;
  let fresh = false;

  const { set } = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  Object.defineProperty(WebSocket.prototype, "onmessage", {
    set(handler) {
      set.call(this, (event) => {
        const start = performance.now();
        handler.call(this, event);
        handling += performance.now() - start;
        messages += 1;
        fresh = true;
      });
    },
  });

  // A frame begins with its first callback; what is posted from there arrives after styles, layout and paint.
  let begun = null;
  let draws = null;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    const frame = performance.now() - begun;
    begun = null;
    if (draws === null) {
      measured.glides.push(frame);
      return;
    }
    if (messages > 0) measured.updates.push({ message: draws, frame });
    document.documentElement.dataset.messages = messages;
  };
  const request = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) =>
    request((now) => {
      if (begun === null) {
        begun = performance.now();
        draws = fresh ? handling : null;
        fresh = false;
        handling = 0;
        port2.postMessage(null);
      }
      callback(now);
    });
}
