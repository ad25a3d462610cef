//! One server and real tabs: the main job, whole.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use constellation_core::attack::Mischief;
use constellation_core::config::{GroupKind, RunConfig};
use constellation_core::data::DatasetName;
use constellation_core::ids::RunId;
use constellation_core::view::{ArmTraffic, DeviceState, Phase, View};
use constellation_lab::data::load;
use constellation_lab::simulate::simulate;
use constellation_lab::verify::verify;
use constellation_tests::{Browser, Engine, Relay, Room, Server, Tab, data, in_each_browser};
use fantoccini::actions::{InputSource, PointerAction, TouchActions};
use serde_json::{Value, json};

in_each_browser![
    rounds_go_on_while_tabs_close_and_reload,
    when_the_wifi_comes_back_so_do_the_board_and_the_devices,
    when_the_server_is_killed_and_started_again_the_lesson_goes_on,
    tabs_headless_devices_and_the_laboratory_have_one_fingerprint,
    models_in_fewer_bytes_are_the_same_everywhere,
    coalitions_from_sketches_are_the_same_everywhere,
    a_room_is_one_click_and_a_device_is_one_code,
    two_clicks_make_a_map_of_twelve_devices,
    a_preset_begins_another_run,
    what_the_room_refuses_is_shown_on_the_device_and_on_the_board,
    slow_motion_steps_through_every_phase_of_a_round,
    a_removed_device_is_told_so,
    the_board_says_what_each_arm_costs,
    a_drawing_gets_three_answers_and_is_taught_without_leaving_the_tab,
    settings_in_the_address_are_those_of_the_room,
    a_locked_room_turns_new_devices_away_and_takes_its_own_back,
    an_attacker_is_switched_on_and_seen_on_the_board,
    a_late_device_trains_on_less_and_counts,
    a_table_stays_in_its_tab_and_is_learned_from_or_refused_with_the_row,
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

/// Waits until board and devices say that they are connected, or that they are not.
async fn wait_for_connections(board: &Tab, tabs: &[Tab], online: bool) -> Result<()> {
    let lost = "(document.querySelector('[data-testid=connection-lost]') === null) === args[0]";
    board
        .wait_until("the board says so", lost, vec![json!(online)], LONG)
        .await?;
    let device =
        "document.querySelector('[data-testid=connection]')?.dataset.online === String(args[0])";
    for tab in tabs {
        tab.wait_until("the device says so", device, vec![json!(online)], LONG)
            .await?;
    }
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
    let dataset = Arc::new(load(&data(), DatasetName::MnistSmall)?);
    Ok(simulate(&config.check()?, devices, &dataset, |_| {}).fingerprint)
}

async fn when_the_wifi_comes_back_so_do_the_board_and_the_devices(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let wifi = Relay::start(&server).await?;
    let config =
        json!({ "rounds": 200, "data": { "examples": 100 }, "pacing": { "pace_ms": 400 } });
    let room = Room::create(&server, config).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&wifi.through(&room.board_url)).await?;
    let mut tabs = Vec::new();
    for _ in 0..2 {
        tabs.push(browser.open(&wifi.through(&room.join_url)).await?);
    }
    room.wait_until("two devices connected", |view| connected(view) == 2)
        .await?;
    board.click(&testid("desk-start")).await?;
    room.wait_until("a closed round", |view| view.traffic.rounds >= 1)
        .await?;

    wifi.go_down();
    room.wait_until("both devices away", |view| connected(view) == 0)
        .await?;
    wait_for_connections(&board, &tabs, false).await?;
    board.screenshot("board-offline").await?;
    tabs[0].screenshot("device-offline").await?;

    wifi.come_up();
    wait_for_connections(&board, &tabs, true).await?;
    let rounds = room.view().await?.traffic.rounds;
    let view = room
        .wait_until("two rounds more", |view| view.traffic.rounds >= rounds + 2)
        .await?;
    assert_eq!(view.devices.len(), 2, "they are the same two devices");
    assert_eq!(connected(&view), 2);
    no_errors_but_of_the_network(&browser).await
}

