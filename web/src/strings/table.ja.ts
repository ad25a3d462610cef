/** Why a file is no table of the room, in Japanese. */

import { exact } from "../lib/format";
import type { FileRefusal } from "../worker-messages";
import type { FileRefusalWords } from "./table";

export const fileRefusals = {
  unwanted: "このデバイスは、いまは表を必要としていません。",
  unread: ({ detail }) => `ブラウザーが読み込めませんでした：${detail}`,
  bytes: ({ found, most }) => `ファイルが大きすぎます（${exact(found)}バイト）。${exact(most)}バイトまで使えます。`,
  encoding: ({ row }) => `${row}行目：UTF-8の文字ではありません。UTF-8のCSVとして保存してください。`,
  empty: "ファイルが空です。1行目には列の名前を書いてください。",
  semicolons: "1行目：セミコロンで区切られています。コンマ区切りで保存してください。",
  missing: ({ column }) => `1行目：このルームに必要な列「${column}」がありません。`,
  twice: ({ column }) => `1行目：列「${column}」が2つ以上あります。`,
  quote: ({ row }) => `${row}行目：引用符が項目の終わりで閉じていません。`,
  fields: ({ row, found, expected }) => `${row}行目：項目が${found}個あります。1行目は${expected}個です。`,
  number: ({ row, column, found }) => `${row}行目、列「${column}」：「${found}」は数値ではありません（例：-1.5）。`,
  far: ({ row, column, found, least, most }) =>
    `${row}行目、列「${column}」：${found}は範囲の外です（${least}～${most}）。`,
  label: ({ row, column, found, labels }) =>
    `${row}行目、列「${column}」：「${found}」はラベルにありません（${labels}）。`,
  too_few: ({ found, least }) => `データの行が${found}行しかありません。${least}行以上必要です。`,
  too_many: ({ row, most }) => `${row}行目：データの行は${exact(most)}行まで使えます。`,
} satisfies FileRefusalWords<FileRefusal>;
