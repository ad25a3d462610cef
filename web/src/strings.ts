/**
 * Everything a page says. English is here, the other languages are in `strings/` and have the same shape.
 * `strings` follows the language of the page, also where a module keeps a part of it.
 */

import { fixed, percent, signed, whole } from "./lib/format";
import { type Language, language } from "./lib/language";
import type { PresetName } from "./presets";
import { ja } from "./strings/ja";
import { replay } from "./strings/replay";
import { settings } from "./strings/settings";
import { fileRefusals } from "./strings/table";
import type { Activity, DeviceState, Mischief, Phase, Place, Rule, StrategyConfig } from "./types.gen";

const plural = (count: number, one: string, many: string) => `${whole(count)} ${count === 1 ? one : many}`;

const phases: Record<Phase, string> = {
  lobby: "Devices gather",
  waiting: "Waiting for devices",
  training: "Devices train",
  resting: "Round closed",
  paused: "Paused",
  evaluating: "Last measurement",
  finished: "Finished",
};

const deviceStates: Record<DeviceState, string> = {
  without_data: "choosing its data",
  ready: "ready",
  training: "training",
  sent: "sent",
  resting: "resting",
  late: "late",
  away: "away",
};

const activities: Record<Activity, string> = {
  connecting: "Connecting",
  loading_data: "Reading its examples",
  choosing: "Waiting for your data",
  waiting: "Waiting for the next round",
  evaluating: "Measuring the models that arrived",
  training: "Training on its own examples",
  sending: "Sending its weights",
  finished: "The run is over",
};

/** Two names, one for narrow places, and one sentence for each strategy. */
export interface StrategyWords {
  readonly title: string;
  readonly short: string;
  readonly sentence: string;
}

const strategies: Record<StrategyConfig["kind"], StrategyWords> = {
  local_only: {
    title: "Every device alone",
    short: "Alone",
    sentence: "Every device goes on from its own weights, which never leave it.",
  },
  fed_avg: {
    title: "Plain averaging",
    short: "Plain averaging",
    sentence: "One model for all: the mean of all weights, by number of examples (FedAvg).",
  },
  fed_avg_fine_tune: {
    title: "Plain averaging, fine-tuned",
    short: "Fine-tuned",
    sentence: "One model for all, which every device trains on its own examples before it uses it.",
  },
  fed_prox: {
    title: "Averaging with a pull",
    short: "FedProx",
    sentence: "One model for all; while a device trains, it is pulled back to the model it started from (FedProx).",
  },
  robust_average: {
    title: "Averaging that bears bad devices",
    short: "Robust",
    sentence: "One model for all, made so that a few bad devices among many cannot pull it far.",
  },
  scaffold: {
    title: "Averaging with correction",
    short: "SCAFFOLD",
    sentence:
      "One model for all; every device is told how the others' steps differ from its own, and corrects them (SCAFFOLD).",
  },
  oracle_groups: {
    title: "Hidden groups known",
    short: "Groups known",
    sentence: "One model per hidden group, by an oracle that knows the groups: the best that grouping can do.",
  },
  ifca: {
    title: "Every device chooses a model",
    short: "IFCA",
    sentence: "Several models for all; every device trains the one that fits its examples best (IFCA).",
  },
  fesem: {
    title: "Nearest of several centers",
    short: "FeSEM",
    sentence: "Every device starts from the one of several centers that its weights are nearest to (FeSEM).",
  },
  cfl: {
    title: "Splitting clusters",
    short: "CFL",
    sentence:
      "One model for all at first; a cluster splits in two when its devices pull in different directions (CFL).",
  },
  fl_hc: {
    title: "Clustered once",
    short: "FL+HC",
    sentence:
      "Plain averaging at first; then devices are clustered once, and every cluster has a model of its own (FL+HC).",
  },
  bounded_confidence: {
    title: "Coalitions by bounded confidence",
    short: "Bounded confidence",
    sentence: "Devices move towards those near them until they meet; those who meet have a model of their own.",
  },
  coalition_global: {
    title: "Coalitions, one global model",
    short: "One global model",
    sentence: "One model for all: the mean of the coalitions' barycenters.",
  },
  coalition_models: {
    title: "One model per coalition",
    short: "One per coalition",
    sentence: "Every device starts from the barycenter of its own coalition.",
  },
  ours: {
    title: "Coalitions on evidence",
    short: "On evidence",
    sentence:
      "One model for all at first; coalitions get models of their own where trying them out shows that it pays.",
  },
};