/// What browsers themselves say of requests that broke is no error of the pages.
async fn no_errors_but_of_the_network(browser: &Browser) -> Result<()> {
    let signs = [
        "net::ERR_",
        "NS_ERROR_",
        "Firefox can’t establish a connection",
    ];
    let of_the_network = |error: &String| signs.iter().any(|sign| error.contains(sign));
    let errors = browser.console_errors().await?;
    assert!(errors.iter().all(of_the_network), "{errors:#?}");
    Ok(())
}

async fn when_the_server_is_killed_and_started_again_the_lesson_goes_on(
    engine: Engine,
) -> Result<()> {
    let config = json!({ "rounds": 8, "seed": 11, "pacing": { "start_at": 2, "pace_ms": 300 } });
    let folder = tempfile::tempdir()?;
    let server = Server::keeping(folder.path(), 0, &["--no-room"]).await?;
    let port = server.port()?;
    let room = Room::create(&server, config.clone()).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&room.board_url).await?;
    let tabs = [
        browser.open(&room.join_url).await?,
        browser.open(&room.join_url).await?,
    ];
    room.wait_until("two closed rounds", |view| view.traffic.rounds >= 2)
        .await?;

    server.kill().await?;
    wait_for_connections(&board, &tabs, false).await?;
    let _server = Server::keeping(folder.path(), port, &["--no-room"]).await?;
    wait_for_connections(&board, &tabs, true).await?;
    let view = room
        .wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    assert_eq!(view.devices.len(), 2, "they are the same two devices");
    // Nobody could tell from the run that there was an interruption.
    let undisturbed = tokio::task::spawn_blocking(move || laboratory(config, 2)).await??;
    assert_eq!(view.fingerprint, undisturbed);
    // The desk is whose it was.
    room.desk("reset", json!({})).await?;
    no_errors_but_of_the_network(&browser).await
}

async fn tabs_headless_devices_and_the_laboratory_have_one_fingerprint(
    engine: Engine,
) -> Result<()> {
    let config = json!({ "rounds": 4, "seed": 11, "pacing": { "start_at": 4, "pace_ms": 0 } });
    have_one_fingerprint(engine, config).await.map(|_| ())
}

async fn models_in_fewer_bytes_are_the_same_everywhere(engine: Engine) -> Result<()> {
    let config = json!({
        "rounds": 4,
        "seed": 11,
        "pacing": { "start_at": 4, "pace_ms": 0 },
        "encodings": { "up": { "kind": "one_bit" }, "down": { "kind": "int8" } }
    });
    let traffic = have_one_fingerprint(engine, config).await?.traffic;
    // Three arms send models, and the room moves a device to another coalition's whole model at most.
    let (up, down) = (
        traffic.plain_averaging.bytes_up,
        traffic.plain_averaging.bytes_down,
    );
    assert!(
        traffic.bytes_up < up / 5,
        "{} of {up} bytes",
        traffic.bytes_up
    );
    assert!(
        traffic.bytes_down < 3 * down / 2,
        "{} of {down} bytes",
        traffic.bytes_down
    );
    Ok(())
}

/// Members rest from the third round on, so weights of some are never sent.
async fn coalitions_from_sketches_are_the_same_everywhere(engine: Engine) -> Result<()> {
    let formation = json!({
        "k": 2,
        "distance": "unit_deltas",
        "warm_up": 1,
        "reform_every": null,
        "sketches": { "resting": { "after": 1, "share": 0.5 } }
    });
    let config = json!({
        "rounds": 6,
        "seed": 11,
        "pacing": { "start_at": 4, "pace_ms": 0 },
        "arms": [
            { "strategy": { "kind": "local_only" } },
            { "strategy": { "kind": "coalition_models", "formation": formation } }
        ],
        "encodings": { "up": { "kind": "one_bit" }, "down": { "kind": "int8" } }
    });
    let view = have_one_fingerprint(engine, config).await?;
    assert!(!view.cohort.resting.is_empty());
    Ok(())
}

