//! Largest accepted values. Each has a test one past it.

/// Rounds of a run.
pub const ROUNDS: u32 = 100_000;
/// Arms of a run.
pub const ARMS: usize = 16;
/// Bytes of an arm's name.
pub const ARM_NAME: usize = 40;
/// Training, or held-out, examples of a device.
pub const EXAMPLES: u32 = 20_000;
/// Examples that a person teaches one device, beyond its share of the data set.
pub const TAUGHT: u32 = 100;
/// How often the steps of a device are halved that is late again and again.
pub const HALVINGS: u32 = 4;
/// Fewest training examples that a spread leaves a device, unless all have fewer.
pub const LEAST_SPREAD: u32 = 10;
/// Test examples per label in the balanced view.
pub const BALANCED_PER_LABEL: u32 = 1_000;
/// Epochs of a round.
pub const EPOCHS: u32 = 100;
/// Examples of a step.
pub const BATCH: u32 = 1_024;
/// Deadline and pace, in milliseconds: one hour.
pub const WAIT_MS: u32 = 3_600_000;
/// Models that travel to one device for one arm.
pub const MODELS: u32 = 16;
/// Coalitions asked for.
pub const COALITIONS: u32 = 1_000;
/// Models that a device tries or judges for one arm in one round.
pub const CANDIDATES: u32 = 64;
/// Restarts of a formation.
pub const RESTARTS: u32 = 1_000;
/// Passes of a formation.
pub const ITERATIONS: u32 = 10_000;
/// Hidden layers, and units in one.
pub const HIDDEN_LAYERS: usize = 8;
/// Units of a hidden layer.
pub const HIDDEN_UNITS: u32 = 4_096;
/// Parameters of a model.
pub const PARAMETERS: u32 = 4_000_000;
/// Memberships that an arm keeps, over all its rounds; past it the oldest rounds go.
pub const MEMBERSHIPS: usize = 100_000;
/// Devices whose distances are kept.
pub const DISTANCES: usize = 400;
/// Devices of a room.
pub const DEVICES: u32 = 2_000;
