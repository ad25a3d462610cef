/** The page that plays recordings, in Japanese. Recording 録画 · frame コマ · run 実行. */

import { bytes, whole } from "../lib/format";
import type { Strings } from "../strings";
import type { RefusalWords } from "./replay";

const refusals = {
  too_large: ({ most }) => `${bytes(most)}より大きいファイルです。もっと短い実行なら、ファイルも小さくなります。`,
  unread: ({ detail }) => `ブラウザーがファイルを読めませんでした（${detail}）。`,
  not_found: "サーバーにないか、サーバーから返事がありません。サーバーは動いていますか。",
  empty: "ファイルが空です。もう一度保存してください。",
  broken_gzip: "gzip形式のようですが、展開できません。もう一度コピーするか、保存し直してください。",
  not_json: ({ line }) =>
    `${whole(line)}行目がJSONではありません。録画はJSON Linesのテキスト（gzip圧縮も可）です。保存したままのファイルを開いてください。`,
  not_a_recording: "1行目に録画のしるしがありません。ボードの「保存」の一覧で「録画」を選ぶと、録画を保存できます。",
  newer: ({ version, known }) =>
    `1行目：録画のバージョンは${version}ですが、このページで再生できるのは${known}までです。新しいサーバーで開いてください。`,
  no_frames: "コマが1つもありません。保存したとき、まだ何も録画されていませんでした。",
  no_time: ({ line }) => `${whole(line)}行目：いつのコマか（time_ms）が書かれていません。もう一度保存してください。`,
  no_view: ({ line }) => `${whole(line)}行目：コマにルームの様子（view）がありません。もう一度保存してください。`,
  wrong_field: ({ line, field }) =>
    `${whole(line)}行目：${field} がないか、正しい値ではありません。もう一度保存し、ファイルを変えずに開いてください。`,
  out_of_order: ({ line }) => `${whole(line)}行目：前のコマより古いコマです。行を time_ms の順に並べ直してください。`,
  other_run: ({ line }) => `${whole(line)}行目：ここから別の実行が始まっています。実行ごとにファイルを分けてください。`,
} satisfies RefusalWords;

export const replay: Strings["replay"] = {
  link: "実行の録画を見る",
  pageTitle: "実行の録画、Constellation",
  title: "実行の録画を見る",
  what: "ボードに表示されたままの実行を、ルームもデバイスもなしで見られます。再生したり、止めたり、戻ったりできます。",
  runs: {
    "why-averaging-fails": {
      name: "平均が失敗するわけ",
      what: "4つの隠れたグループが、数字をたがいの名前で呼びます。グラフに注目：平均した1つのモデルは、デバイスがひとりで学んだものより悪く、グループごとのモデルには遠く及びません。",
    },
    "coalitions-find-the-groups": {
      name: "コアリションがグループを見つける",
      what: "4つの隠れたグループでは、数字の向きがちがいます。地図に注目：デバイスは重みだけを手がかりに集まります。そのあと「答えを見る」を押してみましょう。",
    },
    "an-attacker": {
      name: "1台の攻撃者",
      what: "ラウンド9から、12台のうち1台が重みに雑音を加えます。地図のぎざぎざの輪と、どの方式のグラフが下がるかに注目。",
    },
  },
  watch: "見る",
  watchRun: (name) => `見る：${name}`,
  choose: "録画を開く",
  drop: "または、このページのどこかにドロップ",
  dropHere: "ここにドロップすると再生します",
  fileHint: "ボードの「保存」で作られるファイル（constellation-….replay.jsonl、gzip圧縮も可）です。",
  stays: "ファイルはこのページの中で読まれ、どこにも送られません。",
  reading: (name) => `${name}を読んでいます…`,
  refused: (name) => `${name}は再生できません。`,
  refusals,
  cutOff: (frames) => `このファイルは最後の行が途中で切れています。それより前の${whole(frames)}コマを表示しています。`,
  recorded: "録画：",
  other: "別の録画を開く",
  player: "プレーヤー",
  play: "再生",
  pause: "一時停止",
  back: "1コマ戻る",
  forward: "1コマ進む",
  place: "録画の中の位置",
  time: "時間",
  speed: "速さ",
  doing: {
    lobby: "参加受付中",
    waiting: "デバイスを待っています",
    training: "学習中",
    resting: "終了",
    paused: "一時停止中",
    evaluating: "最後の測定",
    finished: "すべて終了",
  },
  at: (round, rounds, doing) =>
    round === 0 ? `ラウンド1の前、${doing}` : `ラウンド${whole(round)} / ${whole(rounds)}、${doing}`,
};
