//! `cargo xtask demo`: a server, a room and devices, until Ctrl-C.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::build;
use crate::processes::Process;
use crate::project::{Project, say};

/// How long the server may take to start.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long the server may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// How often the demo looks whether its programs still run.
const GLANCE: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Also open a room and start this many headless devices in it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    devices: Option<u32>,
    /// The port that the server listens on.
    #[arg(long, value_name = "PORT", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Let other machines of this network join: without it only this one can.
    #[arg(long)]
    lan: bool,
    /// The seed of the run; also opens a room.
    #[arg(long, value_name = "SEED")]
    seed: Option<u32>,
}

/// What the demo shows of a room it made.
#[derive(Debug, PartialEq, Eq)]
struct Room {
    code: String,
    board: String,
    join: String,
}

pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    // Before the build: nobody wants to wait minutes to read this.
    check_port(options)?;
    build::all(project)?;
    let stop = on_interrupt()?;

    let mut arguments = vec!["--port".to_owned(), options.port.to_string()];
    if options.devices.is_some() {
        // Headless devices end with the demo, and would be missing in what it kept.
        arguments.push("--ephemeral".to_owned());
    }
    if options.lan {
        arguments.push("--lan".to_owned());
    }
    // A line a round would push the addresses off the screen. The server's own variable still decides.
    if std::env::var_os("CONSTELLATION_LOG").is_none() {
        arguments.extend(["--log", "warn"].map(str::to_owned));
    }
    let own_room = options.devices.is_some() || options.seed.is_some();
    if own_room {
        // The server would open one with the default configuration.
        arguments.push("--no-room".to_owned());
    }
    say("starting the server");
    let mut server = Process::start("the server", &project.program("constellation"), &arguments)?;
    let base = format!("http://127.0.0.1:{}", options.port);
    await_ready(&base, &mut server, &stop)?;

    let mut devices = None;
    if own_room {
        let room = open_room(&base, options)?;
        if let Some(count) = options.devices {
            devices = Some(start_devices(project, &base, &room, count)?);
        }
        announce(&room, options);
    }
    eprintln!("Press Ctrl-C to stop.");
    watch(&mut server, devices, &stop)
}

fn check_port(options: &Options) -> Result<()> {
    let port = options.port;
    let address = if options.lan {
        Ipv4Addr::UNSPECIFIED
    } else {
        Ipv4Addr::LOCALHOST
    };
    match TcpListener::bind((address, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "port {port} is taken by another program: choose another, for example `cargo xtask demo --port {}`",
            port.checked_add(1).unwrap_or(8080)
        ),
        Err(error) => Err(error).with_context(|| {
            format!("port {port} cannot be used: choose another with `--port`, 1024 or higher")
        }),
    }
}

/// A channel that gets a message at Ctrl-C, SIGTERM or when the terminal closes.
fn on_interrupt() -> Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    ctrlc::set_handler(move || {
        // Nobody listens any more only when the demo is ending already.
        let _ = sender.send(());
    })
    .context("Ctrl-C cannot be caught")?;
    Ok(receiver)
}

fn await_ready(base: &str, server: &mut Process, stop: &Receiver<()>) -> Result<()> {
    let agent = agent();
    let deadline = Instant::now() + START_LIMIT;
    loop {
        if let Some(status) = server.ended()? {
            bail!(
                "the server ended before it was ready ({status}): what it printed above says why"
            );
        }
        let answer = agent.get(format!("{base}/readyz")).call();
        if answer.is_ok_and(|response| response.status().is_success()) {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "the server was not ready after {} seconds",
            START_LIMIT.as_secs()
        );
        if stop.recv_timeout(Duration::from_millis(50)) != Err(RecvTimeoutError::Timeout) {
            bail!("stopped before the server was ready");
        }
    }
}

