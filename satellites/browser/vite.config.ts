import { defineConfig } from "vite";

// Built into the hub's package and committed there: whoever installs the hub needs no Node.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../../hub/antiphon_hub/web/satellite",
    emptyOutDir: true,
    target: "es2022",
    license: { fileName: "licences.md" },
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: {
      // The page, and what the console's other pages record with.
      input: { satellite: "index.html", recorder: "src/recorder/recorder.ts" },
      preserveEntrySignatures: "strict",
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        assetFileNames: "[name][extname]",
      },
    },
  },
  worker: {
    format: "es",
    rollupOptions: { output: { entryFileNames: "[name].js" } },
  },
});
