/** SVG files that stand alone. */

export interface Paint {
  readonly panel: string;
  readonly ink: string;
  readonly dim: string;
  readonly line: string;
}

export interface PictureFile {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly description: string;
  readonly paint: Paint;
  /** Elements, already escaped. */
  readonly content: string;
}

const FONT = "system-ui, 'Noto Sans', 'Noto Sans CJK JP', sans-serif";

export function pictureFile({ width, height, title, description, paint, content }: PictureFile): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${FONT}"><title>${escaped(title)}</title><desc>${escaped(description)}</desc><rect width="${width}" height="${height}" fill="${paint.panel}"/>${content}</svg>
`;
}

const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
}

/** The colours that the page shows now. */
export function paintOf(style: CSSStyleDeclaration): Paint {
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return { panel: colour("panel"), ink: colour("ink"), dim: colour("dim"), line: colour("line") };
}

/** What a picture's style sheet can say about its marks. */
const STYLED = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-opacity",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "opacity",
  "paint-order",
  "font-size",
  "font-weight",
  "text-anchor",
] as const;

/** The marks of a picture on the page, with the styles that they have there as attributes of their own. */
export function inlined(picture: SVGSVGElement): string {
  const copy = picture.cloneNode(true) as SVGSVGElement;
  const marks = picture.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((mark, i) => {
    const shown = marks[i];
    if (!shown) return;
    const style = getComputedStyle(shown);
    for (const { name } of [...mark.attributes]) if (!GEOMETRY.has(name)) mark.removeAttribute(name);
    for (const name of STYLED) mark.setAttribute(name, style.getPropertyValue(name));
  });
  // The template's own comments are nobody's business.
  const comments = document.createTreeWalker(copy, NodeFilter.SHOW_COMMENT);
  const found: Node[] = [];
  while (comments.nextNode()) found.push(comments.currentNode);
  for (const comment of found) comment.parentNode?.removeChild(comment);
  return [...copy.childNodes].map((child) => new XMLSerializer().serializeToString(child)).join("");
}

const GEOMETRY = new Set(["d", "r", "cx", "cy", "x", "y", "x1", "y1", "x2", "y2", "dx", "dy", "transform", "points"]);

/** Gives the picture to whoever pressed the button, as a file. */
export function saveSvg(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // No event says when the browser has taken the file.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