/// Tabs, headless devices and the laboratory play the same run of four devices; what the tabs' room shows at its end.
async fn have_one_fingerprint(engine: Engine, config: Value) -> Result<View> {
    let server = Server::start(&["--no-room"]).await?;
    let room = Room::create(&server, config.clone()).await?;
    let mut browser = Browser::start(engine).await?;
    // Two tabs, two devices each; who gets which slot does not matter.
    for _ in 0..2 {
        let tab = browser.open(&room.join_url).await?;
        // What comes with its data moves the button, and a click on its way goes nowhere.
        tab.wait_for(&testid("samples")).await?;
        tab.click(&testid("add-device")).await?;
    }
    let tabs = room
        .wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    no_errors(&browser).await?;

    let headless = Room::create(&server, config.clone()).await?;
    let devices = headless.headless(4);
    let native = headless
        .wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    devices.abort();

    assert_eq!(tabs.fingerprint.len(), 64);
    assert_eq!(tabs.fingerprint, native.fingerprint);
    let laboratory = tokio::task::spawn_blocking(move || laboratory(config, 4)).await??;
    assert_eq!(tabs.fingerprint, laboratory);
    Ok(tabs)
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
    device.click(&testid("leave-cancel")).await?;
    device.click(&testid("leave-device")).await?;
    device.click(&testid("leave-confirm")).await?;
    wait_for_rows(&board, 0).await?;
    no_errors(&browser).await
}

/// From the board's address to a moving map: one click for the devices, one to start.
async fn two_clicks_make_a_map_of_twelve_devices(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let room = Room::create(&server, json!({ "data": { "examples": 100 } })).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&room.board_url).await?;
    board.click(&testid("run-here")).await?;
    board.wait_for(&testid("running-here")).await?;
    room.wait_until("twelve devices", |view| connected(view) == 12)
        .await?;
    board.click(&testid("desk-start")).await?;
    let points = "document.querySelectorAll('[data-testid=map-device]').length === 12";
    board
        .wait_until("twelve devices on the map", points, vec![], LONG)
        .await?;
    board.screenshot("board-twelve-here").await?;
    no_errors(&browser).await
}

async fn a_preset_begins_another_run(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let room = Room::create(&server, json!({ "seed": 5, "data": { "groups": null } })).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&room.board_url).await?;
    board.click(&testid("settings-open")).await?;
    board.click(&testid("preset-swapped")).await?;
    board.screenshot("board-settings").await?;
    board.click(&testid("desk-apply")).await?;
    let view = room
        .wait_until("the second run", |view| view.run == RunId(2))
        .await?;
    let groups = view.config.data.groups.map(|groups| groups.kind);
    assert_eq!((groups, view.seed), (Some(GroupKind::LabelSwap), 5));
    no_errors(&browser).await
}

fn setting(path: &str, value: &str) -> String {
    format!("[data-testid=setting][data-path=\"{path}\"][data-value=\"{value}\"]")
}

