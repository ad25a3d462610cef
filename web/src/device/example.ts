/** The watch series as tables: one file for each of ten people, whose rows are two seconds each. */

import presets from "../presets.json";
import type { TableConfig } from "../types.gen";

const FILES: Record<string, string> = import.meta.glob("../samples/*.csv", {
  query: "?url",
  import: "default",
  eager: true,
});

const addresses = Object.entries(FILES)
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([, address]) => address);

const declared: TableConfig = presets.sensors.data.table;

/** The example of a device: slots are people, as far as there are people. */
export function exampleOf(slot: number): { name: string; address: string } {
  const person = slot % addresses.length;
  return { name: `watch-${person}.csv`, address: addresses[person] ?? "" };
}

/** Whether the examples' rows hold what a table asks for. */
export function hasExample(table: TableConfig): boolean {
  const labels = new Set(table.labels);
  const columns = new Set(declared.columns.map(({ name }) => name));
  return (
    table.label === declared.label &&
    declared.labels.every((label) => labels.has(label)) &&
    table.columns.every(({ name }) => columns.has(name))
  );
}
