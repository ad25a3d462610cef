//! What every page owes its readers: two languages, two themes, and nothing that assistive technology stumbles over.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use constellation_core::view::Phase;
use constellation_tests::{Browser, Engine, PATIENCE, Room, Server, Tab, in_each_browser};
use serde_json::{Value, json};

in_each_browser![
    axe_finds_nothing_on_any_page,
    language_and_theme_are_switched_at_once_and_kept,
];

const LANGUAGE: &str = "[data-testid=language]";
const THEME: &str = "[data-testid=theme]";
const SIZES: [(u32, u32); 3] = [(360, 640), (1280, 800), (1920, 1080)];

/// Runs axe on what the page shows after it has been drawn, and gives a line for each violation.
const AXE: &str = r"
const done = arguments[arguments.length - 1];
const line = ({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`);
requestAnimationFrame(() => requestAnimationFrame(() =>
  axe.run().then(({ violations }) => done(violations.flatMap(line)), (error) => done([String(error)]))));
";

async fn no_errors(browser: &Browser) -> Result<()> {
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

fn axe() -> Result<String> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/node_modules/axe-core/axe.min.js");
    fs::read_to_string(&file)
        .with_context(|| format!("{} is missing: `npm ci` in web/", file.display()))
}

/// What axe finds on the page as it is, once [`look`] has loaded it.
async fn violations(tab: &Tab, state: &str, found: &mut Vec<String>) -> Result<()> {
    let lines = tab.client().await?.execute_async(AXE, vec![]).await?;
    let lines: Vec<String> = serde_json::from_value(lines)?;
    found.extend(lines.iter().map(|line| format!("{state}: {line}")));
    Ok(())
}

/// Looks at a page in both languages, themes and sizes.
async fn look(tab: &Tab, page: &str, found: &mut Vec<String>) -> Result<()> {
    tab.eval(&axe()?, vec![]).await?;
    for (width, height) in SIZES {
        tab.resize(width, height).await?;
        for language in ["en", "ja"] {
            tab.choose(LANGUAGE, language).await?;
            for theme in ["light", "dark"] {
                tab.choose(THEME, theme).await?;
                let state = format!("{page}, {language}, {theme}, {width}×{height}");
                violations(tab, &state, found).await?;
                let wider = "return document.documentElement.scrollWidth > innerWidth";
                if tab.eval(wider, vec![]).await? == Value::Bool(true) {
                    found.push(format!("{state}: wider than the screen"));
                }
            }
            tab.screenshot(&format!("{page}-{language}-{width}"))
                .await?;
        }
    }
    Ok(())
}

/// What the board shows in place of the map and of the memberships.
async fn look_behind_tabs(board: &Tab, found: &mut Vec<String>) -> Result<()> {
    for (tab, shown) in [
        ("listing-traffic", "costs"),
        ("listing-feed", "feed"),
        ("picture-distances", "distances-table"),
    ] {
        board.click(&format!("[data-testid={tab}]")).await?;
        board.wait_for(&format!("[data-testid={shown}]")).await?;
        look(board, shown, found).await?;
    }
    board.click("[data-testid=picture-map]").await?;
    board.click("[data-testid=listing-rounds]").await
}

/// The board with the table of devices, one of which is difficult and pointed at.
async fn look_at_listed(board: &Tab, found: &mut Vec<String>) -> Result<()> {
    board.click("[data-testid=listing-devices]").await?;
    board.wait_for("[data-testid=device-row] .mischief").await?;
    let focus = "document.querySelector('[data-testid=map-device][data-mischief]')?.focus() ?? \
        document.querySelector('[data-testid=detail-influence]')";
    board
        .wait_until("the difficult device's weight", focus, vec![], PATIENCE)
        .await?;
    board
        .wait_for("[data-testid=detail] [data-testid=histogram]")
        .await?;
    look(board, "difficult", found).await?;
    board.click("[data-testid=listing-rounds]").await
}

async fn axe_finds_nothing_on_any_page(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let mut browser = Browser::start(engine).await?;
    let mut found = Vec::new();

    let tab = browser.open(server.base()).await?;
    look(&tab, "home", &mut found).await?;
    tab.goto(&server.url("/guide")).await?;
    look(&tab, "guide", &mut found).await?;
    tab.goto(&server.url("/replay")).await?;
    look(&tab, "replay-opening", &mut found).await?;
    tab.goto(&server.url("/replay?run=coalitions-find-the-groups&frame=30&answer=shown"))
        .await?;
    tab.wait_for("[data-testid=player][data-frame='30']")
        .await?;
    look(&tab, "replay", &mut found).await?;
    tab.goto(&server.url("/board/NONE")).await?;
    tab.wait_for("[data-testid=missing]").await?;
    look(&tab, "missing", &mut found).await?;
    // The browser reports that there is no such room.
    browser.console_errors().await?;

    let endless =
        json!({ "rounds": 5000, "data": { "examples": 100 }, "pacing": { "pace_ms": 500 } });
    let room = Room::create(&server, endless).await?;
    tab.goto(&room.board_url).await?;
    tab.wait_for("[data-testid=join-qr]").await?;
    look(&tab, "lobby", &mut found).await?;
    let runners = room.headless(3);
    let device = browser.open(&room.join_url).await?;
    room.wait_until("four devices", |view| view.devices.len() == 4)
        .await?;
    tab.click("[data-testid=desk-start]").await?;
    room.wait_until("coalitions", |view| view.traffic.rounds >= 5)
        .await?;
    tab.click("[data-testid=show-answer]").await?;
    tab.click("[data-testid=desk-mischief]").await?;
    // The opposite step would carry its weights beyond all bounds while the pages are looked at.
    device.click("[data-testid=mischief-label_flip]").await?;
    room.wait_until("a difficult device", |view| {
        view.arms.iter().any(|arm| !arm.influence.is_empty())
    })
    .await?;
    look_at_listed(&tab, &mut found).await?;
    look(&tab, "running", &mut found).await?;
    look_behind_tabs(&tab, &mut found).await?;
    tab.click("[data-testid=export-open]").await?;
    tab.wait_for("[data-testid=export]").await?;
    violations(&tab, "saving", &mut found).await?;
    room.desk("lock", json!({})).await?;
    tab.click("[data-testid=settings-open]").await?;
    let unfold =
        "document.querySelectorAll('.settings details').forEach((part) => { part.open = true; })";
    tab.eval(unfold, vec![]).await?;
    look(&tab, "settings", &mut found).await?;
    tab.click("[data-testid=settings-close]").await?;
    tab.click("[data-testid=listing-devices]").await?;
    tab.click("[data-testid=remove-device]").await?;
    tab.wait_for("[data-testid=remove-dialog][open]").await?;
    violations(&tab, "removing", &mut found).await?;
    tab.click("[data-testid=remove-cancel]").await?;
    device.wait_for("[data-testid=device-arm]").await?;
    device.click("[data-testid=last-message] summary").await?;
    device
        .wait_for("[data-testid=last-message][open] [data-testid=sent-model][data-model=fed_avg]")
        .await?;
    look(&device, "device", &mut found).await?;
    runners.abort();

    let short = json!({ "rounds": 4, "data": { "examples": 100 }, "pacing": { "start_at": 3, "pace_ms": 0 } });
    let room = Room::create(&server, short).await?;
    let runners = room.headless(3);
    room.wait_until("the end of the run", |view| view.phase == Phase::Finished)
        .await?;
    tab.goto(&room.board_url).await?;
    tab.wait_for("[data-phase=finished]").await?;
    look(&tab, "finished", &mut found).await?;
    runners.abort();

    assert!(found.is_empty(), "{}", found.join("\n"));
    no_errors(&browser).await
}

async fn language_and_theme_are_switched_at_once_and_kept(engine: Engine) -> Result<()> {
    let server = Server::start(&["--no-room"]).await?;
    let room = Room::create(&server, json!({})).await?;
    let mut browser = Browser::start(engine).await?;

    let tab = browser.open(&server.url("/?lang=ja")).await?;
    tab.wait_for("html[lang=ja]").await?;
    tab.wait_for_text("[data-testid=start-room]", "ルームを開く")
        .await?;
    // What the page said already is said again in the other language.
    tab.click("[data-testid=join-button]").await?;
    tab.wait_for_text("[data-testid=notice]", "ルームコード")
        .await?;
    tab.choose(LANGUAGE, "en").await?;
    tab.wait_for("html[lang=en]").await?;
    tab.wait_for_text("[data-testid=notice]", "Type the code")
        .await?;
    // A choice is worth more than the address, also after a reload.
    tab.reload().await?;
    tab.wait_for_text("[data-testid=start-room]", "Start a room")
        .await?;

    tab.goto(&room.board_url).await?;
    tab.wait_for_text("[data-testid=desk-start]", "Start")
        .await?;
    tab.choose(LANGUAGE, "ja").await?;
    tab.wait_for_text("[data-testid=desk-start]", "開始")
        .await?;
    tab.wait_for_text("[data-testid=join-panel]", "台が参加しています")
        .await?;
    tab.wait_until(
        "the title in Japanese",
        "document.title.startsWith('ボード')",
        vec![],
        PATIENCE,
    )
    .await?;

    tab.prefer_dark().await?;
    tab.wait_for("html[data-theme=dark]").await?;
    tab.choose(THEME, "light").await?;
    tab.wait_for("html[data-theme=light]").await?;
    let device = browser.open(&room.join_url).await?;
    device.wait_for("html[lang=ja][data-theme=light]").await?;
    device
        .wait_for_text("[data-testid=add-device]", "追加")
        .await?;
    tab.choose(THEME, "system").await?;
    tab.wait_for("html[data-theme=dark]").await?;

    device
        .wait_for("[data-testid=connection][data-online=true]")
        .await?;
    room.desk("remove", json!({ "device": 1 })).await?;
    device
        .wait_for("[data-testid=farewell][data-code=removed]")
        .await?;
    device
        .wait_for_text("[data-testid=farewell]", "外されました")
        .await?;
    no_errors(&browser).await
}
