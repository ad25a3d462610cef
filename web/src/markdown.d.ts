/** A Markdown file is a module with its HTML; see `vite.config.ts`. */
declare module "*.md" {
  const html: string;
  export default html;
}