/// From the first page's address to the room, from the room to the board's address, and back after a reload.
async fn settings_in_the_address_are_those_of_the_room(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let mut browser = Browser::start(engine).await?;
    let asked = "rounds=3&data.partition.kind=shards&data.partition.labels_per_device=4&arms=fed_avg.few*ifca&arms.1.k=2";
    let board = browser.open(&server.url(&format!("/?{asked}"))).await?;
    board
        .wait_for(&format!("{}[data-count=\"5\"]", testid("with-settings")))
        .await?;
    board.click(&testid("start-room")).await?;
    board.wait_for(&testid("settings-open")).await?;
    let told = "const asked = new URLSearchParams(args[0]); const now = new URLSearchParams(location.search); \
        return asked.size === now.size && [...asked].every(([key, text]) => now.get(key) === text)";
    let told = format!("(() => {{ {told} }})()");
    let wait =
        |what: &'static str, asked: String| board.wait_until(what, &told, vec![json!(asked)], LONG);
    wait("the room's settings in the address", asked.to_owned()).await?;

    board.click(&testid("settings-open")).await?;
    board.wait_for(&setting("rounds", "3")).await?;
    board
        .wait_for(&setting("data.partition.labels_per_device", "4"))
        .await?;
    board.wait_for(&setting("arms.1.strategy.k", "2")).await?;
    // What the form says goes into the address as well, and is there after a reload, as is the desk.
    board.click(&testid("preset-swapped")).await?;
    board.click(&testid("settings-close")).await?;
    board.click(&testid("question-own")).await?;
    wait(
        "the preset",
        "data.groups.kind=label_swap&question=own".to_owned(),
    )
    .await?;
    board.reload().await?;
    board.click(&testid("settings-open")).await?;
    board
        .wait_for(&setting("data.groups.kind", "label_swap"))
        .await?;
    board.wait_for(&testid("settings-discard")).await?;

    // The server says which setting cannot be run, and the form shows it there.
    board.choose("#setting-data-dataset", "mnist").await?;
    board.click(&testid("desk-apply")).await?;
    board
        .wait_for(&format!(
            "{}[data-field=\"data.dataset\"]",
            testid("settings-refused")
        ))
        .await?;
    board
        .wait_for("#setting-data-dataset[aria-invalid=true]:focus")
        .await?;
    // The browser reports the refusal.
    browser.console_errors().await?;
    board
        .choose("#setting-data-dataset", "fashion-mnist-small")
        .await?;
    board.click(&testid("desk-apply")).await?;
    wait(
        "the new run",
        "data.dataset=fashion-mnist-small&data.groups.kind=label_swap&question=own".to_owned(),
    )
    .await?;
    let token = board
        .eval("return location.hash.startsWith('#desk=')", vec![])
        .await?;
    assert_eq!(token, json!(true));
    no_errors(&browser).await
}

async fn a_locked_room_turns_new_devices_away_and_takes_its_own_back(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let room = Room::create(&server, json!({})).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&room.board_url).await?;
    let online = format!("{}[data-online=true]", testid("connection"));
    let device = browser.open(&room.join_url).await?;
    device.wait_for(&online).await?;
    wait_for_rows(&board, 1).await?;
    board.click(&testid("desk-lock")).await?;
    board.wait_for(&testid("join-locked")).await?;
    board.screenshot("board-locked").await?;

    let stranger = browser.open(&room.join_url).await?;
    let away = format!("{}[data-code=room_locked]", testid("farewell"));
    stranger.wait_for(&away).await?;
    stranger.screenshot("device-locked").await?;
    device.reload().await?;
    device.wait_for(&online).await?;
    device.click(&testid("add-device")).await?;
    let another = format!("{}[data-code=room_locked]", testid("turned-away"));
    device.wait_for(&another).await?;
    assert_eq!(room.view().await?.devices.len(), 1);
    // The browser reports both refusals.
    browser.console_errors().await?;

    board.click(&testid("desk-lock")).await?;
    room.wait_until("the room unlocked", |view| !view.locked)
        .await?;
    stranger.click(&testid("join-again")).await?;
    stranger.wait_for(&online).await?;
    wait_for_rows(&board, 2).await?;

    // Nobody is put out by a slip of the hand.
    board.click(&testid("remove-device")).await?;
    board.click(&testid("remove-cancel")).await?;
    board.wait_for("[data-testid=remove-device]:focus").await?;
    assert_eq!(room.view().await?.devices.len(), 2);
    board.click(&testid("remove-device")).await?;
    board.click(&testid("remove-confirm")).await?;
    wait_for_rows(&board, 1).await?;
    device
        .wait_for(&format!("{}[data-code=removed]", testid("farewell")))
        .await?;
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
    board.click(&testid("listing-feed")).await?;
    let entry = "[data-testid=feed-entry][data-event=refused][data-code=non_finite]";
    board.wait_for_text(entry, "was refused").await?;
    board.screenshot("board-refused").await?;
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

