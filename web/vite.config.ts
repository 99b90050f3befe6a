import { readFileSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

const root = import.meta.dirname;
const pages = readdirSync(root).filter((name) => name.endsWith(".html"));

/** Put the parts that all pages share in place of `<!-- head -->`, `<!-- header -->` and `<!-- footer -->`. */
function partials(): Plugin {
  const part = (name: string): string => readFileSync(resolve(root, "partials", `${name}.html`), "utf8").trim();
  return {
    name: "partials",
    transformIndexHtml: {
      order: "pre",
      handler: (html, context) => {
        const page = context.filename.replace(/^.*\/|\.html$/g, "");
        const here = `data-nav="${page}"`;
        return html
          .replace("<!-- head -->", part("head"))
          .replace("<!-- header -->", part("header").replace(here, `${here} aria-current="page"`))
          .replace("<!-- footer -->", part("footer"));
      },
    },
  };
}

/**
 * Leave out of uPlot what no plot here uses: its ways of drawing bars, steps and splines, and its joining of tables.
 * It hangs them on its main function, which keeps them alive; without those lines the bundler drops them.
 * The version of uPlot is pinned exactly; should the lines be missing all the same, the build stops.
 */
function lighterPlot(): Plugin {
  const unused = [
    "uPlot.join = join;",
    "(paths.stepped = stepped);",
    "(paths.bars    = bars);",
    "(paths.spline  = monotoneCubic);",
  ];
  return {
    name: "lighter-plot",
    transform: {
      filter: { id: /uPlot\.esm\.js$/ },
      handler: (code) => {
        const missing = unused.filter((line) => !code.includes(line));
        if (missing.length > 0) throw new Error(`uPlot changed: it no longer has ${missing.join(" ")}`);
        return { code: unused.reduce((rest, line) => rest.replace(line, ""), code), map: null };
      },
    },
  };
}

export default defineConfig({
  root,
  appType: "mpa",
  plugins: [partials(), lighterPlot()],
  server: { host: "127.0.0.1", proxy: { "/api": "http://127.0.0.1:8020", "/data": "http://127.0.0.1:8020" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // data: addresses would need a wider content security policy
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: pages.map((name) => resolve(root, name)),
      output: {
        codeSplitting: {
          // What every page needs travels together: it packs better, and is fetched once.
          groups: [{ name: "site", test: /src\/lib\/(dom|address|api|format|session|shell|states|table)\.ts$/ }],
        },
      },
    },
  },
});
