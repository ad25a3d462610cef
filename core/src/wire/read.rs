//! How a device reads what the room says, and what its page hands it. serde writes it; that both mean the same is
//! tested.

use super::codec::{ArmHeader, RoundHeader, StartHeader};
use super::delta::{DeltaHeader, Form};
use super::message::{ArmCoalition, Configured, Farewell, RoomNews, SendWeights, Serves};
use crate::attack::Mischief;
use crate::config::{
    Aggregation, ArmConfig, BoundedConfidenceOptions, CflOptions, DataConfig, DistanceKind,
    Encodings, FirstCenters, FlHcOptions, Formation, GroupKind, Groups, LayerScale, Linkage,
    Metric, OursOptions, Partition, Resting, Rule, RunConfig, Sketches, StrategyConfig,
    TrainingConfig, Weighting,
};
use crate::data::{Column, DatasetName, TableConfig};
use crate::device::Refusal;
use crate::encoding::{Encoding, ModelHash};
use crate::ids::{CoalitionId, DeviceId, Round, RunId, Slot};
use crate::json::{self, JsonError, Read, Value, fields, names, transparent};
use crate::model::ModelConfig;
use crate::view::Identity;

impl RoomNews {
    /// Reads a control message.
    ///
    /// # Errors
    /// It is none that a device knows.
    pub fn from_json(text: &str) -> Result<Self, JsonError> {
        Self::read(&json::parse(text)?).ok_or(JsonError::Misfit)
    }
}

/// What a value says of which kind it is.
fn kind<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).text()
}

impl Read for RoomNews {
    fn read(value: &Value) -> Option<Self> {
        Some(match kind(value, "message")? {
            "configured" => Self::Configured(Box::new(Configured::read(value)?)),
            "send_weights" => Self::SendWeights(SendWeights::read(value)?),
            "run_finished" => Self::RunFinished,
            "farewell" => Self::Farewell(Farewell::read(value)?),
            "refused" => Self::Refused {
                code: value.field("code")?,
                detail: value.field("detail")?,
            },
            _ => return None,
        })
    }
}

impl Read for Farewell {
    fn read(value: &Value) -> Option<Self> {
        Some(match kind(value, "reason")? {
            "removed" => Self::Removed,
            "left" => Self::Left,
            "server_stops" => Self::ServerStops {
                retry_after_ms: value.field_or_default("retry_after_ms")?,
            },
            "replaced" => Self::Replaced,
            _ => return None,
        })
    }
}

impl Read for ModelConfig {
    fn read(value: &Value) -> Option<Self> {
        Some(match kind(value, "kind")? {
            "softmax" => Self::Softmax {},
            "mlp" => Self::Mlp {
                hidden: value.field("hidden")?,
            },
            "cnn" => Self::Cnn {},
            "cnn_wide" => Self::CnnWide {},
            _ => return None,
        })
    }
}

impl Read for Partition {
    fn read(value: &Value) -> Option<Self> {
        Some(match kind(value, "kind")? {
            "iid" => Self::Iid {},
            "dirichlet" => Self::Dirichlet {
                alpha: value.field("alpha")?,
            },
            "shards" => Self::Shards {
                labels_per_device: value.field("labels_per_device")?,
            },
            "person" => Self::Person {},
            _ => return None,
        })
    }
}

impl Read for StrategyConfig {
    fn read(value: &Value) -> Option<Self> {
        Some(match kind(value, "kind")? {
            "local_only" => Self::LocalOnly {},
            "fed_avg" => Self::FedAvg {},
            "fed_avg_fine_tune" => Self::FedAvgFineTune {},
            "fed_prox" => Self::FedProx {
                mu: value.field("mu")?,
            },
            "robust_average" => Self::RobustAverage(Read::read(value)?),
            "scaffold" => Self::Scaffold {},
            "oracle_groups" => Self::OracleGroups {},
            "ifca" => Self::Ifca {
                k: value.field("k")?,
            },
            "fesem" => Self::Fesem {
                k: value.field("k")?,
            },
            "cfl" => Self::Cfl(Read::read(value)?),
            "fl_hc" => Self::FlHc(Read::read(value)?),
            "bounded_confidence" => Self::BoundedConfidence(Read::read(value)?),
            "coalition_global" => Self::CoalitionGlobal {
                formation: value.field("formation")?,
            },
            "coalition_models" => Self::CoalitionModels {
                formation: value.field("formation")?,
            },
            "ours" => Self::Ours(Read::read(value)?),
            _ => return None,
        })
    }
}