/// Waits until the board shows a phase of a round in slow motion and what belongs to it, and goes to the next.
async fn walk(board: &Tab, round: u32, phase: &str, shown: &str) -> Result<()> {
    let found = format!(
        "(() => {{ const slow = document.querySelector('[data-testid=slow]'); \
           const all = (selector) => document.querySelectorAll(selector); \
           const map = all('[data-testid=map]')[0]; \
           return slow?.dataset.phase === args[0] && slow.dataset.round === args[1] && ({shown}) \
             && !all('[data-testid=slow-next]')[0].disabled; }})()"
    );
    let what = format!("slow motion shows {phase} of round {round}");
    let args = vec![json!(phase), json!(round.to_string())];
    board.wait_until(&what, &found, args, LONG).await?;
    board.screenshot(&format!("board-slow-{phase}")).await?;
    board.click(&testid("slow-next")).await?;
    Ok(())
}

async fn slow_motion_steps_through_every_phase_of_a_round(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let config = json!({ "rounds": 3, "data": { "examples": 200 }, "pacing": { "pace_ms": 0 } });
    let room = Room::create(&server, config).await?;
    let devices = room.headless(4);
    room.wait_until("four devices connected", |view| connected(view) == 4)
        .await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&room.board_url).await?;
    board.click(&testid("desk-slow")).await?;

    let all_done = "all('[data-testid=slow-row][data-done=true]').length === 4";
    let arrows = "all('[data-testid=flow][data-done=true]').length === 4";
    walk(&board, 1, "out", &format!("{all_done} && {arrows}")).await?;
    walk(&board, 1, "training", all_done).await?;
    walk(&board, 1, "in", &format!("{all_done} && {arrows}")).await?;
    let stars = "map.querySelectorAll('.star').length";
    let bare = "map.querySelectorAll('.hull').length === 0";
    let measured = "map.querySelectorAll('.to-neighbour').length === 4 \
        && /[1-4].*apart/.test(all('[data-testid=slow-fact]')[0].textContent)";
    walk(&board, 1, "distances", &format!("{bare} && {measured}")).await?;
    let view = room.view().await?;
    let coalitions = view.arms[3].coalitions.len();
    let hulls = format!("map.querySelectorAll('.hull').length === {coalitions}");
    walk(
        &board,
        1,
        "coalitions",
        &format!("{hulls} && {stars} === 0"),
    )
    .await?;
    let ring = "map.querySelectorAll('.global-ring').length";
    let shown = format!("{stars} === {coalitions} && {ring} === 0");
    walk(&board, 1, "barycenters", &shown).await?;
    let view = room.view().await?;
    assert_eq!((view.phase, view.traffic.rounds), (Phase::Paused, 1));
    walk(&board, 1, "global", &format!("{ring} === 1")).await?;

    // The next round is opened for its first phase. Left, the run goes on as usual.
    walk(&board, 2, "out", all_done).await?;
    board.click(&testid("slow-leave")).await?;
    room.wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    let gone = "document.querySelector('[data-testid=slow]') === null";
    board
        .wait_until("slow motion is over", gone, vec![], LONG)
        .await?;
    devices.abort();
    no_errors(&browser).await
}

async fn a_removed_device_is_told_so(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let room = Room::create(&server, json!({})).await?;
    let mut browser = Browser::start(engine).await?;
    let device = browser.open(&room.join_url).await?;
    device
        .wait_for(&format!("{}[data-online=true]", testid("connection")))
        .await?;
    let board = browser.open(&room.board_url).await?;
    board.click(&testid("listing-feed")).await?;
    let told = |event: &str| format!("[data-testid=feed-entry][data-event={event}]");
    board.wait_for_text(&told("joined"), "Device 1").await?;
    room.desk("remove", json!({ "device": 1 })).await?;
    device.wait_for_text(&testid("gone"), "removed").await?;
    assert!(room.view().await?.devices.is_empty());
    board.wait_for_text(&told("removed"), "Device 1").await?;
    no_errors(&browser).await
}

