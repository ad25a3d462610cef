/** Why a file is no table of the room, in English. */

import { exact } from "../lib/format";
import type { FileRefusal } from "../worker-messages";

/** What is said of each kind. */
export type FileRefusalWords<R extends FileRefusal> = {
  readonly [Kind in R["kind"]]: string | ((refusal: Extract<R, { readonly kind: Kind }>) => string);
};

export const fileRefusals = {
  unwanted: "This device needs no table now.",
  unread: ({ detail }) => `The browser could not read it: ${detail}`,
  bytes: ({ found, most }) => `The file has ${exact(found)} bytes; at most ${exact(most)} fit.`,
  encoding: ({ row }) => `Row ${row}: this is no UTF-8 text. Save the file as CSV in UTF-8.`,
  empty: "The file is empty; its first row should name the columns.",
  semicolons: "Row 1: fields are separated by semicolons. Save the file with commas.",
  missing: ({ column }) => `Row 1: there is no column “${column}”, which this room needs.`,
  twice: ({ column }) => `Row 1: there is more than one column “${column}”.`,
  quote: ({ row }) => `Row ${row}: a quote does not close at the end of its field.`,
  fields: ({ row, found, expected }) => `Row ${row}: it has ${found} fields, and row 1 has ${expected}.`,
  number: ({ row, column, found }) => `Row ${row}, column “${column}”: “${found}” is no number such as -1.5.`,
  far: ({ row, column, found, least, most }) =>
    `Row ${row}, column “${column}”: ${found} is not within ${least} to ${most}.`,
  label: ({ row, column, found, labels }) =>
    `Row ${row}, column “${column}”: “${found}” is none of the labels ${labels}.`,
  too_few: ({ found, least }) => `There are ${found} rows below the names; at least ${least} are needed.`,
  too_many: ({ row, most }) => `Row ${row}: at most ${exact(most)} rows below the names fit.`,
} satisfies FileRefusalWords<FileRefusal>;
