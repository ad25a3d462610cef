// Runs before the first paint, so that no page flashes in the other theme. `src/lib/theme.ts` has the same rule.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("constellation.theme");
  } catch {
    // Storage may be forbidden; then the system decides.
  }
  const light = chosen === "light" || (chosen !== "dark" && matchMedia("(prefers-color-scheme: light)").matches);
  document.documentElement.dataset.theme = light ? "light" : "dark";
})();