async fn the_board_says_what_each_arm_costs(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let arms = json!([
        { "strategy": { "kind": "local_only" } },
        { "strategy": { "kind": "scaffold" } },
    ]);
    let config = json!({ "rounds": 2, "data": { "examples": 100 }, "arms": arms, "pacing": { "pace_ms": 0, "start_at": 2 } });
    let room = Room::create(&server, config).await?;
    let mut browser = Browser::start(engine).await?;
    for _ in 0..2 {
        browser.open(&room.join_url).await?;
    }
    let view = room
        .wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    let board = browser.open(&room.board_url).await?;
    board.click(&testid("listing-traffic")).await?;
    board.wait_for(&testid("costs")).await?;
    let rows = "return [...document.querySelectorAll('[data-testid=cost-row]')]\
        .map(({ dataset: { arm, up, down } }) => [arm ?? null, Number(up), Number(down)])";
    let arm =
        |name: &str, traffic: &ArmTraffic| json!([name, traffic.bytes_up, traffic.bytes_down]);
    let plain = &view.traffic.plain_averaging;
    let mut expected: Vec<Value> = view
        .arms
        .iter()
        .map(|one| arm(&one.name, &one.traffic))
        .collect();
    expected.push(json!([null, plain.bytes_up, plain.bytes_down]));
    assert_eq!(board.eval(rows, vec![]).await?, Value::from(expected));
    // A model of 50,890 weights, up and down, in two rounds of two devices; control variates go down with it.
    let whole = 2 * 2 * 4 * 50_890;
    let scaffold = &view.arms[1].traffic;
    assert!(view.arms[0].traffic.bytes_up < 10_000);
    assert!(
        (whole..whole + 10_000).contains(&plain.bytes_up),
        "{plain:?}"
    );
    assert!(
        (whole..whole + 10_000).contains(&scaffold.bytes_up),
        "{scaffold:?}"
    );
    assert!(
        scaffold.bytes_down > plain.bytes_down + whole / 2,
        "{scaffold:?}"
    );
    board.screenshot("board-costs").await?;
    no_errors(&browser).await
}

/// Draws a line on the pad as a finger does: down, along the points, up. Points are in per mille of the pad's side.
async fn draw_line(tab: &Tab, points: &[[i64; 2]]) -> Result<()> {
    // The device sends its update before the page has the models that a drawing is shown to.
    tab.wait_for(&testid("draw-pad")).await?;
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

async fn a_table_stays_in_its_tab_and_is_learned_from_or_refused_with_the_row(
    engine: Engine,
) -> Result<()> {
    let presets: Value = serde_json::from_str(include_str!("../../web/src/presets.json"))?;
    let mut config = presets["sensors"].clone();
    config["rounds"] = json!(3);
    config["pacing"] = json!({ "pace_ms": 0, "min_devices": 2 });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/src/samples");
    let good = folder.join("watch-3.csv").canonicalize()?;
    let rows = std::fs::read_to_string(&good)?;
    let spoilt = rows.replacen("\nabduction,", "\nsitting,", 1);
    let at = 1 + spoilt
        .lines()
        .take_while(|row| !row.starts_with("sitting,"))
        .count();
    let bad = std::env::temp_dir().join(format!("spoilt-{}-{at}.csv", std::process::id()));
    std::fs::write(&bad, &spoilt)?;

    let server = Server::start(&["--no-room"]).await?;
    let room = Room::create(&server, config).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&room.board_url).await?;
    let own = browser.open(&room.join_url).await?;
    let example = browser.open(&room.join_url).await?;
    let choosing = |view: &View| {
        let states = view.devices.iter().map(|device| device.state);
        states
            .filter(|state| *state == DeviceState::WithoutData)
            .count()
    };
    room.wait_until("two devices without data", |view| choosing(view) == 2)
        .await?;
    room.desk("start", json!({})).await?;

    // A label that the room does not have: the row, the column, what stands there and what would fit.
    own.choose_file(&testid("table-file"), &bad).await?;
    let refused = testid("table-refused");
    own.wait_for_text(
        &refused,
        &format!(
            "Row {at}, column “exercise”: “sitting” is none of the labels pendulum, abduction"
        ),
    )
    .await?;
    own.screenshot("device-table-refused").await?;
    std::fs::remove_file(&bad)?;
    let view = room.view().await?;
    assert_eq!((choosing(&view), view.traffic.bytes_up), (2, 0));

    // Mended it fits, four fifths of it are trained on, and the room waits for the other device's.
    own.choose_file(&testid("table-file"), &good).await?;
    let given = rows.lines().count() - 1;
    let trains = given - given / 5;
    let counted = format!("{}:not(:has({}))", testid("device-card"), testid("table"));
    own.wait_for_text(&counted, &format!("Its {trains} examples"))
        .await?;
    room.wait_until("one device without data", |view| choosing(view) == 1)
        .await?;
    example.click(&testid("table-example")).await?;
    let view = room
        .wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    let examples: Vec<u32> = view.devices.iter().map(|device| device.examples).collect();
    assert_eq!(examples[0] as usize, trains);
    assert!(examples[1] > 100, "{examples:?}");
    assert!(view.refusals.is_empty(), "{:?}", view.refusals);
    assert_eq!(view.traffic.rounds, 3);

    board
        .wait_for_text(&testid("data-sent"), "0 rows sent")
        .await?;

    // What left fits weights and reports: three arms upload 12 × 64 + 64 + 64 × 7 + 7 values of four bytes. A file would
    // not have fitted in.
    let updates = 2 * u64::from(view.traffic.rounds);
    let weights = 3 * 4 * (12 * 64 + 64 + 64 * 7 + 7);
    let up = view.traffic.bytes_up / updates;
    assert!(
        (weights..weights + 4_000).contains(&up),
        "{up} for {weights}"
    );
    assert!(rows.len() as u64 > 4_000);
    let record = room.record().await?;
    for row in rows.lines().skip(1) {
        assert!(!record.contains(row), "{row}");
    }
    board.screenshot("board-tables").await?;
    own.screenshot("device-table").await?;
    no_errors(&browser).await
}

