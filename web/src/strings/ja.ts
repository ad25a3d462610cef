/**
 * The pages in Japanese: です・ます, for pupils and teachers.
 *
 * Terms, each said in one way only:
 * federated learning 連合学習 · coalition コアリション (連合 is taken by 連合学習, グループ by the hidden groups) ·
 * weights 重み · device デバイス · room ルーム · board ボード · round ラウンド · arm 方式 · plain averaging 単純平均 ·
 * barycenter 重心 · global model グローバルモデル · accuracy 正解率 (balanced 均等, own 自分) · loss 損失 ·
 * example データ, counted 件 · label ラベル · slot スロット · hidden group 隠れたグループ · spread ばらつき ·
 * agreement 一致度 · seed シード · fingerprint フィンガープリント · refused 拒否.
 */

import { percent, signed, whole } from "../lib/format";
import { ofKey, type PageCode, type StrategyWords, type Strings } from "../strings";
import type { Activity, DeviceState, Phase, StrategyConfig } from "../types.gen";
import { settings } from "./settings.ja";

const phases: Record<Phase, string> = {
  lobby: "参加受付中",
  waiting: "デバイスを待っています",
  training: "デバイスが学習中",
  resting: "ラウンド終了",
  paused: "一時停止中",
  evaluating: "最後の測定中",
  finished: "終了",
};

const deviceStates: Record<DeviceState, string> = {
  ready: "待機",
  training: "学習中",
  sent: "送信済",
  late: "遅れ",
  away: "不在",
};

const activities: Record<Activity, string> = {
  connecting: "接続しています",
  loading_data: "データを読み込んでいます",
  waiting: "次のラウンドを待っています",
  evaluating: "届いたモデルを測定しています",
  training: "自分のデータで学習しています",
  sending: "重みを送っています",
  finished: "すべてのラウンドが終わりました",
};

const strategies: Record<StrategyConfig["kind"], StrategyWords> = {
  local_only: {
    title: "それぞれ単独",
    short: "単独",
    sentence: "どのデバイスも自分の重みだけで学習を続けます。重みは外に出ません。",
  },
  fed_avg: {
    title: "単純平均",
    short: "単純平均",
    sentence: "全員で1つのモデルを使います。全員の重みを、データの件数に応じて平均します（FedAvg）。",
  },
  fed_avg_fine_tune: {
    title: "単純平均＋追加学習",
    short: "追加学習",
    sentence: "全員で1つのモデルを作り、各デバイスが自分のデータで追加学習してから使います。",
  },
  fed_prox: {
    title: "引き戻しつき平均",
    short: "FedProx",
    sentence: "全員で1つのモデルを使います。学習中は、出発点のモデルから離れすぎないように引き戻します（FedProx）。",
  },
  scaffold: {
    title: "補正つき平均",
    short: "SCAFFOLD",
    sentence:
      "全員で1つのモデルを使います。各デバイスは、ほかのデバイスの進み方との違いを知らされ、補正します（SCAFFOLD）。",
  },
  oracle_groups: {
    title: "正解のグループを使う",
    short: "正解グループ",
    sentence: "隠れたグループを知っているとして、グループごとに1つのモデルを使います。グループ分けの上限の目安です。",
  },
  ifca: {
    title: "デバイスがモデルを選ぶ",
    short: "IFCA",
    sentence: "モデルをいくつか用意し、各デバイスが自分のデータに最も合うものを選んで学習します（IFCA）。",
  },
  fesem: {
    title: "最も近い中心",
    short: "FeSEM",
    sentence: "いくつかある中心のうち、自分の重みに最も近いものから学習を始めます（FeSEM）。",
  },
  cfl: {
    title: "分かれていくクラスター",
    short: "CFL",
    sentence: "最初は全員で1つのモデルを使い、進みたい方向が食い違うとクラスターを2つに分けます（CFL）。",
  },
  fl_hc: {
    title: "一度だけのクラスター分け",
    short: "FL+HC",
    sentence: "最初は単純平均を使い、途中で一度だけクラスターに分けて、それぞれのモデルを使います（FL+HC）。",
  },
  bounded_confidence: {
    title: "近いものどうしのコアリション",
    short: "近いものどうし",
    sentence: "近くのデバイスどうしが少しずつ歩み寄り、出会ったものどうしで1つのモデルを使います。",
  },
  coalition_global: {
    title: "コアリションから1つのモデル",
    short: "全体で1つ",
    sentence: "全員で1つのモデルを使います。各コアリションの重心を平均したものです。",
  },
  coalition_models: {
    title: "コアリションごとのモデル",
    short: "コアリションごと",
    sentence: "各デバイスは、自分のコアリションの重心から学習を始めます。",
  },
  ours: {
    title: "効果を確かめるコアリション",
    short: "効果を確認",
    sentence: "最初は全員で1つのモデルを使い、試して効果があったときだけコアリションごとのモデルに分けます。",
  },
};

