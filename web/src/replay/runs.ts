/** The recorded runs that come with the pages, in `public/replays/`. */

export const RUNS = ["why-averaging-fails", "coalitions-find-the-groups", "an-attacker"] as const;

export type RunName = (typeof RUNS)[number];

export function asRun(text: string | null): RunName | null {
  return RUNS.find((name) => name === text) ?? null;
}

export const runUrl = (name: RunName) => `/replays/${name}.replay.jsonl.gz`;
