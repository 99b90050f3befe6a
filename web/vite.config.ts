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

export default defineConfig({
  root,
  appType: "mpa",
  plugins: [partials()],
  server: { host: "127.0.0.1", proxy: { "/api": "http://127.0.0.1:8020", "/data": "http://127.0.0.1:8020" } },
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // data: addresses would need a wider content security policy
    modulePreload: { polyfill: false },
    rolldownOptions: { input: pages.map((name) => resolve(root, name)) },
  },
});