/// One more round, which is the run's number `rounds`, up to its close.
async fn step(room: &Room, rounds: u32) -> Result<View> {
    room.desk("step", json!({})).await?;
    room.wait_until("a closed round", |view| view.traffic.rounds == rounds)
        .await
}

async fn an_attacker_is_switched_on_and_seen_on_the_board(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let config = json!({ "rounds": 6, "data": { "examples": 200 }, "pacing": { "pace_ms": 0 } });
    let room = Room::create(&server, config).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&room.board_url).await?;
    let tab = browser.open(&room.join_url).await?;
    room.wait_until("the first device", |view| connected(view) == 1)
        .await?;
    for count in 2..=3 {
        browser.open(&room.join_url).await?;
        room.wait_until("three devices", |view| connected(view) == count)
            .await?;
    }
    // Nothing is offered before the desk allows it.
    let view = step(&room, 1).await?;
    assert!(!view.mischief_allowed);
    let offered = "return document.querySelector(arguments[0]) !== null";
    let panel = json!(testid("mischief"));
    assert_eq!(tab.eval(offered, vec![panel.clone()]).await?, json!(false));

    board.click(&testid("desk-mischief")).await?;
    tab.resize(360, 640).await?;
    tab.click(&testid("mischief-sign_flip")).await?;
    tab.wait_for("[data-testid=mischief][data-mischief=sign_flip]")
        .await?;
    let view = step(&room, 2).await?;
    let difficult: Vec<_> = view.devices.iter().map(|row| row.mischief).collect();
    assert_eq!(difficult, [Some(Mischief::SignFlip), None, None]);
    let weight = |name: &str| {
        let arm = view.arms.iter().find(|arm| arm.name == name);
        arm.and_then(|arm| arm.influence.first().copied())
    };
    let averaged = weight("fed_avg").map(|weight| (weight.device.0, weight.coalition));
    assert_eq!(averaged, Some((1, None)));
    // Three devices with as many examples each.
    let global = weight("fed_avg").map_or(0.0, |weight| weight.global);
    assert!((global - 1.0 / 3.0).abs() < 1e-12, "{global}");
    assert!(weight("coalition_models").is_some_and(|weight| weight.coalition.is_some()));
    assert_eq!(weight("local_only"), None, "nothing is sent there");

    // Beside each arm's accuracy, on the map, in the table, and in words.
    board.wait_for(&testid("influence-fed_avg")).await?;
    board
        .wait_for("[data-testid=map-device][data-device='1'][data-mischief=sign_flip]")
        .await?;
    board.click(&testid("listing-devices")).await?;
    board
        .wait_for_text("[data-testid=device-row][data-device='1']", "The other way")
        .await?;
    board.screenshot("board-difficult").await?;
    let scroll = "document.querySelector(arguments[0]).scrollIntoView()";
    tab.eval(scroll, vec![panel.clone()]).await?;
    tab.screenshot("device-difficult").await?;

    // The desk forbids it: the choice is gone, and the next update is honest.
    board.click(&testid("desk-mischief")).await?;
    let gone = "document.querySelector(args[0]) === null";
    tab.wait_until("no choice", gone, vec![panel], LONG).await?;
    let view = step(&room, 3).await?;
    assert!(view.devices.iter().all(|row| row.mischief.is_none()));
    assert!(view.arms.iter().all(|arm| arm.influence.is_empty()));

    // Whoever has the record gets the same models, the attack among them.
    let verdicts = computed_again(&room).await?;
    assert_eq!(verdicts, ["seed 7: all 3 rounds are the same"]);
    no_errors(&browser).await
}

