import { marked } from "marked";
import { defineConfig, type Plugin } from "vite";

/** A line that ends and goes on in Japanese: there a browser must not put a space. */
const JAPANESE_BREAK = /(?<=[\u3000-\u9fff\uff00-\uffef])\n(?=[\u3000-\u9fff\uff00-\uffef])/g;

/** Markdown becomes HTML when the pages are built, so that no page carries a parser. */
const markdown: Plugin = {
  name: "markdown",
  transform(text, id) {
    if (!id.endsWith(".md")) return undefined;
    return { code: `export default ${JSON.stringify(marked.parse(text.replace(JAPANESE_BREAK, "")))}`, map: null };
  },
};

export default defineConfig({
  base: "/",
  plugins: [markdown],
  build: {
    target: "es2022",
    // The content security policy forbids fetching data: addresses, so the wasm file must stay a file.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: {
        index: "index.html",
        board: "board.html",
        join: "join.html",
        guide: "guide.html",
        replay: "replay.html",
      },
    },
  },
  worker: { format: "es" },
});
