/** Room codes in addresses. */

/** Codes are upper case; people type them in any case and with spaces. */
export function normalCode(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9]/g, "");
}

/** The room of `/board/K7QF` or `/join/K7QF`. */
export function roomOf(pathname: string): string {
  return normalCode(decodeURIComponent(pathname.split("/")[2] ?? ""));
}
