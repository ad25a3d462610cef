/** The calls a page makes. The rest of the protocol is spoken by the device's worker. */

import type { DeviceId, Distances, Memberships, Round, RunConfig, View } from "../types.gen";

export type DeskCommand =
  | { readonly command: "start" }
  | { readonly command: "pause" }
  | { readonly command: "step" }
  | { readonly command: "lock" }
  | { readonly command: "unlock" }
  | { readonly command: "configure"; readonly config: RunConfig }
  | { readonly command: "remove"; readonly device: DeviceId }
  | { readonly command: "mischief"; readonly allowed: boolean };

/** What `POST /api/rooms` answers, as far as a page needs it. */
export interface NewRoom {
  readonly room: string;
  readonly desk_token: string;
}

/** What `GET /api/rooms/{room}/join` answers. */
export interface JoinAddress {
  readonly join_url: string;
  readonly qr_svg_url: string;
}

/** Something went wrong: a stable code, and the server's sentence where it gave one. The page says it by `strings.refusal`. */
export interface Notice {
  readonly code: string;
  readonly detail: string;
  /** The setting that it is about. */
  readonly field?: string;
}

export function noticeOf(error: unknown): Notice {
  if (!(error instanceof Refused)) return { code: "no_server", detail: "" };
  const { code, message, field } = error;
  return { code, detail: message, ...(field && { field }) };
}

/** A refusal of the server, with the sentence it gave (RFC 9457). */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    /** The setting of a configuration that it is about, else empty. */
    readonly field = "",
  ) {
    super(detail);
  }
}

export const startRoom = (config: RunConfig) => call<NewRoom>("POST", "/api/rooms", { config });

export const joinAddress = (room: string) => call<JoinAddress>("GET", `${roomUrl(room)}/join`);

export const readRoom = (room: string) => call<View>("GET", roomUrl(room));

export const readMemberships = (room: string, arm: string, after: Round) =>
  call<Memberships>("GET", `${armUrl(room, arm)}/memberships?after=${after}`);

export const readDistances = (room: string, arm: string) => call<Distances>("GET", `${armUrl(room, arm)}/distances`);

export function desk(room: string, token: string, { command, ...body }: DeskCommand): Promise<View> {
  return call<View>("POST", `${roomUrl(room)}/desk/${command}`, body, token);
}

export function liveUrl(room: string, page: Location): string {
  return `${page.protocol === "https:" ? "wss:" : "ws:"}//${page.host}${roomUrl(room)}/live`;
}

export const exportUrl = (room: string, format: string) => `${roomUrl(room)}/export?format=${format}`;

export const modelUrl = (room: string, arm: string, model: string, format: string) =>
  `${armUrl(room, arm)}/models/${model}?format=${format}`;

const roomUrl = (room: string) => `/api/rooms/${encodeURIComponent(room)}`;

const armUrl = (room: string, arm: string) => `${roomUrl(room)}/arms/${encodeURIComponent(arm)}`;

async function call<Answer>(method: "GET" | "POST", url: string, body?: object, token?: string): Promise<Answer> {
  const headers = new Headers();
  if (body) headers.set("content-type", "application/json");
  if (token) headers.set("authorization", `Bearer ${token}`);
  const response = await fetch(url, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  if (!response.ok) throw await refusal(response);
  // The server and this page are built together; its types are checked there.
  return (await response.json()) as Answer;
}

async function refusal(response: Response): Promise<Refused> {
  const problem: unknown = await response.json().catch(() => null);
  const field = (name: string) => {
    const value: unknown = problem && typeof problem === "object" ? Reflect.get(problem, name) : undefined;
    return typeof value === "string" ? value : "";
  };
  const detail = field("detail") || field("title") || `${response.status} ${response.statusText}`;
  return new Refused(response.status, field("code"), detail, field("field"));
}
