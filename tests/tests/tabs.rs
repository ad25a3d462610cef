//! One server and real tabs: the main job, whole.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use constellation_core::config::{GroupKind, RunConfig};
use constellation_core::data::DatasetName;
use constellation_core::ids::RunId;
use constellation_core::view::{DeviceState, Phase, View};
use constellation_lab::data::load;
use constellation_lab::simulate::simulate;
use constellation_tests::{Browser, Engine, Room, Server, Tab, in_each_browser};
use fantoccini::actions::{InputSource, PointerAction, TouchActions};
use serde_json::{Value, json};

in_each_browser![
    rounds_go_on_while_tabs_close_and_reload,
    tabs_headless_devices_and_the_laboratory_have_one_fingerprint,
    a_room_is_one_click_and_a_device_is_one_code,
    a_preset_begins_another_run,
    what_the_room_refuses_is_shown_on_the_device_and_on_the_board,
    a_removed_device_is_told_so,
    a_drawing_gets_three_answers_and_is_taught_without_leaving_the_tab,
];

/// Training four tabs on two cores, in seconds, when the machine is busy with other things as well.
const LONG: Duration = Duration::from_secs(60);

fn testid(id: &str) -> String {
    format!("[data-testid=\"{id}\"]")
}

async fn no_errors(browser: &Browser) -> Result<()> {
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

/// Waits until the board shows so many rows of the membership table.
async fn wait_for_rows(board: &Tab, count: usize) -> Result<()> {
    let rows = "document.querySelectorAll('[data-testid=device-row]').length === args[0]";
    board
        .wait_until(
            &format!("{count} devices on the board"),
            rows,
            vec![json!(count)],
            LONG,
        )
        .await?;
    Ok(())
}

/// After twelve rounds the board shows who was with whom, and how far the three devices that are left are from each
/// other.
async fn look_back(board: &Tab) -> Result<()> {
    board.click(&testid("show-answer")).await?;
    let ribbon = "document.querySelectorAll('[data-testid=ribbon-row]').length === 4 \
        && document.querySelectorAll('[data-testid=ribbon-group]').length === 4 \
        && document.querySelectorAll('[data-testid=ribbon-agreement]').length === 12";
    board
        .wait_until("the ribbon with the answer", ribbon, vec![], LONG)
        .await?;
    let neighbours = "document.querySelector('[data-testid=map-device]')?.focus() ?? \
        document.querySelectorAll('[data-testid=detail-neighbour]').length === 2";
    board
        .wait_until("a device's two neighbours", neighbours, vec![], LONG)
        .await?;
    board.click(&testid("picture-distances")).await?;
    let table = "document.querySelectorAll('[data-testid=distances-table] tbody tr').length === 3";
    board
        .wait_until("the heat map's table", table, vec![], LONG)
        .await?;
    board.screenshot("board-distances").await?;
    board.click(&testid("picture-map")).await?;
    Ok(())
}

fn connected(view: &View) -> usize {
    view.devices
        .iter()
        .filter(|device| device.state != DeviceState::Away)
        .count()
}

async fn rounds_go_on_while_tabs_close_and_reload(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let config = json!({ "rounds": 12, "data": { "examples": 200 }, "pacing": { "pace_ms": 400 } });
    let room = Room::create(&server, config).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&room.board_url).await?;
    let mut tabs = Vec::new();
    for _ in 0..4 {
        tabs.push(browser.open(&room.join_url).await?);
    }
    room.wait_until("four devices connected", |view| connected(view) == 4)
        .await?;
    wait_for_rows(&board, 4).await?;
    board.click(&testid("desk-start")).await?;
    room.wait_until("round 2 closed", |view| view.traffic.rounds >= 2)
        .await?;

    // One tab is closed while a round is open …
    room.wait_until("an open round", |view| view.phase == Phase::Training)
        .await?;
    tabs.remove(0).close().await?;
    let view = room
        .wait_until("the closed tab's device away", |view| connected(view) == 3)
        .await?;
    let round = view.traffic.rounds;
    room.wait_until("two rounds without it", |view| {
        view.traffic.rounds >= round + 2
    })
    .await?;

    // … and one is loaded again: it is the same device, and takes part again.
    let card = "document.querySelector('[data-testid=device-card]')?.dataset.device";
    let before = tabs[0]
        .wait_until("the device's number", card, vec![], LONG)
        .await?;
    tabs[0].reload().await?;
    let after = tabs[0]
        .wait_until("the device's number", card, vec![], LONG)
        .await?;
    assert_eq!(before, after);
    let id: u32 = before.as_str().unwrap_or_default().parse()?;
    let round = room.view().await?.traffic.rounds;
    room.wait_until("the reloaded device's update in a later round", |view| {
        let device = view.devices.iter().find(|device| device.id.0 == id);
        view.traffic.rounds > round
            && device.is_some_and(|device| device.state == DeviceState::Sent)
    })
    .await?;

    let view = room
        .wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    assert_eq!(
        view.devices.len(),
        4,
        "closed or reloaded, they are the same four devices"
    );
    assert_eq!(view.traffic.rounds, 12);
    assert!(view.refusals.is_empty(), "{:?}", view.refusals);
    for arm in &view.arms {
        let rounds: Vec<u32> = arm.history.iter().map(|row| row.round.0).collect();
        assert_eq!(rounds, (1..=12).collect::<Vec<_>>(), "{}", arm.name);
    }
    let members: usize = view.arms[3]
        .coalitions
        .iter()
        .map(|coalition| coalition.members.len())
        .sum();
    assert_eq!(members, 4);
    look_back(&board).await?;
    board.click(&testid("listing-devices")).await?;
    wait_for_rows(&board, 4).await?;
    let finished = "document.querySelector('[data-testid=phase]')?.dataset.phase === 'finished'";
    board
        .wait_until("the board at the end", finished, vec![], LONG)
        .await?;
    board.screenshot("board-finished").await?;
    tabs[0].screenshot("device-finished").await?;
    no_errors(&browser).await
}