impl Read for Encoding {
    fn read(value: &Value) -> Option<Self> {
        Some(match kind(value, "kind")? {
            "f32" => Self::F32 {},
            "f16" => Self::F16 {},
            "int8" => Self::Int8 {},
            "one_bit" => Self::OneBit {},
            "top_k" => Self::TopK {
                share: value.field("share")?,
            },
            _ => return None,
        })
    }
}

impl Read for ModelHash {
    fn read(value: &Value) -> Option<Self> {
        value.text().and_then(Self::from_hex)
    }
}

impl Read for StartHeader {
    fn read(value: &Value) -> Option<Self> {
        match value.text() {
            Some("own") => Some(Self::Own),
            Some("model") => Some(Self::Model),
            _ => value.field("best_of").map(Self::BestOf),
        }
    }
}

transparent!(CoalitionId, DeviceId, Round, RunId, Slot);

fields!(Configured { protocol, run, device, slot, config; or default mischief });
fields!(SendWeights {
    run,
    round,
    coalitions
});
fields!(ArmCoalition { arm, coalition });
// When rounds open and close is the room's to know.
fields!(RunConfig { seed, rounds, model, data, training, arms, encodings; without pacing });
fields!(Encodings { up, down });
fields!(DataConfig {
    dataset,
    partition,
    groups,
    examples,
    spread,
    held_out,
    validation,
    balanced_per_label,
    table,
});
fields!(TableConfig {
    label,
    labels,
    columns,
});
fields!(Column { name, mean, sd });
fields!(Groups {
    count,
    kind,
    sizes,
    pairs,
});
fields!(TrainingConfig {
    epochs,
    batch,
    learning_rate,
    momentum,
    weight_decay,
});
fields!(ArmConfig { name, strategy });
fields!(OursOptions {
    warm_up,
    agreement,
    trial,
    judge_every,
});
fields!(Formation {
    k,
    first_centers,
    distance,
    layers,
    weighting,
    warm_up,
    reform_every,
    freeze_after,
    min_size,
    restarts,
    max_iterations,
    sketches,
    barycenters,
    global,
    full_vote,
});
fields!(Aggregation { rule, bad });
fields!(Sketches { resting });
fields!(Resting { after, share });
fields!(BoundedConfidenceOptions {
    metric,
    confidence,
    warm_up,
    reform_every,
    max_iterations,
});
fields!(CflOptions {
    warm_up,
    split_below,
    gamma,
    min_size,
    linkage,
});
fields!(FlHcOptions {
    rounds_before,
    metric,
    linkage,
    threshold,
    k,
});
fields!(Identity {
    device,
    token,
    slot
});
fields!(Refusal { code, detail });
fields!(RoundHeader { run, round, training, arms; or default halvings, upload, deltas });
fields!(DeltaHeader { model, encoding, reference; or default rotation });
fields!(ArmHeader { name, coalition, start; or default proximal, correction, beside, judge, serves,
    sketch });

names!(Form { Same = "same", F16 = "f16", Int8 = "int8", OneBit = "one_bit", TopK = "top_k" });
names!(Mischief { LabelFlip = "label_flip", SignFlip = "sign_flip", Noise = "noise",
    Silence = "silence", Slowness = "slowness" });
names!(Serves { Received = "received", Tuned = "tuned", Chosen = "chosen",
    Best = "best" });
names!(GroupKind { Rotation = "rotation", LabelSwap = "label_swap" });
names!(FirstCenters { Random = "random", KMeansPlusPlus = "k_means_plus_plus" });
names!(DistanceKind { Weights = "weights", Deltas = "deltas", UnitDeltas = "unit_deltas" });
names!(LayerScale { Raw = "raw", ByNorm = "by_norm" });
names!(Weighting { Coalitions = "coalitions", Size = "size", Examples = "examples" });
names!(Rule { NormClipping = "norm_clipping", Median = "median", TrimmedMean = "trimmed_mean",
    GeometricMedian = "geometric_median", MultiKrum = "multi_krum" });
names!(Metric { Euclidean = "euclidean", Cosine = "cosine" });
names!(Linkage { Single = "single", Average = "average", Complete = "complete" });
names!(DatasetName {
    MnistSmall = "mnist-small",
    FashionMnistSmall = "fashion-mnist-small",
    Mnist = "mnist",
    Watch = "watch",
});
