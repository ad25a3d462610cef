//! The TypeScript types of everything a page reads, held against the committed file.

use std::fs;
use std::path::Path;

use ts_rs::{Config, TS};

use crate::attack::Mischief;
use crate::config::{
    Aggregation, ArmConfig, BoundedConfidenceOptions, CflOptions, DataConfig, DistanceKind,
    Encodings, FirstCenters, FlHcOptions, Formation, GroupKind, Groups, LayerScale, Linkage,
    Metric, Order, OursOptions, PacingConfig, Participation, Partition, Resting, Rule, RunConfig,
    Sketches, SlowDevices, StrategyConfig, TrainingConfig, Weighting,
};
use crate::data::{Column, DatasetName, TableConfig, TableError};
use crate::encoding::Encoding;
use crate::ids::{CoalitionId, DeviceId, Round, RunId, Slot};
use crate::model::ModelConfig;
use crate::recording::{Frame, Header};
use crate::view::{
    Accuracy, Activity, ArmTraffic, ArmView, CoalitionView, CohortView, DeviceAccuracy, DeviceArm,
    DeviceEvent, DeviceRow, DeviceState, DeviceView, Distances, FeedEntry, FeedEvent, Guess,
    HistoryRow, Identity, Influence, MapBarycenter, MapPlace, MapPoint, MapView, Membership,
    Memberships, Phase, Place, RoundMemberships, Samples, SentFile, SetAside, Traffic, View,
};

const HEADER: &str = "\
// Generated from the Rust types in core/. Do not edit.
// To write it anew: UPDATE_TYPES=1 cargo test -p constellation-core typescript
";

fn declarations() -> String {
    let config = Config::default();
    macro_rules! declare {
        ($($name:ty),* $(,)?) => { [$(format!("export {}\n", <$name>::decl(&config))),*].concat() };
    }
    let types = declare![
        DeviceId,
        Slot,
        Round,
        RunId,
        CoalitionId,
        View,
        CohortView,
        Phase,
        DeviceRow,
        DeviceState,
        ArmView,
        Accuracy,
        CoalitionView,
        HistoryRow,
        MapView,
        MapPlace,
        MapPoint,
        MapBarycenter,
        DeviceAccuracy,
        Influence,
        SetAside,
        Place,
        Mischief,
        Memberships,
        RoundMemberships,
        Membership,
        Distances,
        Traffic,
        ArmTraffic,
        FeedEntry,
        FeedEvent,
        Header,
        Frame,
        DeviceEvent,
        Guess,
        Identity,
        DeviceView,
        Activity,
        DeviceArm,
        Samples,
        SentFile,
        RunConfig,
        ModelConfig,
        DataConfig,
        DatasetName,
        TableConfig,
        Column,
        TableError,
        Partition,
        Groups,
        GroupKind,
        TrainingConfig,
        PacingConfig,
        Participation,
        Order,
        SlowDevices,
        ArmConfig,
        StrategyConfig,
        OursOptions,
        CflOptions,
        FlHcOptions,
        BoundedConfidenceOptions,
        Metric,
        Linkage,
        Formation,
        Sketches,
        Resting,
        FirstCenters,
        DistanceKind,
        LayerScale,
        Weighting,
        Aggregation,
        Rule,
        Encodings,
        Encoding,
    ];
    format!("{HEADER}\n{types}")
}

#[test]
fn the_pages_have_the_types_of_the_core() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/src/types.gen.ts");
    let declared = declarations();
    if std::env::var_os("UPDATE_TYPES").is_some() {
        fs::write(&path, &declared).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == declared,
        "web/src/types.gen.ts is not what the Rust types say; write it anew with\n\
         UPDATE_TYPES=1 cargo test -p constellation-core typescript"
    );
}
