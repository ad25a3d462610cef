//! Recordings, played without room and devices: what they show is what the board showed.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use constellation_core::recording::Frame;
use constellation_core::view::{DeviceState, Phase};
use constellation_tests::{Browser, Engine, PATIENCE, Room, Server, Tab, in_each_browser};
use fantoccini::Locator;
use fantoccini::key::Key;
use serde_json::{Value, json};

in_each_browser![
    a_saved_run_is_played_as_its_board_showed_it,
    the_shipped_runs_end_as_they_were_recorded_and_have_addresses,
    what_is_no_recording_is_refused_with_the_line,
];

/// A run of some seconds, played.
const LONG: Duration = Duration::from_secs(60);

fn testid(id: &str) -> String {
    format!("[data-testid=\"{id}\"]")
}

async fn no_errors(browser: &Browser) -> Result<()> {
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

/// A finished run of three devices, which have left.
async fn finished(server: &Server) -> Result<Room> {
    let config = json!({ "rounds": 3, "data": { "examples": 100 }, "pacing": { "start_at": 3, "pace_ms": 0 } });
    let room = Room::create(server, config).await?;
    let devices = room.headless(3);
    room.wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    devices.abort();
    room.wait_until("its devices away", |view| {
        let mut states = view.devices.iter().map(|device| device.state);
        states.all(|state| state == DeviceState::Away)
    })
    .await?;
    Ok(room)
}

/// A file to give to the page, as long as the test needs it.
struct Given(PathBuf);

impl Given {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Result<Self> {
        let folder =
            std::env::temp_dir().join(format!("constellation-replay-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let file = folder.join(name);
        std::fs::write(&file, content)?;
        Ok(Self(file))
    }

    async fn open(&self, tab: &Tab) -> Result<()> {
        tab.choose_file(&testid("replay-file"), &self.0).await
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        // What stays in the folder for temporary files does no harm.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Everything that the tables and numbers of a board say, and which marks are on its map.
const SAID: &str = r"
const text = (one) => one.textContent.replace(/\s+/g, ' ').trim();
const all = (css, say) => [...document.querySelectorAll(css)].map(say);
return [
  ...all('main table, div.number, .headline, .legend, .feed, .traffic dd, [data-testid=phase], [data-testid=round]', text),
  ...all('[data-testid=map-device]', ({ dataset }) => `${dataset.device} in ${dataset.coalition}`),
  ...all('[data-testid=fingerprint]', ({ dataset }) => dataset.fingerprint),
];
";

/// What a board says with each of its listings, and of its distances.
async fn everything_said(board: &Tab) -> Result<Vec<Value>> {
    let mut said = Vec::new();
    for listing in ["devices", "traffic", "feed", "rounds"] {
        let button = testid(&format!("listing-{listing}"));
        board.click(&button).await?;
        board
            .wait_for(&format!("{button}[aria-pressed=true]"))
            .await?;
        if listing == "rounds" {
            // A live board asks for the rounds before.
            board.wait_for(&testid("ribbon-row")).await?;
        }
        said.push(board.eval(SAID, vec![]).await?);
    }
    board.click(&testid("picture-distances")).await?;
    board.wait_for(&testid("distances-table")).await?;
    said.push(board.eval(SAID, vec![]).await?);
    board.click(&testid("picture-map")).await?;
    board.wait_for(&testid("map-device")).await?;
    Ok(said)
}

/// What the page says of the last frame's view, in that view's own terms.
const LIKE_THE_VIEW: &str = "
const of = (css) => [...document.querySelectorAll(css)];
return {
  round: Number(of('[data-testid=round]')[0].dataset.round),
  phase: of('[data-testid=phase]')[0].dataset.phase,
  devices: of('[data-testid=device-row]').map(({ dataset }) => [Number(dataset.device), dataset.state]),
  means: of('div.number').map(({ dataset }) => [dataset.testid.replace('accuracy-', ''), Number(dataset.mean).toFixed(9)]),
  coalitions: of('[data-testid=coalition-row]').map(({ cells }) => cells[1].textContent.split(', ').map(Number)),
  bytes: of('[data-testid=bytes-up], [data-testid=bytes-down]').map(({ dataset }) => Number(dataset.bytes)),
  fingerprint: of('[data-testid=fingerprint]')[0].dataset.fingerprint,
};
";

/// The same from the view itself; the board shows coalitions of the arm where grouping pays, or of the last one.
fn like_the_page(view: &Value) -> Value {
    let all = |list: &Value, of: &dyn Fn(&Value) -> Value| -> Value {
        list.as_array().into_iter().flatten().map(of).collect()
    };
    let arms = view["arms"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let shown = arms
        .iter()
        .find(|arm| arm["strategy"] == "coalition_models")
        .or(arms.last());
    // Two programs that read a number from JSON may differ in its last bit.
    let mean = |arm: &Value| {
        let mean = arm["accuracy"]["mean"].as_f64().unwrap_or_default();
        format!("{mean:.9}")
    };
    json!({
        "round": view["round"],
        "phase": view["phase"],
        "devices": all(&view["devices"], &|device| json!([device["id"], device["state"]])),
        "means": all(&view["arms"], &|arm| json!([arm["name"], mean(arm)])),
        "coalitions": shown.map(|arm| all(&arm["coalitions"], &|one| one["members"].clone())),
        "bytes": [view["traffic"]["bytes_up"], view["traffic"]["bytes_down"]],
        "fingerprint": view["fingerprint"],
    })
}

/// Waits until the page shows a frame, and whether it plays.
async fn at_frame(tab: &Tab, frame: usize) -> Result<()> {
    tab.wait_for(&format!("{}[data-frame=\"{frame}\"]", testid("player")))
        .await
}

/// Presses a key on the slider.
async fn press(tab: &Tab, key: Key) -> Result<()> {
    let client = tab.client().await?;
    let slider = client.find(Locator::Css(&testid("replay-place"))).await?;
    Ok(slider.send_keys(&char::from(key).to_string()).await?)
}

/// Presses the buttons for pictures and reads what they give as the browser would.
async fn pictures_are_saved(board: &Tab) -> Result<()> {
    for (button, marks) in [
        ("export-map-svg", "path"),
        ("export-curves-svg", "polyline"),
    ] {
        let found = board
            .eval(
                "const [button, marks] = arguments;
                 const blobs = [];
                 const make = URL.createObjectURL;
                 URL.createObjectURL = (blob) => { blobs.push(blob); return make.call(URL, blob); };
                 document.querySelector(button).click();
                 URL.createObjectURL = make;
                 return blobs[0].text().then((text) => {
                   const picture = new DOMParser().parseFromString(text, 'image/svg+xml');
                   return {
                     broken: picture.querySelectorAll('parsererror').length,
                     marks: picture.querySelectorAll(marks).length,
                     settings: JSON.parse(picture.querySelector('desc').textContent).config.rounds,
                   };
                 });",
                vec![json!(testid(button)), json!(marks)],
            )
            .await?;
        assert_eq!(found["broken"], 0, "{button}");
        assert!(found["marks"].as_u64() > Some(0), "{button}: {found}");
        assert!(found["settings"].as_u64() > Some(0), "{button}: {found}");
    }
    Ok(())
}

async fn a_saved_run_is_played_as_its_board_showed_it(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let room = finished(&server).await?;
    let mut browser = Browser::start(engine).await?;
    // Without the desk, as whoever opens a recording has none.
    let board = browser
        .open(&server.url(&format!("/board/{}", room.room)))
        .await?;
    board.wait_for(&testid("export-open")).await?;
    board.click(&testid("export-open")).await?;
    let mut saved = Vec::new();
    for format in ["replay", "jsonl", "csv"] {
        let link = testid(&format!("export-{format}"));
        board.wait_for(&link).await?;
        let href = board
            .eval(
                "return document.querySelector(arguments[0]).href",
                vec![json!(link)],
            )
            .await?;
        let href = href.as_str().context("a link has an address")?;
        let file = reqwest::get(href).await?.error_for_status()?.text().await?;
        saved.push(file);
    }
    pictures_are_saved(&board).await?;
    board.screenshot("board-saving").await?;
    board.click(&testid("export-open")).await?;
    let live = everything_said(&board).await?;

    let frames: Vec<Frame> = saved[0]
        .lines()
        .skip(1)
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let last = frames.len() - 1;
    let recording = Given::new("saved.replay.jsonl", &saved[0])?;
    let tab = browser.open(&server.url("/replay")).await?;
    recording.open(&tab).await?;
    tab.wait_for(&format!(
        "{}[data-frames=\"{}\"]",
        testid("player"),
        frames.len()
    ))
    .await?;

    // At the end it says what the live board says, which is what was recorded.
    press(&tab, Key::End).await?;
    at_frame(&tab, last).await?;
    assert_eq!(everything_said(&tab).await?, live);
    tab.click(&testid("listing-devices")).await?;
    tab.wait_for(&testid("device-row")).await?;
    assert_eq!(
        tab.eval(LIKE_THE_VIEW, vec![]).await?,
        like_the_page(&serde_json::to_value(&frames[last].view)?)
    );

    // At the beginning there is nothing but what there was.
    press(&tab, Key::Home).await?;
    at_frame(&tab, 0).await?;
    tab.wait_for("[data-testid=phase][data-phase=lobby]")
        .await?;
    let marks = "return document.querySelectorAll('[data-testid=map-device], [data-testid=ribbon-row]').length";
    assert_eq!(tab.eval(marks, vec![]).await?, 0);
    tab.wait_for("[aria-valuetext^='before round 1']").await?;

    // Forward frame by frame, and then back: each says the same again.
    let mut forward = Vec::new();
    for frame in 0..=last {
        at_frame(&tab, frame).await?;
        forward.push(tab.eval(SAID, vec![]).await?);
        press(&tab, Key::Right).await?;
    }
    for frame in (0..=last).rev() {
        at_frame(&tab, frame).await?;
        assert_eq!(
            tab.eval(SAID, vec![]).await?,
            forward[frame],
            "frame {frame}"
        );
        tab.click("main").await?;
        tab.client()
            .await?
            .find(Locator::Css("body"))
            .await?
            .send_keys(&char::from(Key::Left).to_string())
            .await?;
    }

    // It plays by itself, and ends.
    at_frame(&tab, 0).await?;
    tab.click(&testid("replay-speed-8")).await?;
    tab.click(&testid("replay-play")).await?;
    let over = format!(
        "document.querySelector('[data-frame=\"{last}\"][data-playing=false]')?.dataset.frame"
    );
    tab.wait_until("the end of the recording", &over, vec![], LONG)
        .await?;
    no_errors(&browser).await
}

/// The view of a shipped recording's last frame, read without the page's own code.
const LAST_VIEW: &str = "
const done = arguments[arguments.length - 1];
fetch(arguments[0])
  .then(({ body }) => new Response(body.pipeThrough(new DecompressionStream('gzip'))).text())
  .then((text) => done(JSON.parse(text.trim().split('\\n').at(-1)).view), (error) => done(String(error)));
";

async fn the_shipped_runs_end_as_they_were_recorded_and_have_addresses(
    engine: Engine,
) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let mut browser = Browser::start(engine).await?;
    let tab = browser.open(server.base()).await?;
    tab.click(&testid("replay-link")).await?;
    for run in [
        "why-averaging-fails",
        "coalitions-find-the-groups",
        "an-attacker",
    ] {
        tab.click(&testid(&format!("replay-run-{run}"))).await?;
        tab.wait_for(&testid("player")).await?;
        press(&tab, Key::End).await?;
        tab.wait_for("[data-testid=phase][data-phase=finished]")
            .await?;
        tab.click(&testid("listing-devices")).await?;
        tab.wait_for(&testid("device-row")).await?;
        let file = json!(format!("/replays/{run}.replay.jsonl.gz"));
        let view = tab
            .client()
            .await?
            .execute_async(LAST_VIEW, vec![file])
            .await?;
        assert_eq!(
            tab.eval(LIKE_THE_VIEW, vec![]).await?,
            like_the_page(&view),
            "{run}"
        );
        tab.screenshot(&format!("replay-{run}")).await?;
        if run != "an-attacker" {
            tab.click(&testid("replay-other")).await?;
        }
    }

    // A place in it can be linked to, with what is shown there.
    let frame = "document.querySelector('[data-testid=player]').dataset.frame";
    let last = tab
        .wait_until("the last frame", frame, vec![], PATIENCE)
        .await?;
    let last: usize = last.as_str().unwrap_or_default().parse()?;
    press(&tab, Key::Left).await?;
    at_frame(&tab, last - 1).await?;
    let link = server.url(&format!(
        "/replay?run=an-attacker&frame={}&listing=devices",
        last - 1
    ));
    let written = "new Promise((done) => { const look = () => location.href === arguments[0] ? done(true) : requestAnimationFrame(look); look(); })";
    tab.eval(&format!("return {written}"), vec![json!(link)])
        .await?;
    let linked = browser.open(&link).await?;
    at_frame(&linked, last - 1).await?;
    linked.wait_for(&testid("device-row")).await?;
    linked.wait_for("[data-playing=false]").await?;
    assert_eq!(
        linked.eval(SAID, vec![]).await?,
        tab.eval(SAID, vec![]).await?
    );
    no_errors(&browser).await
}

/// Drops a file of this name and content on the page.
async fn drop_file(tab: &Tab, name: &str, content: &str) -> Result<()> {
    let drop = "const held = new DataTransfer();
        held.items.add(new File([arguments[0]], arguments[1]));
        const event = new DragEvent('drop', { dataTransfer: held, bubbles: true, cancelable: true });
        document.querySelector('main').dispatchEvent(event);";
    tab.eval(drop, vec![json!(content), json!(name)]).await?;
    Ok(())
}

async fn what_is_no_recording_is_refused_with_the_line(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let room = finished(&server).await?;
    let url = server.url(&format!("/api/rooms/{}/export?format=", room.room));
    let export = async |format: &str| reqwest::get(format!("{url}{format}")).await?.text().await;
    let (good, csv) = (export("replay").await?, export("csv").await?);
    let frames = good.lines().count() - 1;
    let newer = good.replacen("\"version\":1", "\"version\":2", 1);
    let lines: Vec<&str> = good.lines().collect();
    let turned = [lines[0], lines[frames], lines[1]].join("\n");
    let refused = [
        (
            "accuracies.csv",
            csv,
            "not_json",
            "Line 1: this is no JSON.",
        ),
        ("newer.jsonl", newer, "newer", "the recording has version 2"),
        (
            "turned.jsonl",
            turned,
            "out_of_order",
            "Line 3: the frame is earlier",
        ),
        ("empty.jsonl", String::new(), "empty", "The file is empty."),
    ];

    let mut browser = Browser::start(engine).await?;
    let tab = browser.open(&server.url("/replay")).await?;
    for (name, content, kind, sentence) in refused {
        drop_file(&tab, name, &content).await?;
        let said = format!("{}[data-kind={kind}]", testid("replay-refused"));
        tab.wait_for_text(&said, sentence).await?;
        tab.wait_for_text(&said, name).await?;
    }
    tab.screenshot("replay-refused").await?;

    // One whose end is missing is played as far as it goes.
    let cut = Given::new("cut.replay.jsonl", &good[..good.len() - 40])?;
    cut.open(&tab).await?;
    tab.wait_for_text(
        &testid("replay-cut"),
        &format!("the {} whole frames", frames - 1),
    )
    .await?;
    tab.wait_for(&format!(
        "{}[data-frames=\"{}\"]",
        testid("player"),
        frames - 1
    ))
    .await?;
    tab.screenshot("replay-cut").await?;

    // Dropped anywhere, another one takes its place; what is refused does not.
    drop_file(&tab, "broken.jsonl", "{").await?;
    tab.wait_for_text(&testid("replay-refused"), "broken.jsonl")
        .await?;
    tab.wait_for(&testid("player")).await?;
    drop_file(&tab, "whole.jsonl", &good).await?;
    tab.wait_for_text(&testid("replay-name"), "whole.jsonl")
        .await?;
    let whole =
        "document.querySelector('[data-testid=replay-refused], [data-testid=replay-cut]') === null";
    tab.wait_until("nothing to complain of", whole, vec![], PATIENCE)
        .await?;
    no_errors(&browser).await
}
