//! A device whose user brings a table.

use super::*;
use crate::data::Column;

fn declared() -> TableConfig {
    let column = |name: &str| Column {
        name: name.to_owned(),
        mean: 0.0,
        sd: 1.0,
    };
    TableConfig {
        label: "exercise".to_owned(),
        labels: ["rest", "walk"].map(str::to_owned).into(),
        columns: vec![column("x"), column("y")],
    }
}

fn with_table() -> RunConfig {
    let mut config = config();
    (config.data.groups, config.data.table) = (None, Some(declared()));
    (*config.check().unwrap()).clone()
}

/// Ten rows of each label, which differ in x.
fn file() -> String {
    let rows = (0..10).map(|i| format!("1.{i},0,rest\n-1.{i},0,walk\n"));
    format!("x,y,exercise\n{}", rows.collect::<String>())
}

/// Asked for a table, and given it.
fn ready() -> Tab {
    let mut tab = Tab::new(with_table());
    tab.configure(1);
    tab.device.read_table(file().as_bytes()).unwrap();
    tab
}

#[test]
fn a_table_is_asked_for_and_trained_on() {
    let mut tab = Tab::new(with_table());
    let effects = tab.configure(1);
    assert!(
        matches!(&effects[..], [Effect::AskForTable(table)] if **table == declared()),
        "{effects:?}"
    );
    assert_eq!(tab.device.view().activity, Activity::Choosing);
    let effects = tab.device.read_table(file().as_bytes()).unwrap();
    assert!(
        matches!(effects[..], [Effect::Ready(RunId(1))]),
        "{effects:?}"
    );
    let view = tab.device.view();
    assert_eq!(view.activity, Activity::Waiting);
    // The configuration asks for 60 to train on to every 20 held out.
    assert_eq!((view.examples, &view.label_histogram), (15, &vec![8, 7]));
    assert_eq!((view.taught, view.group), (15, None));
    assert!(tab.open(1, 1).is_empty());
    let report = tab.update().report;
    assert_eq!((report.examples, report.own_data), (15, 15));
    let arm = &report.arms["fed_avg"];
    assert!(arm.own_before.is_some());
    assert_eq!(arm.balanced_before, arm.own_before);
}

#[test]
fn what_leaves_holds_no_row() {
    let mut tab = ready();
    tab.open(1, 1);
    let (_, body) = tab.work();
    let holds = |part: &[u8]| body.windows(part.len()).any(|window| window == part);
    for i in 0..10 {
        assert!(!holds(format!("1.{i},0").as_bytes()));
        let value: f32 = format!("1.{i}").parse().unwrap();
        let row = [value, 0.0].map(f32::to_le_bytes).concat();
        assert!(!holds(&row), "row {i}");
    }
    // It is looked for rightly: the examples are what this is.
    assert!(holds(br#"examples\":15"#));
}

#[test]
fn a_table_that_does_not_fit_is_refused_and_another_one_taken() {
    let mut tab = Tab::new(with_table());
    tab.configure(1);
    let spoilt = file().replace("1.9,0,rest", "1.9,0,sit");
    let error = tab.device.read_table(spoilt.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 20, column “exercise”: “sit” is none of the labels rest, walk"
    );
    assert_eq!(tab.device.view().activity, Activity::Choosing);
    assert_eq!(tab.device.view().examples, 0);
    assert!(tab.device.read_table(file().as_bytes()).is_ok());
    // One is enough.
    let again = tab.device.read_table(file().as_bytes());
    assert_eq!(again.unwrap_err(), TableError::Unwanted);
    let mut images = Tab::ready(config());
    assert_eq!(
        images.device.read_table(file().as_bytes()).unwrap_err(),
        TableError::Unwanted
    );
}

#[test]
fn a_table_is_kept_over_a_lost_connection_and_a_reset() {
    let mut tab = ready();
    tab.device.handle(Input::Disconnected);
    let effects = tab.configure(1);
    assert!(
        matches!(effects[..], [Effect::Ready(RunId(1))]),
        "{effects:?}"
    );
    assert_eq!(tab.device.view().activity, Activity::Waiting);
    let effects = tab.configure(2);
    assert!(
        matches!(effects[..], [Effect::Ready(RunId(2))]),
        "{effects:?}"
    );
    assert_eq!(tab.device.view().examples, 15);
    // Another declaration asks anew: what the rows were read for is over.
    tab.config.data.table.as_mut().unwrap().columns[0].sd = 2.0;
    let effects = tab.configure(3);
    assert!(
        matches!(effects[..], [Effect::AskForTable(_)]),
        "{effects:?}"
    );
}

#[test]
fn a_device_that_waits_for_its_table_still_does_when_it_is_back() {
    let mut tab = Tab::new(with_table());
    tab.configure(1);
    tab.device.handle(Input::Disconnected);
    assert!(tab.configure(1).is_empty());
    assert_eq!(tab.device.view().activity, Activity::Choosing);
    assert!(tab.device.read_table(file().as_bytes()).is_ok());
}
