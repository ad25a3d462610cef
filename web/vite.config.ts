import { marked } from "marked";
import { defineConfig, type Plugin } from "vite";

/** Markdown becomes HTML when the pages are built, so that no page carries a parser. */
const markdown: Plugin = {
  name: "markdown",
  transform: (text, id) =>
    id.endsWith(".md") ? { code: `export default ${JSON.stringify(marked.parse(text))}`, map: null } : undefined,
};

export default defineConfig({
  base: "/",
  plugins: [markdown],
  build: {
    target: "es2022",
    // The content security policy forbids fetching data: addresses, so the wasm file must stay a file.
    assetsInlineLimit: 0,
    rolldownOptions: { input: { index: "index.html", board: "board.html", join: "join.html", guide: "guide.html" } },
  },
  worker: { format: "es" },
});