/** What the page itself says no to, and every code of the server's that `docs/protocol.md` lists. */
export const refusals: Record<PageCode, string> & Record<string, string> = {
  no_server: "サーバーから返事がありません。サーバーは動いていますか。",
  no_code: "ボードに表示されているルームコードを入力してください。",
  left_unstarted: "このデバイスは、まだ始まっていませんでした。",
  left: "このデバイスはルームを出ました。",
  removed: "このデバイスはボードの操作でルームから外されました。",
  replaced: "このデバイスは別のタブで続いています。",
  unreadable_message: "サーバーから、このページの知らないメッセージが届きました。",

  unknown_room: "このコードのルームはありません。1時間使われないルームは終了します。",
  unknown_device: "このデバイスは、もうこのルームにいません。",
  unknown_arm: "その名前の方式はありません。",
  unknown_model: "そのモデルはまだ公開されていません。",
  unknown_command: "その操作はありません。",
  unknown_path: "このアドレスには何もありません。",
  method_not_allowed: "このアドレスでは、その呼び出し方はできません。",
  bad_path: "アドレスを読み取れません。",
  unknown_format: "書き出せる形式は jsonl と csv です。",
  missing_token: "操作に必要なトークンがありません。",
  wrong_token: "トークンが正しくありません。",
  wrong_origin: "別のサイトのページからは接続できません。",
  websocket_expected: "このアドレスは WebSocket 専用です。",
  wrong_content_type: "本文は JSON で送る必要があります。",
  malformed_json: "本文が JSON ではありません。",
  wrong_fields: "本文の項目が正しくありません。",
  bad_config: "設定の値が、使える範囲にありません。",
  bad_name: "名前が長すぎるか、使えない文字があります。",
  body_too_large: "送られたデータが大きすぎます。",
  body_broken: "送信が途中で切れました。",
  body_timeout: "送信が時間内に終わりませんでした。",
  too_many_requests: "一度に送りすぎです。少し待ってください。",
  rooms_full: "サーバーのルームがいっぱいです。",
  room_full: "ルームのデバイスがいっぱいです。",
  room_locked: "ルームは締め切られています。ボードで締め切りを解除してもらってから、もう一度参加してください。",
  wrong_phase: "今はその操作ができません。",
  stale: "終わったラウンドの更新でした。",
  future_round: "まだ始まっていないラウンドの更新でした。",
  round_mismatch: "アドレスと更新のラウンドが違います。",
  not_in_cohort: "このラウンドでは、このデバイスの番ではありません。",
  wrong_kind: "更新の種類が、求められたものと違います。",
  bad_file: "更新のファイルが壊れています。",
  bad_metadata: "更新の説明の部分を読み取れません。",
  missing_tensor: "重みの一部が足りません。",
  unknown_tensor: "このモデルにない重みが入っています。",
  wrong_type: "重みの数値の形式が違います。",
  wrong_shape: "重みの形がモデルと違います。",
  wrong_length: "重みの個数がモデルと違います。",
  non_finite: "重みに、数でない値や無限大が入っています。",
  bad_report: "測定結果の内容が正しくありません。",
  hello_expected: "最初のメッセージがあいさつではありませんでした。",
  hello_timeout: "あいさつが時間内に届きませんでした。",
  bad_message: "デバイスから知らないメッセージが届きました。",
  message_too_large: "メッセージが長すぎます。",
  silent: "デバイスからの連絡が途絶えました。",
  too_slow: "デバイスへの送信が追いつきません。",
  server_stops: "サーバーが終了します。",
  internal: "サーバーでエラーが起きました。",
};

