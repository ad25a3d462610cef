//! The program itself.

use std::process::Stdio;

use constellation_core::wire::{Farewell, RoomNews};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::support::{Socket, fine, problem, soon};

struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_constellation"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CONSTELLATION_")) {
        command.env_remove(name);
    }
    command.env("CONSTELLATION_EPHEMERAL", "true");
    command
}

impl Program {
    fn start(flags: &[&str]) -> Self {
        Self::start_with(flags, &[])
    }

    fn start_with(flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command();
        command.args(flags).envs(variables.iter().copied());
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    async fn line(&mut self) -> String {
        soon("a line", self.lines.next_line())
            .await
            .unwrap()
            .expect("the program goes on")
    }
}

/// What the program says of its first room.
struct FirstRoom {
    code: String,
    desk_token: String,
    /// Address of the room's calls.
    api: String,
}

impl Program {
    /// Its log to the end, which comes when the program has been told to end.
    async fn log(&mut self) -> String {
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        soon("the log's end", stderr.read_to_string(&mut log))
            .await
            .unwrap();
        log
    }

    /// Reads on to the room.
    async fn room(&mut self) -> FirstRoom {
        loop {
            let line = self.line().await;
            if let Some((code, rest)) = line.strip_prefix("room ").and_then(|r| r.split_once(':')) {
                let (base, _) = rest
                    .trim()
                    .strip_prefix("board ")
                    .unwrap()
                    .split_once("/board/")
                    .unwrap();
                let (_, token) = rest.split_once("#desk=").unwrap();
                return FirstRoom {
                    code: code.to_owned(),
                    desk_token: token.split(' ').next().unwrap().to_owned(),
                    api: format!("{base}/api/rooms/{code}"),
                };
            }
        }
    }
}

/// Runs the program to its end: exit code, standard error.
async fn run(flags: &[&str]) -> (Option<i32>, String) {
    let output = soon("the program's end", command().args(flags).output())
        .await
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[tokio::test]
async fn it_says_where_it_is_and_where_its_room_is() {
    let mut program = Program::start(&["--port", "0"]);
    let first = program.line().await;
    let address = first
        .strip_prefix("listening on http://127.0.0.1:")
        .expect(&first);
    assert!(address.parse::<u16>().is_ok(), "{first}");
    assert_eq!(
        program.line().await,
        format!("home http://127.0.0.1:{address}/")
    );
    assert_eq!(program.line().await, "rooms end with the server");
    let room = program.line().await;
    let (code, rest) = room
        .strip_prefix("room ")
        .and_then(|rest| rest.split_once(": board "))
        .expect(&room);
    let (board, join) = rest.split_once("  join ").expect(&room);
    assert!(
        board.starts_with(&format!("http://127.0.0.1:{address}/board/{code}#desk=")),
        "{room}"
    );
    assert_eq!(join, format!("http://127.0.0.1:{address}/join/{code}"));
    let view = reqwest::Client::builder().no_proxy().build().unwrap();
    let response = view
        .get(format!("http://127.0.0.1:{address}/api/rooms/{code}"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn it_encrypts_when_told_to() {
    let mut program = Program::start(&["--port", "0", "--tls-self-signed"]);
    let first = program.line().await;
    assert!(
        first.starts_with("listening on https://127.0.0.1:"),
        "{first}"
    );
    program.line().await;
    let encrypted = program.line().await;
    let fingerprint = encrypted.rsplit(' ').next().unwrap();
    assert_eq!(fingerprint.split(':').count(), 32, "{encrypted}");
    let room = program.room().await;
    assert!(room.api.starts_with("https://"), "{}", room.api);

    let (code, text) = run(&["--tls-cert", "a.pem"]).await;
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("--tls-key"), "{text}");
    let flags = ["--port", "0", "--tls-cert", "a.pem", "--tls-key", "b.pem"];
    let (code, text) = run(&flags).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("--tls-cert") && text.contains("a.pem"),
        "{text}"
    );
}

#[tokio::test]
async fn its_log_keeps_secrets() {
    let mut program = Program::start(&["--port", "0", "--log", "trace"]);
    program.line().await;
    program.line().await;
    program.line().await;
    let room = program.line().await;
    let token = room
        .split("#desk=")
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .unwrap()
        .to_owned();
    let (_, join) = room.split_once("  join ").unwrap();
    let (base, code) = join.split_once("/join/").unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let start = client
        .post(format!("{base}/api/rooms/{code}/desk/start"))
        .bearer_auth(&token);
    assert_eq!(start.send().await.unwrap().status(), 200);
    terminate(&program.child);
    let log = program.log().await;
    assert!(log.contains("/desk/start"), "{log}");
    assert!(!log.contains(&token), "{log}");
}

#[tokio::test]
async fn it_ends_when_told_to() {
    let mut program = Program::start(&["--port", "0", "--no-room"]);
    for _ in 0..3 {
        program.line().await;
    }
    terminate(&program.child);
    assert!(
        soon("its end", program.child.wait())
            .await
            .unwrap()
            .success()
    );
    assert_eq!(
        program.lines.next_line().await.unwrap(),
        None,
        "there is no room"
    );
}

#[tokio::test]
async fn its_devices_hear_of_its_end() {
    let mut program = Program::start(&["--port", "0"]);
    program.line().await;
    program.line().await;
    program.line().await;
    let room = program.line().await;
    let (_, join) = room.split_once("  join ").unwrap();
    let (base, code) = join.split_once("/join/").unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let devices = format!("{base}/api/rooms/{code}/devices");
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let answer = client.post(&devices).json(&json!({})).send().await.unwrap();
        let device: Value = answer.json().await.unwrap();
        let path = format!("{devices}/{}/socket", device["device"]).replace("http://", "ws://");
        let (socket, _) = tokio_tungstenite::connect_async(path).await.unwrap();
        let mut socket = Socket(socket);
        socket
            .send_json(&json!({ "token": device["device_token"] }))
            .await;
        assert!(matches!(socket.news().await, RoomNews::Configured(_)));
        sockets.push(socket);
    }
    terminate(&program.child);
    for mut socket in sockets {
        let (farewell, code) = socket.farewell().await;
        assert!(matches!(farewell, Farewell::ServerStops { .. }) && code == 1_001);
    }
    assert!(
        soon("its end", program.child.wait())
            .await
            .unwrap()
            .success()
    );
}

/// Sends a child what service managers send.
fn terminate(child: &Child) {
    let id = child.id().expect("the program runs").to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
}

#[tokio::test]
async fn flags_can_come_from_the_environment() {
    let variables = [
        ("CONSTELLATION_PORT", "0"),
        ("CONSTELLATION_NO_ROOM", "yes"),
        ("CONSTELLATION_LAN", "1"),
    ];
    let mut program = Program::start_with(&[], &variables);
    program.line().await;
    program.line().await;
    let line = loop {
        let line = program.line().await;
        if !line.starts_with("in the local network") {
            break line;
        }
    };
    assert!(line.starts_with("everybody in the local network"), "{line}");
    assert_eq!(program.line().await, "rooms end with the server");
    terminate(&program.child);
    assert_eq!(
        soon("its end", program.lines.next_line()).await.unwrap(),
        None,
        "there is no room"
    );
}

#[tokio::test]
async fn a_taken_port_is_one_sentence() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (code, text) = run(&["--port", &port]).await;
    assert_eq!(code, Some(1), "{text}");
    assert_eq!(text.trim_end().lines().count(), 1, "{text}");
    assert!(text.contains(&port) && text.contains("--port"), "{text}");
}

#[tokio::test]
async fn a_configuration_is_checked_before_anything_else() {
    let dir = std::env::temp_dir().join(format!("constellation-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    for (file, names) in [
        (write("rounds.json", r#"{"rounds":0}"#), "rounds is 0"),
        (write("field.json", r#"{"speed":1}"#), "speed"),
        (write("broken.json", "{"), "line 1"),
        (
            dir.join("missing.json").to_str().unwrap().to_owned(),
            "cannot be read",
        ),
    ] {
        let (code, text) = run(&["--port", "0", "--config", &file]).await;
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains(names) && text.contains(&file), "{text}");
    }
    let file = write("good.json", r#"{"rounds":3}"#);
    let mut program = Program::start(&["--port", "0", "--config", &file]);
    for _ in 0..4 {
        program.line().await;
    }
    std::fs::remove_dir_all(&dir).unwrap();
    let (code, text) = run(&["--log", "=,="]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("--log"), "{text}");
}

/// The program, kept from writing files beyond so many kilobytes: what a full disk looks like.
fn with_little_space(kilobytes: u32, flags: &[&str]) -> Program {
    let mut shell = Command::new("sh");
    // Without the trap the system would end it, instead of telling it.
    // In blocks of 512 bytes.
    let script = format!(
        "trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"",
        2 * kilobytes
    );
    shell
        .args(["-c", &script, env!("CARGO_BIN_EXE_constellation")])
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Program::of(shell)
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let flags = ["--port", "0", "--data-dir", data_dir, "--log", "warn"];
    let mut program = with_little_space(100, &flags);
    let room = program.room().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut acknowledged = 0;
    let refused = loop {
        let name = "n".repeat(40);
        let joined = client.post(format!("{}/devices", room.api));
        let answer = joined.json(&json!({ "name": name })).send().await.unwrap();
        if answer.status() != 201 {
            break answer;
        }
        acknowledged += 1;
        // The room takes so many; others make place.
        let device: Value = answer.json().await.unwrap();
        let removed = client.post(format!("{}/desk/remove", room.api));
        let removed = removed
            .bearer_auth(&room.desk_token)
            .json(&json!({ "device": device["device"] }));
        let answer = removed.send().await.unwrap();
        if answer.status() != 200 {
            break answer;
        }
    };
    problem(refused, 507, "store_failed").await;
    let again = client.get(&room.api).send().await.unwrap();
    problem(again, 507, "store_failed").await;
    let (base, _) = room.api.split_once("/api/").unwrap();
    let ready = client.get(format!("{base}/readyz")).send().await.unwrap();
    problem(ready, 507, "store_failed").await;
    program.child.kill().await.unwrap();
    let log = program.log().await;
    assert!(log.contains("cannot be kept"), "{log}");
    assert!(acknowledged > 10, "{acknowledged}");

    // With space it goes on.
    let mut command = command();
    command.env_remove("CONSTELLATION_EPHEMERAL").args(flags);
    let mut program = Program::of(command);
    let found = program.room().await;
    assert_eq!(found.code, room.code, "it is the same room");
    let joined = client.post(format!("{}/devices", found.api));
    let device: Value = fine(joined.json(&json!({})).send().await.unwrap(), 201).await;
    let number = device["device"].as_u64().unwrap();
    assert!(number > acknowledged, "numbers are never used twice");
}

#[tokio::test]
async fn its_log_can_be_read_by_programs() {
    let mut program = Program::start(&["--port", "0", "--log", "json"]);
    program.room().await;
    terminate(&program.child);
    let log = program.log().await;
    let messages: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        messages
            .iter()
            .any(|line| line["fields"]["message"] == "room created"),
        "{log}"
    );
}