/** What goes wrong in the page itself. What the server refuses comes with a sentence of its own. */
const refusals: Record<PageCode, string> = {
  no_server: "The server does not answer. Is it still running?",
  no_code: "Type the code that the board shows.",
  left_unstarted: "The device had not started.",
};

/** Why updates are refused, where the server's own sentence is not at hand. */
const reasons: Record<string, string> = {
  stale: "its update was for a round that is over",
  future_round: "its update was for a round that has not been opened",
  round_mismatch: "its update and its address name different rounds",
  not_in_cohort: "this round did not ask it",
  wrong_kind: "its update was of another kind than was asked for",
  wrong_coalition: "its weights were for another coalition than it was asked for",
  too_large: "a weight of it was too large to be added up",
  bad_file: "its file could not be read",
  bad_metadata: "its update's description could not be read",
  missing_tensor: "some of its weights were missing",
  unknown_tensor: "its weights were not this model's",
  other_reference: "its update was a change to another model than it was given",
  bad_delta: "its update changed numbers that the model has not",
  wrong_type: "its weights had another type of number",
  wrong_shape: "its weights had another shape than the model's",
  wrong_length: "it sent another number of weights than the model has",
  non_finite: "its weights were not numbers",
  bad_report: "its report made no sense",
  bad_message: "it sent a message that nobody knows",
  message_too_large: "it sent a message that is too long",
  too_many_requests: "it sent too much at once",
};

export type PageCode = "no_server" | "no_code" | "left_unstarted";