fn open_room(base: &str, options: &Options) -> Result<Room> {
    let mut config = json!({});
    if let Some(seed) = options.seed {
        config["seed"] = json!(seed);
    }
    if let Some(count) = options.devices {
        config["pacing"] = json!({ "start_at": count });
    }
    let mut response = agent()
        .post(format!("{base}/api/rooms"))
        .send_json(json!({ "config": config }))
        .context("the server did not answer")?;
    let status = response.status();
    let text = response
        .body_mut()
        .read_to_string()
        .context("the server's answer broke off")?;
    ensure!(
        status.is_success(),
        "the server opened no room ({status}): {text}"
    );
    let answer: Value = serde_json::from_str(&text).context("the server's answer is not JSON")?;
    read_room(base, &answer).with_context(|| format!("the server's answer lacks a field: {text}"))
}

fn read_room(base: &str, answer: &Value) -> Option<Room> {
    let absolute = |url: &str| {
        if url.starts_with('/') {
            format!("{base}{url}")
        } else {
            url.to_owned()
        }
    };
    let mut board = absolute(answer["board_url"].as_str()?);
    if !board.contains("#desk=") {
        // A fragment stays in the browser: the token reaches no log.
        board.push_str("#desk=");
        board.push_str(answer["desk_token"].as_str()?);
    }
    Some(Room {
        code: answer["room"].as_str()?.to_owned(),
        board,
        join: absolute(answer["join_url"].as_str()?),
    })
}

fn start_devices(project: &Project, base: &str, room: &Room, count: u32) -> Result<Process> {
    say(&format!("starting {count} headless devices"));
    let count = count.to_string();
    let arguments = [
        "devices", "--url", base, "--room", &room.code, "--count", &count,
    ];
    Process::start(
        "the laboratory",
        &project.program("lab"),
        &arguments.map(str::to_owned),
    )
}

fn announce(room: &Room, options: &Options) {
    let devices = match options.devices {
        Some(1) => " with 1 headless device".to_owned(),
        Some(count) => format!(" with {count} headless devices"),
        None => String::new(),
    };
    println!(
        "\nRoom {} is open{devices}.\n\n  Watch and steer   {}\n  Join with a tab   {}\n",
        room.code, room.board, room.join
    );
}

/// Waits for Ctrl-C, or for something that ends the demo by itself.
fn watch(server: &mut Process, mut devices: Option<Process>, stop: &Receiver<()>) -> Result<()> {
    while stop.recv_timeout(GLANCE) == Err(RecvTimeoutError::Timeout) {
        if let Some(status) = server.ended()? {
            bail!("the server ended by itself ({status})");
        }
        if let Some(process) = &mut devices
            && let Some(status) = process.ended()?
        {
            ensure!(
                status.success(),
                "{} ended by itself ({status})",
                process.name()
            );
            eprintln!("The headless devices have left; the server goes on.");
            devices = None;
        }
    }
    eprintln!("\nStopping.");
    // Devices first: they can still say goodbye.
    if let Some(mut process) = devices {
        process.stop()?;
    }
    server.stop()
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .timeout_global(Some(ANSWER_LIMIT))
        // A refusal carries its reason in its body.
        .http_status_as_error(false)
        // The server is on this machine, whatever the environment says about proxies.
        .proxy(None)
        .build()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "http://127.0.0.1:8080";

    #[test]
    fn the_board_address_always_carries_the_desk_token() {
        let mut answer = json!({
            "room": "K7QF", "desk_token": "t",
            "board_url": "/board?room=K7QF", "join_url": "http://10.0.0.5:8080/join?room=K7QF",
        });
        let room = Room {
            code: "K7QF".to_owned(),
            board: format!("{BASE}/board?room=K7QF#desk=t"),
            join: "http://10.0.0.5:8080/join?room=K7QF".to_owned(),
        };
        assert_eq!(read_room(BASE, &answer).as_ref(), Some(&room));
        answer["board_url"] = json!(room.board);
        assert_eq!(read_room(BASE, &answer), Some(room));
    }

    #[test]
    fn an_answer_without_a_room_is_none() {
        assert_eq!(read_room(BASE, &json!({})), None);
    }
}
