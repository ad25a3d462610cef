/**
 * What a board shows and the settings in its form, in the query of its address, so that a link or a reload gives the
 * same. The desk's token is in the fragment, which this neither reads nor writes.
 */

import { decodeSettings, encodeSettings, isSettingKey } from "../settings/address";
import type { BoardState, Listing, Picture, Question } from "./state";

export type Shown = Pick<BoardState, "arm" | "question" | "picture" | "listing" | "answerShown">;

const QUESTIONS: readonly Question[] = ["balanced", "own"];
const PICTURES: readonly Picture[] = ["map", "distances"];
const LISTINGS: readonly Listing[] = ["rounds", "devices", "traffic", "feed"];
export const SHOWN_KEYS: readonly string[] = ["arm", "question", "picture", "listing", "answer"];

/** What differs from a board as it opens. */
export function encodeShown({ arm, question, picture, listing, answerShown }: Shown): [key: string, text: string][] {
  const all: [string, string | null][] = [
    ["arm", arm],
    ["question", question === "balanced" ? null : question],
    ["picture", picture === "map" ? null : picture],
    ["listing", listing],
    ["answer", answerShown ? "shown" : null],
  ];
  return all.filter((entry): entry is [string, string] => entry[1] !== null);
}

export function decodeShown(params: URLSearchParams): Shown {
  const known = <Name extends string>(names: readonly Name[], key: string) =>
    names.find((name) => name === params.get(key)) ?? null;
  return {
    arm: params.get("arm") || null,
    question: known(QUESTIONS, "question") ?? "balanced",
    picture: known(PICTURES, "picture") ?? "map",
    listing: known(LISTINGS, "listing"),
    answerShown: params.get("answer") === "shown",
  };
}

/** The board's state that its address asks for. Settings are for whoever holds the desk. */
export function fromAddress(state: BoardState, search: string): BoardState {
  const params = new URLSearchParams(search);
  const asksForSettings = [...params.keys()].some(isSettingKey);
  return {
    ...state,
    ...decodeShown(params),
    draft: state.desk && asksForSettings ? decodeSettings(params) : null,
  };
}

/** The query of a board's address: that of now, with what the board shows. */
export function searchOf(state: BoardState, search: string): string {
  const config = state.draft ?? state.view?.config;
  // Nothing is known of the room's settings yet, or one of them is being written.
  if (!config) return search;
  const params = new URLSearchParams(search);
  for (const key of [...params.keys()]) if (SHOWN_KEYS.includes(key) || isSettingKey(key)) params.delete(key);
  for (const [key, text] of [...encodeShown(state), ...encodeSettings(config)]) params.append(key, text);
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}
