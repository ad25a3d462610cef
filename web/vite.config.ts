import { defineConfig } from "vite";

export default defineConfig({
  base: "/",
  build: {
    target: "es2022",
    // The content security policy forbids fetching data: addresses, so the wasm file must stay a file.
    assetsInlineLimit: 0,
    rolldownOptions: { input: { index: "index.html", board: "board.html", join: "join.html" } },
  },
  worker: { format: "es" },
});
