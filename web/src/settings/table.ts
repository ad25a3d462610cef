/**
 * The declaration of devices' tables as text, in the form and in addresses: `label = one | another`, then a line
 * `name mean sd` for each column. Names have neither of the two signs, and no line breaks.
 */

import type { Column, TableConfig } from "../types.gen";

const BETWEEN_LABELS = "|";
const AFTER_NAME = "=";

export function tableText({ label, labels, columns }: TableConfig): string {
  const first = `${label} ${AFTER_NAME} ${labels.join(` ${BETWEEN_LABELS} `)}`;
  return [
    first,
    ...columns.map(({ name, mean, sd }) => [name, mean, sd].filter((part) => !isMissing(part)).join(" ")),
  ].join("\n");
}

/** What is written amiss comes out as it is, and is no table that [`isTable`] takes. */
export function tableOf(text: string): TableConfig {
  const [first = "", ...rest] = text.split("\n").filter((line) => line.trim() !== "");
  const [label = "", labels = ""] = first.split(AFTER_NAME);
  return {
    label: label.trim(),
    labels: labels.split(BETWEEN_LABELS).map((one) => one.trim()),
    columns: rest.map(column),
  };
}

export function isTable({ label, labels, columns }: TableConfig): boolean {
  const named = [label, ...labels, ...columns.map(({ name }) => name)].every((name) => name !== "");
  const scaled = columns.every(({ mean, sd }) => Number.isFinite(mean) && Number.isFinite(sd) && sd > 0);
  return named && scaled && labels.length > 1 && columns.length > 0;
}

function column(line: string): Column {
  const [, name, mean, sd] = line.trim().match(/^(.*\S)\s+(\S+)\s+(\S+)$/) ?? [];
  const numbers = [Number(mean), Number(sd)];
  return name === undefined || numbers.some(Number.isNaN)
    ? { name: line.trim(), mean: Number.NaN, sd: Number.NaN }
    : { name, mean: Number(mean), sd: Number(sd) };
}

const isMissing = (part: unknown) => typeof part === "number" && Number.isNaN(part);