export const en = {
  product: "Constellation",
  phases,
  deviceStates,
  activities,

  shorterPlan: {
    of: (part: string) => `${part} of the steps`,
    why: "It was not done in time, so it trains on fewer batches until it is, and its update counts.",
    here: (part: string) =>
      `This device was not done in time. It trains on ${part} of its batches for now, so that its update counts.`,
  },

  // An arm that was given a name of its own keeps it.
  armTitle: (name: string, strategy: string) =>
    name === strategy ? (ofKey(strategies, strategy)?.title ?? name) : name,
  armShort: (name: string, strategy: string) =>
    name === strategy ? (ofKey(strategies, strategy)?.short ?? name) : name,
  armSentence: (strategy: string) => ofKey(strategies, strategy)?.sentence ?? "",

  /** Something refused, by its code; `detail` is the server's sentence, which is English. */
  refusal: (code: string, detail: string) => ofKey(refusals, code) ?? detail,
  /** Why something of a device was refused, by its code alone. */
  reason: (code: string) => ofKey(reasons, code) ?? code,
  /** Between the parts of a list in a line. */
  comma: ", ",
  /** Between the parts of a longer list. */
  listed: " · ",

  preferences: {
    language: "Language",
    theme: "Theme",
    themes: { system: "System", light: "Light", dark: "Dark" },
  },

  guide: {
    pageTitle: "Guide for the teacher, Constellation",
    link: "Guide for the teacher",
  },

  presets: {
    alike: { name: "All alike", what: "Works: every device has the same mix of digits, and averaging helps all." },
    uneven: {
      name: "Uneven labels",
      what: "Works by half: devices have plenty of some digits and hardly any of others. Compare Own and Balanced.",
    },
    turned: {
      name: "Turned by quarters",
      what: "Averaging fails: four hidden groups see digits turned. Coalitions find them.",
    },
    swapped: {
      name: "Swapped labels",
      what: "Averaging fails worse: four hidden groups call digits by each other's names.",
    },
    few: {
      name: "Too few examples",
      what: "Grouping fails: 50 examples with very uneven labels do not show who belongs together.",
    },
    sensors: {
      name: "Your own sensors",
      what: "Everybody brings a CSV file of sensor rows, which stays in the tab. The example: a smartwatch, seven exercises, ten people.",
    },
  } satisfies Record<PresetName, { name: string; what: string }>,

  settings,

  home: {
    what: "Watch devices learn together: every browser tab trains a small model, and the server groups devices whose weights are close into coalitions.",
    stays: "The examples a device learns from never leave its tab; only weights and counts do.",
    start: "Start a room",
    startHint: "You get a board for the projector and the desk to run it from.",
    withSettings: (count: number) =>
      `This link brings settings of its own: ${plural(count, "differs from its default", "differ from their defaults")}.`,
    starting: "Starting…",
    code: "Room code",
    join: "Join",
    joinHint: "Your tab becomes a device of that room.",
  },

  board: {
    pageTitle: (room: string) => `Board ${room}, Constellation`,
    roomCode: "Room code",
    round: "Round",
    ofRounds: (rounds: number) => `of ${rounds}`,
    sentOf: (sent: number, of: number) => `${sent} of ${of} updates in`,
    connecting: "Connecting to the room…",
    lost: (ms: number) => `The server does not answer. Trying again in ${Math.max(1, Math.round(ms / 1000))} s.`,
    missing: "There is no such room.",
    home: "Start or join another one",
    start: "Start",
    goOn: "Go on",
    pause: "Pause",
    step: "Step",
    seed: "Seed",
    preset: "Preset",
    close: "Close",
    remove: "Remove",
    removeDevice: (id: number) => `Remove device ${id}`,
    removeAsk: (id: number, name: string) => `Remove device ${id}, ${name}?`,
    removeWhat: "It is put out for good and gives its place back. It can join again only as a new device.",
    removeNow: "Remove it",
    removeNot: "Keep it",
    lock: "Lock",
    lockHint: "Nobody new can join; who is in the room stays.",
    unlock: "Unlock",
    unlockHint: "Devices can join again.",
    locked: "Locked",
    joinLocked: "The room is locked: nobody new can join. Devices that are in it stay, and may come back.",

    join: "Join",
    joinTitle: "Join with a phone or a tab",
    joinSteps: "Scan the picture, or open this address:",
    joinCode: "Room",
    joinTab: "Open a device in a new tab",
    runHere: (count: number) => `Run ${count} devices in this tab`,
    runningHere: (count: number) => `${plural(count, "device runs", "devices run")} in this tab, until it is closed.`,
    qr: (room: string) => `QR code of the address that joins room ${room}`,
    devices: (count: number) => plural(count, "device is here", "devices are here"),
    needed: (count: number) => `${plural(count, "more", "more")} needed to open a round`,
    enough: "Enough to start",
    runSummary: (rounds: number, arms: number) =>
      `The run: ${plural(rounds, "round", "rounds")}, ${plural(arms, "arm", "arms")} compared on the same devices and data.`,

    map: "Whose weights are close",
    mapArms: "Arm on the map",
    mapLabel: (devices: number, coalitions: number) =>
      `Map of ${plural(devices, "device", "devices")} in ${plural(coalitions, "coalition", "coalitions")}. The tables hold the same facts.`,
    pictures: "Picture",
    pictureMap: "Map",
    pictureDistances: "Distances",
    deviceLabel: (id: number, name: string, letter: string) =>
      `Device ${id}, ${name}${letter ? `, coalition ${letter}` : ""}`,
    heatLabel: (devices: number) =>
      `Distances between the weights of ${plural(devices, "device", "devices")}, coalitions together. A table holds the same facts.`,
    near: "near",
    far: "far",
    weightUnits: "units of weight",
    apartBy: (a: number, b: number, distance: string) => `devices ${a} and ${b}: ${distance}`,
    noDistances: "The server keeps no distances of this round.",
    distancesTable: "Distances between devices' weights",
    noCoalition: "No coalition",
    nearest: "Nearest",
    meanTo: (whom: string) => `Mean distance: ${whom}`,
    nearestOf: (arm: string) => `Nearest in weight, ${arm}`,
    toBarycenter: "Its coalition's barycenter",
    detailCounts: (examples: number, up: string, down: string) =>
      `${plural(examples, "example", "examples")} stay on it · ${up} sent · ${down} received`,
    mapNone: "The map appears when the first round closes.",
    mapLocal: "Weights of this arm stay on the devices, so the server has nothing to draw.",
    coalition: (letter: string) => `Coalition ${letter}`,
    coalitionSize: (letter: string, count: number) => `${letter}: ${plural(count, "device", "devices")}`,
    lone: (letter: string, coalitions: number) =>
      `The one device of ${letter} counts 1/${coalitions} of the global model.`,
    barycenter: "barycenter",
    globalModel: "global model",
    loss: (loss: number) => `the picture loses ${percent(loss)} of the distances`,
    ofSketches: "distances between sketches",
    ofSketchesWhy: "Devices sent a kilobyte each that says which way their weights went, and coalitions form by that.",
    apart: "Marks that would cover each other are moved apart.",
    notShown: (ids: readonly number[]) =>
      `Not in the picture: ${ids.length === 1 ? "device" : "devices"} ${ids.join(", ")}.`,
    coalitionTable: "Coalitions",
    members: "Members",
    center: "Center",
    spread: "Spread",

    accuracy: "Accuracy",
    balanced: "Balanced",
    own: "Own",
    balancedHint: "Does it know everything its group sees, also the digits it rarely sees?",
    ownHint: "Does it serve the device today, on the device's own mix?",
    questions: "Which accuracy",
    headline: (grouping: string, its: number, plain: number) =>
      `${grouping}: ${percent(its)}. Plain averaging: ${percent(plain)}.`,
    difference: (points: number) => `Difference: ${signed(points)} ${Math.abs(points) === 1 ? "point" : "points"}.`,
    headlineNone: "Accuracies appear once devices have measured the first round's models.",
    worstDevice: (fraction: number) => `worst device ${percent(fraction)}`,
    worstGroup: (fraction: number) => `worst group ${percent(fraction)}`,
    overRounds: "Over the rounds",
    band: (arm: string) => `band: worst to best device, ${arm}`,
    curvesLabel: "Accuracy of every arm over the rounds",
    curvesTable: "Accuracy by round",

    membership: "Who is in which coalition",
    membershipOf: (arm: string) => `arm: ${arm}`,
    device: "Device",
    slot: "Slot",
    state: "State",
    coalitionHead: "Coalition",
    group: "Group",
    up: "Up",
    down: "Down",
    refused: "Refused",
    showAnswer: "Show the answer",
    hideAnswer: "Hide the answer",
    agreement: "Agreement with hidden groups",
    agreementHint: "Adjusted Rand index: 1 is the same grouping, 0 is chance.",
    listings: "As a picture or a table",
    listingRounds: "Every round",
    listingDevices: "Devices now",
    ribbonLabel: (devices: number, first: number, last: number) =>
      `Coalitions of ${plural(devices, "device", "devices")} in rounds ${first} to ${last}. A table holds the same facts.`,
    ribbonTable: "Coalitions by round",
    ribbonRounds: "Rounds",
    ribbonNone: "The first round has not closed yet.",
    noCoalitions: "This arm forms no coalitions.",
    inRounds: (letter: string, first: number, last: number) =>
      first === last ? `${letter} in round ${first}` : `${letter} in rounds ${first} to ${last}`,
    agreementShort: "agreement",
    noDevices: "No device has joined yet.",

    traffic: "Sent this run",
    bytesUp: "up",
    bytesDown: "down",
    noImages: "0 images sent",
    noRows: "0 rows sent",
    rounds: (count: number) => plural(count, "round", "rounds"),
    refusals: "Refused",
    noRefusals: "nothing refused",
    fingerprint: "Fingerprint",
    fingerprintNone: "after round 1",
  },

  slow: {
    title: "Slow motion",
    phases: {
      out: "Models out",
      training: "Training",
      in: "Weights in",
      distances: "Distances",
      coalitions: "Coalitions",
      barycenters: "Barycenters",
      global: "Global model",
    },
    sentences: {
      out: "The server sends every device the model it starts from.",
      training: "Every device trains on its own examples, which never leave it.",
      in: "Devices send their weights to the server, and nothing they learned from.",
      distances: "The server measures how far apart weights are. A line joins each device to the nearest one.",
      coalitions: "Devices whose weights are close form a coalition.",
      barycenters: "A star is the mean of its coalition's weights: the barycenter.",
      global: "The mean of the barycenters is the global model.",
    },
    ungrouped: "This arm forms no coalitions: all weights go into one mean, the global model.",
    alone: "In this arm nothing is sent: weights stay on their device.",
    round: (round: number) => `Round ${round}`,
    now: "going on now",
    afterwards: "as it was",
    gathering: (here: number, least: number) =>
      `The round opens in a moment: ${plural(here, "device is here", "devices are here")}, at least ${least} must be.`,
    received: (done: number, of: number) => `Sent to ${done} of ${plural(of, "device", "devices")}.`,
    trained: (done: number, of: number) => `${done} of ${plural(of, "device", "devices")} have finished.`,
    answered: (done: number, of: number) => `${done} of ${plural(of, "update", "updates")} have arrived.`,
    extremes: (a: number, b: number, near: string, c: number, d: number, far: string) =>
      `Nearest: ${a} and ${b}, ${near} apart. Farthest: ${c} and ${d}, ${far} apart.`,
    members: (letter: string, members: readonly number[]) =>
      `${letter}: ${members.length === 1 ? "device" : "devices"} ${members.join(", ")}`,
    spread: (letter: string, spread: string) => `${letter}: members typically ${spread} away`,
    near: (device: number, distance: string) => `nearest: device ${device}, ${distance}`,
    placed: {
      out: (place: number) => `models sent, number ${place}`,
      in: (place: number) => `update arrived, number ${place}`,
    },
    pending: "not yet",
    noPlaces: "No weights have been compared yet: where a device stands means nothing.",
    table: (phase: string, round: number) => `${phase}, round ${round}`,
    server: "server",
    next: "Next phase",
    nextRound: "Next round",
    lastRound: "The last round is over",
    auto: "Run by itself",
    leave: "Leave slow motion",
    close: "Close",
  },

  export: {
    open: "Save",
    title: "Save this run",
    formats: {
      replay: { name: "Recording", what: "All that this board has shown, to be watched again without a server." },
      jsonl: { name: "Record", what: "Every event in JSON lines, by which the run can be recomputed." },
      csv: { name: "Accuracies", what: "A row for each arm and round (CSV)." },
    },
    map: { name: "Map", what: "As the board shows it now (SVG)." },
    curves: { name: "Curves", what: "As the board shows them now (SVG)." },
    models: "Models",
    coalition: (letter: string) => `coalition ${letter}`,
    watch: "A recording is opened here:",
  },

  replay,

  cost: {
    tab: "Traffic",
    title: "What every arm costs",
    hint: "As if it were the only one. The bar is up, then down; the last column compares with plain averaging.",
    picture: "Up and down as bars",
    up: "Up",
    down: "Down",
    roundUp: "Round, up",
    roundDown: "Round, down",
    times: "To plain",
    timesPlain: (times: number) => `× ${fixed(times, 2)}`,
    plain: (name: string) => `${name}, for comparison`,
  },

  feed: {
    tab: "Events",
    title: "What happened",
    latest: "Latest",
    none: "Nothing has happened in this run yet.",
    round: (round: number) => (round === 0 ? "before round 1" : `round ${round}`),
    events: {
      joined: (device: string) => `${device} joined`,
      away: (device: string) => `${device} lost its connection`,
      back: (device: string) => `${device} is back`,
      left: (device: string) => `${device} left`,
      removed: (device: string) => `${device} was removed by the desk`,
      late: (device: string) => `${device} was late: its update does not count`,
    },
    refused: (device: string, reason: string) => `${device} was refused: ${reason}`,
    device: (id: number) => `Device ${id}`,
    times: (count: number) => `× ${count}`,
  },

  device: {
    pageTitle: (room: string) => `Device in room ${room}, Constellation`,
    name: (id: number) => `Device ${id}`,
    joining: "Joining…",
    room: "Room",
    round: (round: number, rounds: number) => (round === 0 ? "before round 1" : `round ${round} of ${rounds}`),
    coalition: (letter: string) => `Coalition ${letter}`,
    noCoalition: "No coalition yet",
    now: "Now",
    modelArrives: "model arrives",
    trainsHere: "training here",
    weightsLeave: "weights leave",
    progress: "Work of this round",
    learned: "What it has learned",
    arm: "Arm",
    balancedBefore: "Balanced",
    ownBefore: "Own, before",
    ownAfter: "Own, after",
    loss: "Loss",
    learnedHint:
      "Balanced: all labels alike. Own: the device's own mix, with the model that arrived and after training.",
    examples: (count: number) => `Its ${plural(count, "example", "examples")}, by label. They stay here.`,
    samples: (labels: readonly number[]) => `Some of its examples, with the labels ${labels.join(", ")}`,
    leftHere: "What left this device",
    images: "images sent",
    updates: (count: number) => (count === 1 ? "update sent" : "updates sent"),
    up: "sent",
    down: "received",
    refusals: "What the server refused",
    connected: "connected",
    offline: "not connected",
    add: "Add another device here",
    limit: (count: number) => `A tab holds up to ${count} devices.`,
    leave: "Leave",
    leaveDevice: (name: string) => `Leave: ${name}`,
    leaveAsk: (name: string) => `Shall ${name} leave the room?`,
    leaveWhat: "It gives its place back, and what you taught it is gone. It can join again only as a new device.",
    leaveNot: "Stay",
    switcher: "Devices in this tab",
    gone: "No device is left in this tab",
    notLetIn: "This device was not let in",
    joinAgain: "Join again",
    noWorker: "its worker did not load.",
    /** Why there is no connection; `detail` is the device's sentence, which is English. */
    trouble: (detail: string) => detail,
    failed: (detail: string) => `The device could not start: ${detail}`,
  },

  histogram: (counts: readonly number[]) =>
    `Examples by label: ${counts.map((count, label) => `${label}: ${count}`).join(", ")}`,

  message: {
    title: (round: number, size: string) => `The last message, decoded: round ${round}, ${size}`,
    what: "What",
    numbers: "Numbers",
    type: "Type",
    bytes: "Bytes",
    report: "Names and report",
    first: (numbers: string) => `Its first numbers: ${numbers}… The report, as it was sent:`,
  },

  table: {
    title: "Bring your own data",
    choose: "Choose a CSV file",
    drop: "or drop it here.",
    stays: "The file stays in this tab: its rows are read here and never uploaded.",
    refused: (name: string) => `${name} does not fit:`,
    refusals: fileRefusals,
    rows: "rows sent",
    learnedHint: "Balanced and own are the same here: the part of its own rows that it does not train on.",
    another: "Mend it, or choose another one.",
    reading: (name: string) => `Reading ${name}…`,
    expected: "What the file must hold",
    labelColumn: "A column with the label",
    oneOf: (labels: readonly string[]) => `: one of ${labels.join(", ")}`,
    columns: (count: number) => (count === 1 ? "A column of numbers" : `${count} columns of numbers`),
    example: "Try the example",
    exampleHint: "A smartwatch on one person's wrist: two seconds of an exercise in each row.",
    labels: (labels: readonly string[]) => labels.map((label, number) => `${number}: ${label}`).join(", "),
  },

  draw: {
    title: "Draw a digit, and teach it",
    pad: "A pad to draw a digit on with a finger or a mouse. The button beside it shows one of the device's own images instead.",
    hint: "Draw a digit from 0 to 9 with a finger: three models say what it is.",
    clear: "Clear",
    example: "Show one of mine",
    shown: (label: number) => `One of this device's own images: a ${label}.`,
    seen: "What the models see",
    turned: (quarters: number) =>
      `This device's group sees all images ${["upright", "turned to the left", "upside down", "turned to the right"][quarters % 4]}, so that is how its models see your drawing.`,
    renamed: (others: readonly { label: number; name: number }[]) =>
      `This device's group calls some digits otherwise: ${others.map(({ label, name }) => `${label} is "${name}"`).join(", ")}. Its models answer with these names, and learn them from you.`,
    own: "My own model",
    coalition: "My coalition's",
    global: "The global one",
    nothingDrawn: "…",
    noOwn: "after its first round",
    noCoalition: "once it is in a coalition",
    noGlobal: "none has arrived yet",
    bars: (probabilities: readonly number[]) =>
      `Probability of each digit: ${probabilities.map((value, label) => `${label}: ${percent(value)}`).join(", ")}`,
    teach: "Teach it: this is a …",
    teachAs: (label: number) => `Teach it: this is a ${label}`,
    taken: (label: number) => `Taught as a ${label}. It is an example from the next round on, and stays in this tab.`,
    refused: (detail: string) => `It was not taught: ${detail}.`,
    taughtHere: "taught here",
  },

  mischief: {
    title: "Be difficult",
    hint: "The desk allows it. What you choose counts from the next round on, and the board shows it: real attackers would not say so.",
    honest: { name: "Honest", what: "Learns from its examples and sends what it learned." },
    kinds: {
      label_flip: { name: "Wrong labels", what: "Learns that every 0 is a 9, every 1 an 8, and so on." },
      sign_flip: { name: "The other way", what: "Sends the opposite of what it learned." },
      noise: { name: "Noise", what: "Adds random numbers to its weights before it sends them." },
      silence: { name: "Silent", what: "Learns and sends nothing: the round waits for it until time is up." },
      slowness: { name: "Slow", what: "Sends what it learned 6 seconds late: everybody waits." },
    } satisfies Record<Mischief, { name: string; what: string }>,
    leaving: "Leaving is difficult too: that is the button at the bottom.",
    allow: "Allow mischief",
    allowed: "Mischief allowed",
    allowHint: "Students can switch wrong labels, noise and other mischief on, each on its own device.",
    saysSo: "by what the device says itself",
    legend: "is difficult",
    weight: (devices: number, part: string) => `${whole(devices)} difficult: ${part} of global`,
    weightIn: (part: string, letter: string) => `${part} of ${letter}`,
    weightHint:
      "What the updates of difficult devices count in the global model of the last round, and in the coalition where they count most",
    inCoalition: "of its coalition",
    inGlobal: "of the global model",
  },

  setAside: {
    short: "set aside",
    legend: (devices: number) => `${whole(devices)} set aside`,
    hint: "In the last round their updates counted less than half of what they would in a mean",
    where: {
      coalition: "in its coalition's barycenter",
      global: "in the global model",
    } satisfies Record<Place, string>,
    why: {
      norm_clipping: "the step was much longer than the others'",
      median: "most of the weights are not the ones in the middle",
      trimmed_mean: "most of the weights are among the smallest or the largest",
      geometric_median: "it is far from where most are",
      multi_krum: "it has no near neighbours",
    } satisfies Record<Rule, string>,
    fewMembers: "its coalition has too few members for a full vote",
    sentence: (where: string, counts: string, fair: string, why: string) =>
      `Set aside ${where}: it counts ${counts} instead of ${fair}, because ${why}.`,
  },
};

/** The same keys, the same arguments, other words. */
type Words<English> = English extends string
  ? string
  : English extends (...args: infer Args) => string
    ? (...args: Args) => string
    : { readonly [Key in keyof English]: Words<English[Key]> };

export type Strings = Words<typeof en>;

const languages: Record<Language, Strings> = { en, ja };

/** A value by a name that may be unknown here. */
export function ofKey<Value>(values: Readonly<Record<string, Value>>, key: string): Value | undefined {
  return Object.hasOwn(values, key) ? values[key] : undefined;
}

/** The same tree as `shape`, in which every leaf is looked up when it is read. */
function following<Tree extends object>(shape: Tree, now: () => Tree): Tree {
  const tree = {};
  for (const [key, value] of Object.entries(shape)) {
    const look = () => Reflect.get(now(), key);
    const branch = typeof value === "object" ? following(value, look) : null;
    Object.defineProperty(tree, key, { enumerable: true, get: branch ? () => branch : look });
  }
  return tree as Tree;
}

export const strings: Strings = following(en, () => languages[language()]);