/// The run of the next test, in virtual time, without a browser.
fn laboratory(config: Value, devices: u32) -> Result<String> {
    let config: RunConfig = serde_json::from_value(config)?;
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data");
    let dataset = Arc::new(load(&data, DatasetName::MnistSmall)?);
    Ok(simulate(&config.check()?, devices, &dataset, |_| {}).fingerprint)
}

async fn tabs_headless_devices_and_the_laboratory_have_one_fingerprint(
    engine: Engine,
) -> Result<()> {
    let config = json!({ "rounds": 4, "seed": 11, "pacing": { "start_at": 4, "pace_ms": 0 } });
    let server = Server::start(&["--no-room"]).await?;
    let room = Room::create(&server, config.clone()).await?;
    let mut browser = Browser::start(engine).await?;
    // Two tabs, two devices each; who gets which slot does not matter.
    for _ in 0..2 {
        let tab = browser.open(&room.join_url).await?;
        tab.wait_for(&testid("device-card")).await?;
        tab.click(&testid("add-device")).await?;
    }
    let tabs = room
        .wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    no_errors(&browser).await?;

    let headless = Room::create(&server, config.clone()).await?;
    let address = constellation_lab::devices::RoomAddress {
        url: server.base().to_owned(),
        room: headless.room.clone(),
        data: Path::new(env!("CARGO_MANIFEST_DIR")).join("../data"),
    };
    let devices = tokio::spawn(constellation_lab::devices::run(address, 4));
    let native = headless
        .wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    devices.abort();

    assert_eq!(tabs.fingerprint.len(), 64);
    assert_eq!(tabs.fingerprint, native.fingerprint);
    let laboratory = tokio::task::spawn_blocking(move || laboratory(config, 4)).await??;
    assert_eq!(tabs.fingerprint, laboratory);
    Ok(())
}

async fn a_room_is_one_click_and_a_device_is_one_code(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(server.base()).await?;
    board.click(&testid("start-room")).await?;
    let code = board.text(&testid("room")).await?;
    board.wait_for(&testid("desk-start")).await?;
    let device = browser.open(server.base()).await?;
    device
        .fill(&testid("join-code"), &code.to_lowercase())
        .await?;
    device.click(&testid("join-button")).await?;
    device
        .wait_for(&format!("{}[data-online=true]", testid("connection")))
        .await?;
    for element in ["samples", "histogram", "images-sent"] {
        device.wait_for(&testid(element)).await?;
    }
    wait_for_rows(&board, 1).await?;
    device.click(&testid("leave-device")).await?;
    wait_for_rows(&board, 0).await?;
    no_errors(&browser).await
}

async fn a_preset_begins_another_run(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let room = Room::create(&server, json!({ "seed": 5, "data": { "groups": null } })).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&room.board_url).await?;
    board.click(&testid("desk-reset-open")).await?;
    board.click(&testid("preset-swapped")).await?;
    board.screenshot("board-presets").await?;
    board.click(&testid("desk-reset")).await?;
    let view = room
        .wait_until("the second run", |view| view.run == RunId(2))
        .await?;
    let groups = view.config.data.groups.map(|groups| groups.kind);
    assert_eq!((groups, view.seed), (Some(GroupKind::LabelSwap), 5));
    no_errors(&browser).await
}

async fn what_the_room_refuses_is_shown_on_the_device_and_on_the_board(
    engine: Engine,
) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    // With such a step size training diverges, and the weights are no numbers any more.
    let config = json!({
        "rounds": 3,
        "training": { "learning_rate": 10.0, "epochs": 5, "weight_decay": 1.0 },
        "data": { "examples": 200 },
        "arms": [{ "strategy": { "kind": "fed_avg" } }],
        "pacing": { "pace_ms": 0, "start_at": 2 }
    });
    let room = Room::create(&server, config).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&room.board_url).await?;
    let device = browser.open(&room.join_url).await?;
    browser.open(&room.join_url).await?;
    device
        .wait_for(&format!("{}[data-code=non_finite]", testid("refusal")))
        .await?;
    board
        .wait_for_text(&testid("refusals"), "non_finite")
        .await?;
    let view = room.view().await?;
    assert!(view.refusals["non_finite"] > 0);
    // The browser reports every answer that is an error; nothing else may be among them.
    let errors = browser.console_errors().await?;
    assert!(
        errors
            .iter()
            .all(|error| error.contains("/updates") && error.contains("422")),
        "{errors:?}"
    );
    Ok(())
}

