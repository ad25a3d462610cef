/**
 * Marks of coalitions and arms. A coalition is told by colour, shape and letter together, an arm by colour and dash,
 * so nothing on a page is said by colour alone. Colours themselves live in `base.css`, one set per theme.
 */

import type { ArmView, CoalitionId } from "../types.gen";

const COLOURS = 8;

const SHAPES = ["circle", "triangle", "square", "diamond", "hexagon", "wedge", "pentagon", "cross"] as const;

export type Shape = (typeof SHAPES)[number];

export interface CoalitionMark {
  /** A to Z, then AA, AB and so on. */
  readonly letter: string;
  /** CSS class that sets `--k`. */
  readonly className: string;
  readonly shape: Shape;
}

export function coalitionMark(id: CoalitionId): CoalitionMark {
  const colour = id % COLOURS;
  // The shape moves on by one each time the colours start over, so that 64 coalitions get 64 different marks.
  const shape = SHAPES[(id + Math.floor(id / COLOURS)) % SHAPES.length] ?? "circle";
  return { letter: letterOf(id), className: `c-${colour}`, shape };
}

function letterOf(id: number): string {
  const last = String.fromCharCode(65 + (id % 26));
  return id < 26 ? last : letterOf(Math.floor(id / 26) - 1) + last;
}

/** Outline of a shape around the origin. All shapes of one radius cover about the same area. */
export function shapePath(shape: Shape, radius: number): string {
  switch (shape) {
    case "circle":
      return `M${-radius} 0A${radius} ${radius} 0 1 1 ${radius} 0A${radius} ${radius} 0 1 1 ${-radius} 0Z`;
    case "triangle":
      return polygon(3, radius * 1.55, -90);
    case "square":
      return polygon(4, radius * 1.25, -45);
    case "diamond":
      return polygon(4, radius * 1.28, -90);
    case "hexagon":
      return polygon(6, radius * 1.1, 0);
    case "wedge":
      return polygon(3, radius * 1.55, 90);
    case "pentagon":
      return polygon(5, radius * 1.15, -90);
    case "cross": {
      const [a, b] = [round(radius * 0.42), round(radius * 1.12)];
      return `M${-a} ${-b}H${a}V${-a}H${b}V${a}H${a}V${b}H${-a}V${a}H${-b}V${-a}H${-a}Z`;
    }
  }
}

/** A five-pointed star, the sign of a barycenter. */
export function starPath(radius: number): string {
  const points = Array.from({ length: 10 }, (_, i) => corner(i % 2 === 0 ? radius : radius * 0.42, -90 + i * 36));
  return `M${points.join("L")}Z`;
}

/** A ring of twelve spikes, the sign of a difficult device. */
export function burstPath(radius: number): string {
  const points = Array.from({ length: 24 }, (_, i) => corner(i % 2 === 0 ? radius : radius * 0.72, i * 15));
  return `M${points.join("L")}Z`;
}

function polygon(corners: number, radius: number, startDegrees: number): string {
  const points = Array.from({ length: corners }, (_, i) => corner(radius, startDegrees + (i * 360) / corners));
  return `M${points.join("L")}Z`;
}

function corner(radius: number, degrees: number): string {
  const angle = (degrees * Math.PI) / 180;
  return `${round(radius * Math.cos(angle))} ${round(radius * Math.sin(angle))}`;
}

const round = (value: number) => Math.round(value * 100) / 100;

export interface ArmMark {
  /** Name of the CSS variable that holds the colour. */
  readonly variable: string;
  /** CSS class that sets `--k`. */
  readonly className: string;
  /** Lengths of line and gap in pixels; empty for a whole line. */
  readonly dash: readonly number[];
}

const ARM_KINDS: Record<string, { tone: string; dash: readonly number[] }> = {
  coalition_models: { tone: "models", dash: [] },
  coalition_global: { tone: "global", dash: [10, 5] },
  fed_avg: { tone: "average", dash: [3, 4] },
  local_only: { tone: "alone", dash: [12, 4, 2, 4] },
};

const SPARE_DASHES: readonly (readonly number[])[] = [
  [6, 3],
  [16, 6],
  [2, 2],
  [8, 3, 2, 3, 2, 3],
];

/** A strategy keeps its colour in every run; a second arm of the same strategy gets one of the spare ones. */
export function armMarks(arms: readonly Pick<ArmView, "strategy">[]): ArmMark[] {
  const taken = new Set<string>();
  let spare = 0;
  return arms.map(({ strategy }) => {
    const kind = ARM_KINDS[strategy];
    if (kind && !taken.has(strategy)) {
      taken.add(strategy);
      return mark(kind.tone, kind.dash);
    }
    const index = spare++;
    return mark(`spare-${index % COLOURS}`, SPARE_DASHES[index % SPARE_DASHES.length] ?? []);
  });
}

function mark(tone: string, dash: readonly number[]): ArmMark {
  return { variable: `--arm-${tone}`, className: `arm-${tone}`, dash };
}