/** Codes whose sentence is of no use without what the server names in its own. */
const NAMED_BY_SERVER = ["bad_config", "wrong_fields"];

export const ja: Strings = {
  product: "Constellation",
  phases,
  deviceStates,
  activities,

  armTitle: (name, strategy) => (name === strategy ? (ofKey(strategies, strategy)?.title ?? name) : name),
  armShort: (name, strategy) => (name === strategy ? (ofKey(strategies, strategy)?.short ?? name) : name),
  armSentence: (strategy) => ofKey(strategies, strategy)?.sentence ?? "",

  refusal: (code, detail) => {
    const sentence = ofKey(refusals, code);
    return sentence && NAMED_BY_SERVER.includes(code) ? `${sentence}（${detail}）` : (sentence ?? detail);
  },
  comma: "、",

  preferences: {
    language: "言語",
    theme: "画面の色",
    themes: { system: "端末に合わせる", light: "明るい", dark: "暗い" },
  },

  guide: {
    pageTitle: "授業ガイド、Constellation",
    link: "先生のための授業ガイド",
  },

  presets: {
    alike: { name: "みんな同じ", what: "うまくいく例：どのデバイスも同じ割合の数字を持ち、平均が全員の役に立ちます。" },
    uneven: {
      name: "ラベルのかたより",
      what: "半分うまくいく例：デバイスごとに、多い数字とほとんどない数字があります。「自分」と「均等」を比べましょう。",
    },
    turned: {
      name: "90度ずつ回転",
      what: "平均が失敗する例：4つの隠れたグループでは、数字が回転しています。コアリションがそれを見つけます。",
    },
    swapped: {
      name: "ラベルの入れ替え",
      what: "平均がもっと失敗する例：4つの隠れたグループは、数字をちがう名前で呼びます。",
    },
    few: {
      name: "少なすぎるデータ",
      what: "グループ分けが失敗する例：50件のかたよったデータでは、だれが仲間か分かりません。",
    },
  },

  settings,

  home: {
    what: "デバイスがいっしょに学ぶ様子（連合学習）を見てみましょう。ブラウザーのタブがそれぞれ小さなモデルを学習させ、サーバーは重みの近いデバイスをコアリションにまとめます。",
    stays: "学習に使うデータはタブの外に出ません。外に出るのは重みと件数などの数値だけです。",
    start: "ルームを開く",
    startHint: "投影用のボードと、進行のための操作ボタンが表示されます。",
    withSettings: (count) => `このリンクには設定が含まれています。初期値とちがう設定：${whole(count)}個`,
    starting: "準備しています…",
    code: "ルームコード",
    join: "参加する",
    joinHint: "このタブが、ルームのデバイスになります。",
  },

  board: {
    pageTitle: (room) => `ボード ${room}、Constellation`,
    roomCode: "ルームコード",
    round: "ラウンド",
    ofRounds: (rounds) => `/ ${whole(rounds)}`,
    sentOf: (sent, of) => `更新 ${whole(sent)} / ${whole(of)}`,
    connecting: "ルームに接続しています…",
    lost: (ms) => `サーバーから返事がありません。${Math.max(1, Math.round(ms / 1000))}秒後につなぎ直します。`,
    missing: "このルームはありません。",
    home: "ルームを開く・別のルームに参加する",
    start: "開始",
    goOn: "再開",
    pause: "一時停止",
    step: "1ラウンド進む",
    seed: "シード",
    preset: "プリセット",
    close: "閉じる",
    remove: "外す",
    removeDevice: (id) => `デバイス${id}を外す`,
    removeAsk: (id, name) => `デバイス${id}（${name}）を外しますか。`,
    removeWhat: "ルームから完全に外れ、場所を空けます。もう一度参加すると、新しいデバイスになります。",
    removeNow: "外す",
    removeNot: "外さない",
    lock: "締め切る",
    lockHint: "新しく参加できなくなります。今いるデバイスはそのまま続けられます。",
    unlock: "締め切りを解除",
    unlockHint: "また参加できるようになります。",
    locked: "締め切り中",
    joinLocked:
      "ルームは締め切られているので、新しく参加できません。今いるデバイスはそのまま続けられ、戻ることもできます。",

    join: "参加方法",
    joinTitle: "スマートフォンやタブで参加",
    joinSteps: "QRコードを読み取るか、このアドレスを開いてください。",
    joinCode: "ルーム",
    joinTab: "新しいタブでデバイスを開く",
    qr: (room) => `ルーム${room}に参加するアドレスのQRコード`,
    devices: (count) => `${whole(count)}台が参加しています`,
    needed: (count) => `ラウンドを始めるには、あと${whole(count)}台必要です`,
    enough: "開始できます",
    runSummary: (rounds, arms) =>
      `全${whole(rounds)}ラウンド。同じデバイスとデータで、${whole(arms)}つの方式を比べます。`,

    map: "重みが近いのは、どのデバイス？",
    mapArms: "地図に表示する方式",
    mapLabel: (devices, coalitions) =>
      `${whole(devices)}台のデバイスと${whole(coalitions)}個のコアリションの地図。同じ内容が表にもあります。`,
    mapNone: "最初のラウンドが終わると、地図が表示されます。",
    mapLocal: "この方式では重みがデバイスの外に出ないので、サーバーは地図を描けません。",
    coalition: (letter) => `コアリション${letter}`,
    coalitionSize: (letter, count) => `${letter}：${whole(count)}台`,
    lone: (letter, coalitions) => `${letter}は1台だけですが、グローバルモデルの1/${coalitions}を占めます。`,
    barycenter: "重心",
    globalModel: "グローバルモデル",
    loss: (loss) => `この図では、距離の${percent(loss)}が失われています`,
    apart: "重なる印は、少し離して描いています。",
    pictures: "図",
    pictureMap: "地図",
    pictureDistances: "距離",
    deviceLabel: (id, name, letter) => `デバイス${id}、${name}${letter ? `、コアリション${letter}` : ""}`,
    heatLabel: (devices) =>
      `${whole(devices)}台のデバイスの重みどうしの距離。同じコアリションはまとめてあります。同じ内容が表にもあります。`,
    near: "近い",
    far: "遠い",
    weightUnits: "重みの単位",
    apartBy: (a, b, distance) => `デバイス${a}と${b}：${distance}`,
    noDistances: "サーバーには、このラウンドの距離がありません。",
    distancesTable: "デバイスの重みどうしの距離",
    noCoalition: "コアリションなし",
    nearest: "最も近い",
    meanTo: (whom) => `平均距離：${whom}`,
    nearestOf: (arm) => `重みが最も近いデバイス（${arm}）`,
    toBarycenter: "自分のコアリションの重心",
    detailCounts: (examples, up, down) => `データ${whole(examples)}件はデバイスの中だけ・送信 ${up}・受信 ${down}`,
    notShown: (ids) => `図にないデバイス：${ids.join("、")}`,
    coalitionTable: "コアリション",
    members: "メンバー",
    center: "中心",
    spread: "ばらつき",

    accuracy: "正解率",
    balanced: "均等",
    own: "自分",
    balancedHint: "グループに出てくる数字を、めったに見ないものも含めて、すべて見分けられますか。",
    ownHint: "そのデバイスの今のデータの割合で、役に立ちますか。",
    questions: "どの正解率か",
    headline: (coalitions, average) =>
      `コアリションごとのモデル：${percent(coalitions)}。単純平均：${percent(average)}。`,
    difference: (points) => `差：${signed(points)}ポイント`,
    headlineNone: "最初のラウンドのモデルをデバイスが測定すると、正解率が表示されます。",
    worstDevice: (fraction) => `最低のデバイス ${percent(fraction)}`,
    worstGroup: (fraction) => `最低のグループ ${percent(fraction)}`,
    overRounds: "ラウンドごとの変化",
    band: (arm) => `帯：最低から最高のデバイスまで（${arm}）`,
    curvesLabel: "各方式の正解率の、ラウンドごとの変化",
    curvesTable: "ラウンドごとの正解率",

    membership: "だれがどのコアリションにいるか",
    membershipOf: (arm) => `方式：${arm}`,
    listings: "図または表で見る",
    listingRounds: "全ラウンド",
    listingDevices: "今のデバイス",
    ribbonLabel: (devices, first, last) =>
      `${whole(devices)}台のデバイスの、ラウンド${first}から${last}までのコアリション。同じ内容が表にもあります。`,
    ribbonTable: "ラウンドごとのコアリション",
    ribbonRounds: "ラウンド",
    ribbonNone: "まだ最初のラウンドが終わっていません。",
    noCoalitions: "この方式では、コアリションはできません。",
    inRounds: (letter, first, last) =>
      first === last ? `ラウンド${first}は${letter}` : `ラウンド${first}から${last}は${letter}`,
    agreementShort: "一致度",
    device: "デバイス",
    slot: "スロット",
    state: "状態",
    coalitionHead: "コアリション",
    group: "グループ",
    up: "送信",
    down: "受信",
    refused: "拒否",
    showAnswer: "答えを見る",
    hideAnswer: "答えを隠す",
    agreement: "隠れたグループとの一致度",
    agreementHint: "調整ランド指数。1なら同じ分け方、0なら偶然と同じ程度です。",
    noDevices: "まだ参加しているデバイスはありません。",

    traffic: "通信量",
    bytesUp: "送信",
    bytesDown: "受信",
    noImages: "送られた画像 0枚",
    rounds: (count) => `${whole(count)}ラウンド`,
    refusals: "拒否",
    noRefusals: "なし",
    fingerprint: "フィンガープリント",
    fingerprintNone: "ラウンド1のあとに表示",
  },

  device: {
    pageTitle: (room) => `ルーム${room}のデバイス、Constellation`,
    name: (id) => `デバイス${id}`,
    joining: "参加しています…",
    room: "ルーム",
    round: (round, rounds) => (round === 0 ? "ラウンド1の前" : `ラウンド${round} / ${rounds}`),
    coalition: (letter) => `コアリション${letter}`,
    noCoalition: "コアリションはまだありません",
    now: "今していること",
    modelArrives: "モデルが届く",
    trainsHere: "ここで学習",
    weightsLeave: "重みを送る",
    progress: "このラウンドの進み具合",
    learned: "学んだこと",
    arm: "方式",
    balancedBefore: "均等",
    ownBefore: "自分・学習前",
    ownAfter: "自分・学習後",
    loss: "損失",
    learnedHint:
      "均等：どのラベルも同じ割合にしたときの正解率。自分：このデバイスのデータの割合での正解率（届いたモデルと、学習したあと）。",
    examples: (count) => `このデバイスの${whole(count)}件のデータ（ラベル別）。外には出ません。`,
    histogram: (counts) => `ラベル別のデータ件数：${counts.map((count, label) => `${label}は${count}件`).join("、")}`,
    samples: (labels) => `データの一部。ラベルは${labels.join("、")}`,
    leftHere: "このデバイスから出たもの",
    images: "枚の画像",
    updates: (_count) => "回の更新を送信",
    up: "送信",
    down: "受信",
    refusals: "サーバーが拒否したもの",
    connected: "接続中",
    offline: "接続していません",
    add: "ここにデバイスを追加",
    limit: (count) => `1つのタブに置けるデバイスは${count}台までです。`,
    leave: "退出",
    leaveDevice: (name) => `退出：${name}`,
    switcher: "このタブのデバイス",
    gone: "このタブにデバイスはありません",
    notLetIn: "参加できませんでした",
    joinAgain: "もう一度参加する",
    noWorker: "処理用のプログラムを読み込めませんでした。",
    trouble: (_detail) => "サーバーにつながりません。自動でつなぎ直しています。",
    failed: (detail) => `デバイスを始められませんでした：${detail}`,
  },

  draw: {
    title: "数字を書いて、教える",
    pad: "指やマウスで数字を書く場所。となりのボタンを押すと、このデバイスの画像を1枚表示します。",
    hint: "0から9までの数字を指で書いてください。3つのモデルが何の数字かを答えます。",
    clear: "消す",
    example: "このデバイスの画像を見る",
    shown: (label) => `このデバイスの画像です。ラベルは${label}。`,
    seen: "モデルに見える形",
    turned: (quarters) =>
      `このデバイスのグループには、どの画像も${["正しい向きで", "左に90度回って", "上下逆さまで", "右に90度回って"][quarters % 4]}見えます。書いた数字も、モデルには同じように見えます。`,
    renamed: (others) =>
      `このデバイスのグループでは、数字の呼び方が一部ちがいます（${others.map(({ label, name }) => `${label}は「${name}」`).join("、")}）。モデルはこの呼び方で答え、この呼び方で学びます。`,
    own: "自分のモデル",
    coalition: "コアリションのモデル",
    global: "全体のモデル",
    nothingDrawn: "…",
    noOwn: "最初のラウンドの後に",
    noCoalition: "コアリションに入った後に",
    noGlobal: "まだ届いていません",
    bars: (probabilities) =>
      `数字ごとの確率：${probabilities.map((value, label) => `${label}は${percent(value)}`).join("、")}`,
    teach: "教える：この数字は…",
    teachAs: (label) => `教える：この数字は${label}`,
    taken: (label) => `${label}として教えました。次のラウンドから学習に使います。このタブの外には出ません。`,
    refused: (detail) => `教えられませんでした：${detail}`,
    taughtHere: "件を教えた",
  },

  mischief: {
    title: "困ったデバイスになる",
    hint: "先生が許可しました。選んだことは次のラウンドから有効になり、ボードにも表示されます。本物の攻撃者は、自分からは名乗りません。",
    honest: { name: "正直", what: "自分のデータで学習し、学んだ重みをそのまま送ります。" },
    kinds: {
      label_flip: { name: "まちがったラベル", what: "0を9、1を8というように、逆のラベルで学習します。" },
      sign_flip: { name: "逆向き", what: "学んだこととは反対の重みを送ります。" },
      noise: { name: "ノイズ", what: "重みに乱数を加えてから送ります。" },
      silence: { name: "だんまり", what: "学習はしますが、何も送りません。ラウンドは時間切れまで待ちます。" },
      slowness: { name: "のろま", what: "学んだ重みを6秒遅れて送ります。全員が待たされます。" },
    },
    leaving: "途中で退出するのも、困ったデバイスです。下のボタンで退出できます。",
    allow: "困ったデバイスを許可",
    allowed: "困ったデバイスを許可中",
    allowHint: "生徒は自分のデバイスで、まちがったラベルやノイズなどを選べるようになります。",
    saysSo: "デバイス自身の申告",
    legend: "困ったデバイス",
    weight: (devices, part) => `困った${whole(devices)}台：全体の${part}`,
    weightIn: (part, letter) => `${letter}の${part}`,
    weightHint: "困ったデバイスの更新が、直前のラウンドのグローバルモデルと、最も割合の大きいコアリションに占める割合",
    inCoalition: "コアリションに占める割合",
    inGlobal: "グローバルモデルに占める割合",
  },
};