/// What comes out when the room's record is computed again.
async fn computed_again(room: &Room) -> Result<Vec<String>> {
    let text = room.record().await?;
    let verdicts = tokio::task::spawn_blocking(move || {
        verify(&text, |config| Ok(Arc::new(load(&data(), config.dataset)?)))
    });
    Ok(verdicts.await??.iter().map(ToString::to_string).collect())
}

async fn a_late_device_trains_on_less_and_counts(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    // A device that holds its update back for six seconds is late.
    let config = json!({
        "rounds": 6,
        "data": { "examples": 100 },
        "pacing": { "pace_ms": 0, "deadline_ms": 3_000 }
    });
    let room = Room::create(&server, config).await?;
    let mut browser = Browser::start(engine).await?;
    let board = browser.open(&room.board_url).await?;
    let tab = browser.open(&room.join_url).await?;
    room.wait_until("the tab", |view| connected(view) == 1)
        .await?;
    let others = room.headless(2);
    room.wait_until("three devices", |view| connected(view) == 3)
        .await?;
    room.desk("mischief", json!({ "allowed": true })).await?;
    tab.click(&testid("mischief-slowness")).await?;
    tab.wait_for("[data-testid=mischief][data-mischief=slowness]")
        .await?;
    let view = step(&room, 1).await?;
    let shown = |view: &View| (view.devices[0].state, view.devices[0].halvings);
    assert_eq!(shown(&view), (DeviceState::Late, 1));
    board.click(&testid("listing-devices")).await?;
    let row = "[data-testid=device-row][data-device='1']";
    board.wait_for_text(row, "½ of the steps").await?;

    tab.click(&testid("mischief-honest")).await?;
    tab.wait_for("[data-testid=mischief][data-mischief=honest]")
        .await?;
    let view = step(&room, 2).await?;
    assert_eq!(view.cohort.answered.len(), 3);
    tab.wait_for("[data-testid=shorter-plan][data-halvings='1']")
        .await?;
    tab.screenshot("device-shorter-plan").await?;
    others.abort();

    // It trained on half of the batches, and whoever has the record gets the same models.
    let counted = room.record().await?;
    let counted = counted.lines().filter(|line| {
        line.contains(r#""event":"accepted","round":2,"device":1,"#)
            && line.contains(r#""halvings":1,"#)
    });
    assert_eq!(counted.count(), 1);
    let verdicts = computed_again(&room).await?;
    assert_eq!(verdicts, ["seed 7: all 2 rounds are the same"]);
    // What it held back is refused, which the browser reports.
    let errors = browser.console_errors().await?;
    let stale = |error: &String| error.contains("/rounds/1/updates") && error.contains("409");
    assert!(errors.iter().all(stale), "{errors:?}");
    Ok(())
}
