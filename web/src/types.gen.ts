// Generated from the Rust types in core/. Do not edit.
// To write it anew: UPDATE_TYPES=1 cargo test -p constellation-core typescript

export type DeviceId = number;
export type Slot = number;
export type Round = number;
export type RunId = number;
export type CoalitionId = number;
export type View = { 
/**
 * Counts the views of the room; a larger one is newer.
 */
seq: number, 
/**
 * The room's code.
 */
room: string, 
/**
 * Counts the runs of the room.
 */
run: RunId, 
/**
 * What the room is doing.
 */
phase: Phase, 
/**
 * The round under way, or the last one closed; 0 before the first.
 */
round: Round, 
/**
 * Whether the desk lets nobody new in.
 */
locked: boolean, 
/**
 * The run's seed.
 */
seed: number, 
/**
 * Hash of all models of all finished rounds, as 64 hexadecimal digits; empty before the first round closed.
 */
fingerprint: string, 
/**
 * Everything a run can be repeated from.
 */
config: RunConfig, 
/**
 * Whether the desk allows devices to be difficult.
 */
mischief_allowed: boolean, 
/**
 * The devices of the room, in the order of joining.
 */
devices: Array<DeviceRow>, 
/**
 * One per arm, in the order of the configuration.
 */
arms: Array<ArmView>, 
/**
 * Who takes part in the training round under way, or took part in the last one.
 */
cohort: CohortView, 
/**
 * Model bytes of this run.
 */
traffic: Traffic, 
/**
 * How often something was refused in this run, by code.
 */
refusals: { [key in string]: number }, 
/**
 * What happened to devices in this run, the newest first; of many entries, the last ones.
 */
feed: Array<FeedEntry>, };
export type CohortView = { 
/**
 * The round; 0 before the first.
 */
round: Round, 
/**
 * Whom it was opened with, in device order.
 */
asked: Array<DeviceId>, 
/**
 * Whom its models were sent to, in the order in which they were sent.
 */
received: Array<DeviceId>, 
/**
 * Whose updates are counted, in the order in which they arrived.
 */
answered: Array<DeviceId>, 
/**
 * Who was to send sketches and no weights, in device order.
 */
resting?: Array<DeviceId>, };
export type Phase = "lobby" | "waiting" | "training" | "resting" | "paused" | "evaluating" | "finished";
export type DeviceRow = { 
/**
 * Its number.
 */
id: DeviceId, 
/**
 * Its index in the partition of the data.
 */
slot: Slot, 
/**
 * What its user calls it.
 */
name: string, 
/**
 * What it is doing.
 */
state: DeviceState, 
/**
 * Its hidden group, where there are some.
 */
group: number | null, 
/**
 * Its number of training examples, by its last report in this run or else its share of the data set.
 */
examples: number, 
/**
 * Its share of the data set by label, as its group calls them; none where only the device knows.
 */
labels: Array<number>, 
/**
 * Model bytes received from it in this run.
 */
bytes_up: number, 
/**
 * Model bytes sent to it in this run.
 */
bytes_down: number, 
/**
 * Updates of it that were refused in this run.
 */
refused: number, 
/**
 * Code of the last refusal.
 */
last_refusal: string | null, 
/**
 * How it was difficult in its last update of this run, by what it says itself.
 */
mischief: Mischief | null, 
/**
 * How often its steps are halved in the rounds to come, since it was late.
 */
halvings?: number, };
export type DeviceState = "without_data" | "ready" | "training" | "sent" | "resting" | "late" | "away";
export type ArmView = { 
/**
 * The arm's name.
 */
name: string, 
/**
 * The strategy's name, as in the configuration.
 */
strategy: string, 
/**
 * How the last measured models serve the devices, balanced view.
 */
accuracy: Accuracy | null, 
/**
 * The same on the devices' own held-out examples.
 */
own_accuracy: Accuracy | null, 
/**
 * The coalitions after the last closed round.
 */
coalitions: Array<CoalitionView>, 
/**
 * Adjusted Rand index of coalitions with hidden groups, where there are some.
 */
agreement: number | null, 
/**
 * One row per round whose models have been measured. Devices measure a round's models when they receive them, so
 * the row of round r appears when round r + 1 closes, and the last one after the closing evaluation.
 */
history: Array<HistoryRow>, 
/**
 * Picture of the distances between the devices' weights, where weights were sent.
 */
map: MapView | null, 
/**
 * How the last measured models serve each of the devices that measured them, in device order.
 */
devices: Array<DeviceAccuracy>, 
/**
 * What the updates of difficult devices count in the models of the last closed round, in device order.
 */
influence: Array<Influence>, 
/**
 * Devices whose updates count less than half of what they would in a mean, because of how the arm makes models one.
 */
set_aside?: Array<SetAside>, 
/**
 * What this arm alone would have cost.
 */
traffic: ArmTraffic, };
export type Accuracy = { 
/**
 * Mean over devices.
 */
mean: number, 
/**
 * The worst device's.
 */
worst: number, 
/**
 * The best device's.
 */
best: number, 
/**
 * Mean of the worst tenth of the devices, rounded up.
 */
worst_tenth: number, 
/**
 * The worst hidden group's mean, where there are groups; else the worst device's.
 */
worst_group: number, };
export type CoalitionView = { 
/**
 * Kept from round to round.
 */
id: CoalitionId, 
/**
 * Its devices, in order. Never empty.
 */
members: Array<DeviceId>, 
/**
 * The member nearest to the barycenter.
 */
center: DeviceId, 
/**
 * Root mean square distance of the members to the barycenter, in units of weight.
 */
spread: number, };
export type HistoryRow = { 
/**
 * The round whose models were measured.
 */
round: Round, 
/**
 * Mean accuracy over devices, balanced view.
 */
mean: number, 
/**
 * The worst device's.
 */
worst: number, 
/**
 * The best device's.
 */
best: number, 
/**
 * The worst hidden group's.
 */
worst_group: number, 
/**
 * Mean accuracy over devices on their own held-out examples.
 */
own_mean: number, 
/**
 * The worst device's.
 */
own_worst: number, 
/**
 * The best device's.
 */
own_best: number, 
/**
 * Adjusted Rand index with the hidden groups.
 */
agreement: number | null, 
/**
 * Number of coalitions.
 */
coalitions: number, };
export type MapView = { 
/**
 * The devices whose weights arrived in the last closed round.
 */
points: Array<MapPoint>, 
/**
 * The coalitions' barycenters.
 */
barycenters: Array<MapBarycenter>, 
/**
 * The global model.
 */
global: MapPlace | null, 
/**
 * Kruskal's stress-1: how far distances in the picture are from the real ones, as a fraction.
 */
loss: number, };
export type MapPlace = { 
/**
 * To the right.
 */
x: number, 
/**
 * Upwards.
 */
y: number, };
export type MapPoint = { 
/**
 * The device.
 */
device: DeviceId, 
/**
 * To the right.
 */
x: number, 
/**
 * Upwards.
 */
y: number, };
export type MapBarycenter = { 
/**
 * The coalition.
 */
coalition: CoalitionId, 
/**
 * To the right.
 */
x: number, 
/**
 * Upwards.
 */
y: number, };
export type DeviceAccuracy = { 
/**
 * The device.
 */
device: DeviceId, 
/**
 * Accuracy on the label-balanced sample, where there is one.
 */
balanced: number | null, 
/**
 * Accuracy on the device's own held-out examples, where it has some.
 */
own: number | null, };
export type Influence = { 
/**
 * The device.
 */
device: DeviceId, 
/**
 * Its share of its coalition's barycenter, where it is in one.
 */
coalition: number | null, 
/**
 * Its share of the global model.
 */
global: number, };
export type SetAside = { 
/**
 * The device.
 */
device: DeviceId, 
/**
 * Of which model it is a smaller part.
 */
place: Place, 
/**
 * The rule that found its weights, or its coalition's barycenter, too far from the others; `None` where its
 * coalition has too few members for a full vote.
 */
rule: Rule | null, 
/**
 * What its update counts, or that of its coalition, as a fraction of 1.
 */
counts: number, 
/**
 * What it would count in a mean.
 */
fair: number, };
export type Place = "coalition" | "global";
export type Mischief = "label_flip" | "sign_flip" | "noise" | "silence" | "slowness";
export type Memberships = { 
/**
 * The run.
 */
run: RunId, 
/**
 * The closed rounds after which the arm had coalitions. Of a long run, the last ones.
 */
rounds: Array<RoundMemberships>, };
export type RoundMemberships = { 
/**
 * The round.
 */
round: Round, 
/**
 * Adjusted Rand index of the coalitions with the hidden groups, where there are some.
 */
agreement: number | null, 
/**
 * The coalitions.
 */
coalitions: Array<Membership>, };
export type Membership = { 
/**
 * Kept from round to round.
 */
id: CoalitionId, 
/**
 * Its devices, in order, those included that have left since.
 */
members: Array<DeviceId>, };
export type Distances = { 
/**
 * The run.
 */
run: RunId, 
/**
 * The closed round whose updates these are; 0 before the first.
 */
round: Round, 
/**
 * The devices whose weights arrived, in order. None where weights stay on the devices, or too many arrived.
 */
devices: Array<DeviceId>, 
/**
 * Euclidean distances, in units of weight: a row per device, in the order of `devices`.
 */
distances: Array<Array<number>>, 
/**
 * Each device's distance to its coalition's barycenter, in the same order.
 */
to_barycenter: Array<number | null>, };
export type Traffic = { 
/**
 * From devices.
 */
bytes_up: number, 
/**
 * To devices.
 */
bytes_down: number, 
/**
 * From devices in the training round under way, or else the last one.
 */
round_up: number, 
/**
 * To devices in that round.
 */
round_down: number, 
/**
 * Rounds closed.
 */
rounds: number, 
/**
 * What plain averaging alone would have cost: one model to every device that was sent models, one back.
 */
plain_averaging: ArmTraffic, };
export type ArmTraffic = { 
/**
 * From devices.
 */
bytes_up: number, 
/**
 * To devices.
 */
bytes_down: number, 
/**
 * From devices in the training round under way, or else the last one.
 */
round_up: number, 
/**
 * To devices in that round.
 */
round_down: number, };
export type FeedEntry = { 
/**
 * A later entry has a larger one.
 */
number: number, 
/**
 * The round under way, or the last one; 0 before the first.
 */
round: Round, 
/**
 * The device. It may have left since.
 */
device: DeviceId, 
/**
 * What happened.
 */
event: FeedEvent, 
/**
 * Why it was refused.
 */
code: string | null, 
/**
 * How often, one time after the other.
 */
count: number, };
export type FeedEvent = "joined" | "away" | "back" | "left" | "removed" | "late" | "refused";
export type Header = { 
/**
 * [`FORMAT`].
 */
format: string, 
/**
 * [`VERSION`].
 */
version: number, };
export type Frame = { 
/**
 * Milliseconds since the run was configured.
 */
time_ms: number, 
/**
 * The room as its boards saw it. `seq` is larger than in the frame before.
 */
view: View, 
/**
 * Distances between the devices' weights, by arm. Left out where there are none, or where no round has been closed
 * since the frame before.
 */
distances?: { [key in string]: Distances }, };
export type DeviceEvent = { "type": "joined", 
/**
 * Who it is.
 */
identity: Identity, } | { "type": "view", 
/**
 * What it shows.
 */
view: DeviceView, } | { "type": "samples", 
/**
 * The images.
 */
samples: Samples, } | { "type": "sent", 
/**
 * What it is.
 */
file: SentFile, } | { "type": "table_wanted", 
/**
 * What its rows hold.
 */
table: TableConfig, } | { "type": "refused", 
/**
 * The stable code.
 */
code: string, 
/**
 * The sentence.
 */
detail: string, } | { "type": "connection", 
/**
 * Whether there is one.
 */
online: boolean, 
/**
 * What happens next, as a sentence.
 */
detail: string, } | { "type": "left", 
/**
 * Why, as a stable code: `left`, `removed`, `replaced`, or the server's.
 */
code: string, 
/**
 * Why, as a sentence.
 */
reason: string, };
export type Guess = { 
/**
 * By the weights that the device has trained itself.
 */
own: Array<number> | null, 
/**
 * By the model of its coalition.
 */
coalition: Array<number> | null, 
/**
 * By the one model of all devices.
 */
global: Array<number> | null, 
/**
 * The image as the models saw it: grey values 0 to 255, row after row.
 */
seen: Array<number>, };
export type Identity = { 
/**
 * Its number.
 */
device: DeviceId, 
/**
 * Proves it. Never shown, never logged.
 */
token: string, 
/**
 * Its index in the partition of the data.
 */
slot: Slot, };
export type DeviceView = { 
/**
 * What it is doing.
 */
activity: Activity, 
/**
 * The round it last took part in; 0 before the first.
 */
round: Round, 
/**
 * Rounds of the run.
 */
rounds: number, 
/**
 * How much of this round's work is done, 0 to 1.
 */
progress: number, 
/**
 * Its hidden group, where there are some.
 */
group: number | null, 
/**
 * One per arm, in the order of the configuration.
 */
arms: Array<DeviceArm>, 
/**
 * Training examples.
 */
examples: number, 
/**
 * How many of them its user taught it.
 */
taught: number, 
/**
 * Training examples by label.
 */
label_histogram: Array<number>, 
/**
 * Counts changes of what it guesses with: its models, and how its group sees images.
 */
models: number, 
/**
 * Updates the server accepted.
 */
updates_accepted: number, 
/**
 * Model bytes sent.
 */
bytes_up: number, 
/**
 * Model bytes received.
 */
bytes_down: number, 
/**
 * Whether the desk allows it to be difficult.
 */
mischief_allowed: boolean, 
/**
 * How it is difficult, from the next round on.
 */
mischief: Mischief | null, 
/**
 * How often its steps are halved in this round, since it was late.
 */
halvings: number, };
export type Activity = "connecting" | "loading_data" | "choosing" | "waiting" | "evaluating" | "training" | "sending" | "finished";
export type DeviceArm = { 
/**
 * The arm's name.
 */
name: string, 
/**
 * The coalition whose model, or whose company, the device was given.
 */
coalition: CoalitionId | null, 
/**
 * Accuracy of the received model on the balanced sample.
 */
balanced_before: number | null, 
/**
 * Accuracy of the received model on the device's own held-out examples.
 */
own_before: number | null, 
/**
 * The same after training.
 */
own_after: number | null, 
/**
 * Mean loss over the last training epoch.
 */
loss: number | null, };
export type Samples = { 
/**
 * The data set they come from.
 */
dataset: DatasetName, 
/**
 * By how many quarters the device's group sees images turned, anticlockwise.
 */
quarter_turns: number, 
/**
 * What the device's group calls each label.
 */
called: Array<number>, 
/**
 * Pixels of a row.
 */
width: number, 
/**
 * Rows of an image.
 */
height: number, 
/**
 * One per image, as the device's group sees it.
 */
labels: Array<number>, 
/**
 * Grey values 0 to 255, image after image, row after row.
 */
pixels: Array<number>, };
export type SentFile = { 
/**
 * The round that it is for.
 */
round: Round, 
/**
 * Its length.
 */
bytes: number, 
/**
 * Its header: names, types, shapes and places of its tensors, and its metadata, as JSON.
 */
header: string, 
/**
 * The first of its numbers, up to [`SentFile::NUMBERS`]; `null` for one that is not finite.
 */
numbers: Array<number | null>, };
export type RunConfig = { 
/**
 * Source of all randomness of the run.
 */
seed: number, 
/**
 * Number of rounds, 1 to [`limits::ROUNDS`].
 */
rounds: number, 
/**
 * The model every arm trains.
 */
model: ModelConfig, 
/**
 * Which examples a device has.
 */
data: DataConfig, 
/**
 * What a device does in a round.
 */
training: TrainingConfig, 
/**
 * When a round opens and closes.
 */
pacing: PacingConfig, 
/**
 * The strategies that are compared, 1 to [`limits::ARMS`].
 */
arms: Array<ArmConfig>, 
/**
 * How models cross the wire.
 */
encodings: Encodings, };
export type ModelConfig = { "kind": "softmax", } | { "kind": "mlp", 
/**
 * Units of each hidden layer.
 */
hidden: Array<number>, } | { "kind": "cnn", } | { "kind": "cnn_wide", };
export type DataConfig = { 
/**
 * Where the examples come from.
 */
dataset: DatasetName, 
/**
 * How labels are spread over devices.
 */
partition: Partition, 
/**
 * Hidden groups of devices whose right answers differ; `null` for none.
 */
groups: Groups | null, 
/**
 * Training examples per device.
 */
examples: number, 
/**
 * Devices' numbers of training examples are spread around `examples` with this standard deviation of their
 * logarithm; with 0 all have as many.
 */
spread: number, 
/**
 * Held-out examples per device, with the device's own mix of labels, on top of `examples`.
 */
held_out: number, 
/**
 * Examples by which a device chooses between models, with its own mix of labels, on top of the others.
 */
validation: number, 
/**
 * Test examples per label in the balanced view.
 */
balanced_per_label: number, 
/**
 * What a row holds, where every device brings a table of its own; left out where there is a data set.
 *
 * `dataset`, `partition`, `spread` and `balanced_per_label` are for data sets alone. Of a device's rows so many parts
 * are for training, held out and for validation as `examples`, `held_out` and `validation` stand to each other. There
 * are no rows that all devices have in common, so both views measure a device on its own held-out rows.
 */
table?: TableConfig, };
export type DatasetName = "mnist-small" | "fashion-mnist-small" | "mnist" | "watch";
export type TableConfig = { 
/**
 * Name of the column that holds the labels.
 */
label: string, 
/**
 * The labels, as the file spells them: the first is label 0.
 */
labels: Array<string>, 
/**
 * The columns of numbers, in the order the model takes them.
 */
columns: Array<Column>, };
export type Column = { 
/**
 * Its name in the file's first row.
 */
name: string, 
/**
 * Mean that is expected over all devices, in the file's unit.
 */
mean: number, 
/**
 * Standard deviation that is expected over all devices, in the file's unit.
 */
sd: number, };
export type TableError = { "kind": "unwanted" } | { "kind": "bytes", 
/**
 * Its bytes.
 */
found: number, 
/**
 * What would fit.
 */
most: number, } | { "kind": "encoding", 
/**
 * Where.
 */
row: number, } | { "kind": "empty" } | { "kind": "semicolons" } | { "kind": "missing", 
/**
 * Its name.
 */
column: string, } | { "kind": "twice", 
/**
 * Its name.
 */
column: string, } | { "kind": "quote", 
/**
 * Where.
 */
row: number, } | { "kind": "fields", 
/**
 * Where.
 */
row: number, 
/**
 * Its fields.
 */
found: number, 
/**
 * Those of the first row.
 */
expected: number, } | { "kind": "number", 
/**
 * Where.
 */
row: number, 
/**
 * Where.
 */
column: string, 
/**
 * What stands there.
 */
found: string, } | { "kind": "far", 
/**
 * Where.
 */
row: number, 
/**
 * Where.
 */
column: string, 
/**
 * The number.
 */
found: number, 
/**
 * What would fit.
 */
least: number, 
/**
 * What would fit.
 */
most: number, } | { "kind": "label", 
/**
 * Where.
 */
row: number, 
/**
 * Name of the label column.
 */
column: string, 
/**
 * What stands there.
 */
found: string, 
/**
 * What would fit.
 */
labels: string, } | { "kind": "too_few", 
/**
 * Its rows.
 */
found: number, 
/**
 * What would fit.
 */
least: number, } | { "kind": "too_many", 
/**
 * The first one too many.
 */
row: number, 
/**
 * What would fit.
 */
most: number, };
export type Partition = { "kind": "iid", } | { "kind": "dirichlet", 
/**
 * Concentration: small values give devices few labels each.
 */
alpha: number, } | { "kind": "shards", 
/**
 * Number of different labels a device has.
 */
labels_per_device: number, } | { "kind": "person", };
export type Groups = { 
/**
 * Number of groups.
 */
count: number, 
/**
 * What sets the groups apart.
 */
kind: GroupKind, 
/**
 * Devices of each group: the first slots are of group 0, the next of group 1; slots past the last start over.
 */
sizes?: Array<number> | null, 
/**
 * For `label_swap`: every group, the first one too, swaps just so many pairs of labels, those of one group after
 * those of the other.
 */
pairs?: number | null, };
export type GroupKind = "rotation" | "label_swap";
export type TrainingConfig = { 
/**
 * Passes over the device's examples.
 */
epochs: number, 
/**
 * Examples per step.
 */
batch: number, 
/**
 * Step size.
 */
learning_rate: number, 
/**
 * Classical momentum, 0 for none.
 */
momentum: number, 
/**
 * L2 penalty added to the gradient, 0 for none.
 */
weight_decay: number, };
export type PacingConfig = { 
/**
 * A round opens when at least so many devices are connected, and its deadline closes it only with so many updates.
 */
min_devices: number, 
/**
 * The run starts by itself when so many devices are connected; `null` waits for the desk.
 */
start_at: number | null, 
/**
 * Longest time a round waits for its cohort, in milliseconds.
 */
deadline_ms: number, 
/**
 * Least time from one round's opening to the next one's, in milliseconds, so that people can watch.
 */
pace_ms: number, 
/**
 * Who is asked in a training round; left out, everybody who is connected.
 */
participation?: Participation, 
/**
 * What devices are asked for that are not done in time.
 */
slow_devices: SlowDevices, };
export type Participation = { 
/**
 * Part of the connected devices that is asked, above 0, up to 1; rounded up to whole devices, and never fewer than
 * `min_devices`.
 */
fraction: number, 
/**
 * The most that are asked, at least `min_devices`; left out, as many as that part is.
 */
max_devices?: number, 
/**
 * Which of them.
 */
order: Order, };
export type Order = "random" | "capable_first";
export type SlowDevices = "shorter_plan" | "full_plan";
export type ArmConfig = { 
/**
 * Name of the arm; left out, the strategy's.
 */
name: string, 
/**
 * What turns a round's updates into the next round's models.
 */
strategy: StrategyConfig, };
export type StrategyConfig = { "kind": "local_only", } | { "kind": "fed_avg", } | { "kind": "fed_avg_fine_tune", } | { "kind": "fed_prox", 
/**
 * Half of it times the squared distance to the start is added to the loss.
 */
mu: number, } | { "kind": "robust_average" } & Aggregation | { "kind": "scaffold", } | { "kind": "oracle_groups", } | { "kind": "ifca", 
/**
 * Number of models, which all travel to every device.
 */
k: number, } | { "kind": "fesem", 
/**
 * Number of centers.
 */
k: number, } | { "kind": "cfl" } & CflOptions | { "kind": "fl_hc" } & FlHcOptions | { "kind": "bounded_confidence" } & BoundedConfidenceOptions | { "kind": "coalition_global", 
/**
 * How coalitions form.
 */
formation: Formation, } | { "kind": "coalition_models", 
/**
 * How coalitions form.
 */
formation: Formation, } | { "kind": "ours" } & OursOptions;
export type OursOptions = { 
/**
 * Rounds of the one model before coalitions are looked for.
 */
warm_up: number, 
/**
 * Cosine of two devices' output rows from which on they agree about a label.
 */
agreement: number, 
/**
 * Rounds in which coalitions are tried against the one model.
 */
trial: number, 
/**
 * After the trial devices judge all models every so many rounds.
 */
judge_every: number, };
export type CflOptions = { 
/**
 * Rounds before the first split.
 */
warm_up: number, 
/**
 * A cluster may split when the length of its members' mean delta is below this fraction of the longest of them.
 */
split_below: number, 
/**
 * A cluster splits only if √((1 − cosine) / 2) of the most similar two members of different parts is above this;
 * 0 for no such condition.
 */
gamma: number, 
/**
 * A cluster splits only into parts of at least so many members.
 */
min_size: number, 
/**
 * How a cluster is split in two.
 */
linkage: Linkage, };
export type FlHcOptions = { 
/**
 * Rounds of plain averaging; the deltas of the round after them are clustered.
 */
rounds_before: number, 
/**
 * Distance of two deltas.
 */
metric: Metric, 
/**
 * Distance of two clusters.
 */
linkage: Linkage, 
/**
 * Clusters farther apart than this fraction of the devices' median distance are not merged.
 */
threshold: number, 
/**
 * Number of clusters, in place of `threshold`.
 */
k: number | null, };
export type BoundedConfidenceOptions = { 
/**
 * Distance of two opinions.
 */
metric: Metric, 
/**
 * How near an opinion must be to count, as a fraction of the devices' median distance; `null` for what
 * [`Self::radius`] says.
 */
confidence: number | null, 
/**
 * For so many rounds every device starts from the global model while coalitions form on the unit-length deltas
 * added up so far.
 */
warm_up: number, 
/**
 * Coalitions form anew, on weights, every so many rounds; `null` keeps the first ones (those at the end of the
 * warm-up).
 */
reform_every: number | null, 
/**
 * Times that opinions move before those that have not met stay apart.
 */
max_iterations: number, };
export type Metric = "euclidean" | "cosine";
export type Linkage = "single" | "average" | "complete";
export type Formation = { 
/**
 * Number of coalitions asked for; fewer where there are fewer devices.
 */
k: number, 
/**
 * How the first centers are chosen.
 */
first_centers: FirstCenters, 
/**
 * Between what the distance is taken.
 */
distance: DistanceKind, 
/**
 * Whether layers count as they are or each by its own norm.
 */
layers: LayerScale, 
/**
 * What each coalition counts in the global model.
 */
weighting: Weighting, 
/**
 * For so many rounds every device starts from the global model while coalitions form on the unit-length deltas
 * added up so far.
 */
warm_up: number, 
/**
 * Coalitions form anew every so many rounds; `null` keeps the first ones (those at the end of the warm-up).
 */
reform_every: number | null, 
/**
 * Coalitions stay as they are once so many formations in a row gave the same; `null` never.
 */
freeze_after: number | null, 
/**
 * Smaller coalitions are dissolved and their members join the nearest one.
 */
min_size: number, 
/**
 * Formations tried with different first centers; the one with the least distance within coalitions is kept.
 */
restarts: number, 
/**
 * Passes of assignment and new centers before a formation that does not settle is taken as it is.
 */
max_iterations: number, 
/**
 * Left out, coalitions form from the weights that devices send; else from sketches that they send first, so that
 * weights can be added up by coalition as they arrive.
 */
sketches?: Sketches, 
/**
 * How a coalition's barycenter comes of its members' weights; left out, it is their mean.
 */
barycenters?: Aggregation, 
/**
 * How the global model comes of the barycenters; left out, it is their mean, as `weighting` says.
 */
global?: Aggregation, 
/**
 * Coalitions of fewer members count in the global model only by how many of so many they have; left out, a lone
 * device's counts in full.
 */
full_vote?: number, };
export type Sketches = { 
/**
 * Left out, every device sends its weights every round.
 */
resting?: Resting, };
export type Resting = { 
/**
 * Rounds, after the warm-up, in which no device has changed its coalition.
 */
after: number, 
/**
 * Part of a coalition's members that sends weights in a round, above 0, up to 1; rounded up to whole devices.
 */
share: number, };
export type FirstCenters = "random" | "k_means_plus_plus";
export type DistanceKind = "weights" | "deltas" | "unit_deltas";
export type LayerScale = "raw" | "by_norm";
export type Weighting = "coalitions" | "size" | "examples";
export type Aggregation = { 
/**
 * The rule.
 */
rule: Rule, 
/**
 * Part of the models that may be bad, from 0 to below ½: `trimmed_mean` leaves out as many at each end, `multi_krum`
 * as many in all; the other rules do not ask.
 */
bad: number, };
export type Rule = "norm_clipping" | "median" | "trimmed_mean" | "geometric_median" | "multi_krum";
export type Encodings = { 
/**
 * From devices to the room.
 */
up: Encoding, 
/**
 * From the room to devices.
 */
down: Encoding, };
export type Encoding = { "kind": "f32", } | { "kind": "f16", } | { "kind": "int8", } | { "kind": "one_bit", } | { "kind": "top_k", 
/**
 * Part of a model's numbers that is sent, above 0, up to [`MOST_SHARE`].
 */
share: number, };