async fn a_removed_device_is_told_so(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let room = Room::create(&server, json!({})).await?;
    let mut browser = Browser::start(engine).await?;
    let device = browser.open(&room.join_url).await?;
    device
        .wait_for(&format!("{}[data-online=true]", testid("connection")))
        .await?;
    room.desk("remove", json!({ "device": 1 })).await?;
    device.wait_for_text(&testid("gone"), "removed").await?;
    assert!(room.view().await?.devices.is_empty());
    no_errors(&browser).await
}

/// Draws a line on the pad as a finger does: down, along the points, up. Points are in per mille of the pad's side.
async fn draw_line(tab: &Tab, points: &[[i64; 2]]) -> Result<()> {
    let place = tab
        .eval(
            "const pad = document.querySelector(arguments[0]); pad.scrollIntoView({ block: 'center' }); \
             const { left, top, width } = pad.getBoundingClientRect(); return [left, top, width];",
            vec![json!(testid("draw-pad"))],
        )
        .await?;
    let [left, top, width] = serde_json::from_value::<[f64; 3]>(place)?;
    let at = |[x, y]: [i64; 2]| {
        let along = |part: i64| width * part as f64 / 1000.0;
        (left + along(x), top + along(y))
    };
    let mut finger = TouchActions::new("finger".to_owned());
    for (number, &point) in points.iter().enumerate() {
        let (x, y) = at(point);
        let duration = Some(Duration::from_millis(20));
        finger = finger.then(PointerAction::MoveTo { duration, x, y });
        if number == 0 {
            finger = finger.then(PointerAction::Down { button: 0 });
        }
    }
    let finger = finger.then(PointerAction::Up { button: 0 });
    Ok(tab.client().await?.perform_actions(finger).await?)
}

async fn a_drawing_gets_three_answers_and_is_taught_without_leaving_the_tab(
    engine: Engine,
) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let config = json!({ "rounds": 6, "data": { "examples": 200 }, "pacing": { "pace_ms": 0 } });
    let room = Room::create(&server, config).await?;
    let mut browser = Browser::start(engine).await?;
    let device = browser.open(&room.join_url).await?;
    browser.open(&room.join_url).await?;
    room.wait_until("two devices connected", |view| connected(view) == 2)
        .await?;
    // Two rounds, so that the device is in a coalition.
    for round in 1..=2 {
        room.desk("step", json!({})).await?;
        room.wait_until("a closed round", |view| view.traffic.rounds == round)
            .await?;
    }

    draw_line(&device, &[[500, 150], [500, 400], [510, 850]]).await?;
    device.wait_for(&testid("draw-seen")).await?;
    let answer = |model: &str| format!("{}[data-model={model}][data-label]", testid("answer"));
    for model in ["own", "global"] {
        device.wait_for(&answer(model)).await?;
    }
    device.click(&testid("draw-clear")).await?;
    assert_eq!(device.text(&testid("answer")).await?, "My own model\n…");

    // The answers come again by themselves when models arrive, and the coalition's is one of them.
    draw_line(&device, &[[300, 200], [700, 200], [450, 850]]).await?;
    device.wait_for(&answer("own")).await?;
    room.desk("step", json!({})).await?;
    room.wait_until("round 3 closed", |view| view.traffic.rounds == 3)
        .await?;
    device.wait_for(&answer("coalition")).await?;

    let id = device
        .eval(
            "return document.querySelector(arguments[0]).dataset.device",
            vec![json!(testid("device-card"))],
        )
        .await?;
    let id: u32 = id.as_str().unwrap_or_default().parse()?;
    let examples = |view: &View| {
        let row = view.devices.iter().find(|device| device.id.0 == id);
        row.map(|device| device.examples)
    };
    let before = room.view().await?;
    assert_eq!(examples(&before), Some(200));
    device
        .click(&format!("{}[data-label='7']", testid("teach")))
        .await?;
    device
        .wait_for(&format!("{}[data-outcome=taken]", testid("lesson")))
        .await?;
    device
        .wait_for(&format!("{}[data-count='1']", testid("taught")))
        .await?;
    device.screenshot("device-draw").await?;
    room.desk("step", json!({})).await?;
    let view = room
        .wait_until("round 4 closed", |view| view.traffic.rounds == 4)
        .await?;
    assert_eq!(examples(&view), Some(201), "the update counts it");
    assert!(view.refusals.is_empty(), "{:?}", view.refusals);
    // What left is weights and a report, of the same size but for a few digits.
    let up = |view: &View| view.traffic.bytes_up as f64 / f64::from(view.traffic.rounds);
    assert!((up(&view) - up(&before)).abs() < 200.0);
    no_errors(&browser).await
}
