//! `constellation`: the server of the rooms, as a program.

use std::io::{IsTerminal as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;
use clap::builder::BoolishValueParser;
use constellation_core::config::{CheckedConfig, RunConfig};
use constellation_server::{
    Addresses, AdminToken, Limits, NewRoom, RoomMakers, ServerConfig, Tls, check_for_room,
    lan_addresses, limits, qr_for_terminal, serve,
};
use mimalloc::MiMalloc;
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Federated learning you can watch: rooms where browser tabs train together.
///
/// Without any flag it serves this computer only, on port 8080, with one room.
/// Open the board's address that it prints on a projector, and the join address in as many tabs as you like.
#[derive(Debug, Parser)]
#[command(
    name = "constellation",
    version,
    after_help = "Examples:
  constellation                        this computer only
  constellation --lan                  phones and laptops in the same network join, too
  constellation --config run.json      the first room's run; {} in the file is all defaults
  constellation --ephemeral            keep nothing: rooms end with the server
  constellation --lan --tls-self-signed
                                       the same, encrypted; browsers warn once
  constellation --public-url https://example.org
                                       behind a proxy that speaks TLS

Ctrl-C stops it, and tells the devices. Rooms are kept: start it again in the same folder, even after a crash,
and they go on where they were."
)]
struct Flags {
    /// Port to listen on; 0 takes any free one.
    #[arg(long, env = "CONSTELLATION_PORT", default_value_t = 8080)]
    port: u16,

    /// Let other computers in the local network join, unencrypted unless one of the --tls flags is given.
    ///
    /// Everybody in the network can then see the rooms whose code they know, and join them.
    /// Rooms are made on this computer, or with --admin-token or --open-rooms elsewhere.
    /// The desk stays with whoever has its token. Without this flag nobody but this computer can connect.
    #[arg(long, env = "CONSTELLATION_LAN", value_parser = BoolishValueParser::new())]
    lan: bool,

    /// PEM file with the certificate to encrypt connections with, followed by those that vouch for it.
    #[arg(
        long,
        env = "CONSTELLATION_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,

    /// PEM file with the certificate's private key.
    #[arg(
        long,
        env = "CONSTELLATION_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,

    /// Encrypt connections with a certificate that this server makes for itself, and keeps in its data folder.
    ///
    /// Nobody listens in, but browsers warn once, as they do not know who made the certificate: compare its SHA-256 with
    /// the one that the server prints.
    #[arg(long, env = "CONSTELLATION_TLS_SELF_SIGNED", value_parser = BoolishValueParser::new(),
          conflicts_with = "tls_cert")]
    tls_self_signed: bool,

    /// Address under which others reach this server, if it stands behind a proxy, as in https://example.org.
    #[arg(long, env = "CONSTELLATION_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    public_url: Option<String>,

    /// Let everybody who reaches this server make rooms, not only whoever is on this computer.
    #[arg(long, env = "CONSTELLATION_OPEN_ROOMS", value_parser = BoolishValueParser::new(),
          conflicts_with = "admin_token")]
    open_rooms: bool,

    /// Token of 16 characters or more with which rooms can be made from elsewhere, as "Authorization: Bearer TOKEN".
    ///
    /// Better in the environment, where other users of this computer do not see it.
    #[arg(
        long,
        env = "CONSTELLATION_ADMIN_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    admin_token: Option<String>,

    /// Start without a room; the home page can make some.
    #[arg(long, env = "CONSTELLATION_NO_ROOM", value_parser = BoolishValueParser::new(),
          conflicts_with = "config")]
    no_room: bool,

    /// JSON file with the configuration of the first room's run.
    #[arg(long, env = "CONSTELLATION_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    /// Folder in which rooms are kept, so that they go on after a crash or a restart. Made if it is not there.
    #[arg(
        long,
        env = "CONSTELLATION_DATA_DIR",
        value_name = "FOLDER",
        default_value = "constellation-data"
    )]
    data_dir: PathBuf,

    /// Keep nothing on the disk: rooms end with the server.
    #[arg(long, env = "CONSTELLATION_EPHEMERAL", value_parser = BoolishValueParser::new())]
    ephemeral: bool,

    /// Rooms that may exist at a time.
    #[arg(long, env = "CONSTELLATION_MAX_ROOMS", value_name = "N", default_value_t = limits::ROOMS as u32,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max_rooms: u32,

    /// What to log to standard error: error, warn, info, debug or trace, or a filter as in
    /// "info,constellation_server=debug". With "json" or "json,…" before it each line is a JSON object.
    #[arg(
        long,
        env = "CONSTELLATION_LOG",
        value_name = "FILTER",
        default_value = "info"
    )]
    log: String,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    match run(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("constellation: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: Flags) -> anyhow::Result<()> {
    start_log(&flags.log)?;
    let first_room = if flags.no_room {
        None
    } else {
        Some(first_room(flags.config.as_deref())?)
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(start(&flags, first_room))
}

fn start_log(wanted: &str) -> anyhow::Result<()> {
    let as_json = wanted.strip_prefix("json");
    let as_json = as_json.filter(|rest| rest.is_empty() || rest.starts_with(','));
    let filter = match as_json.map(|rest| rest.trim_start_matches(',')) {
        Some("") => "info",
        Some(rest) => rest,
        None => wanted,
    };
    let filter =
        EnvFilter::try_new(filter).with_context(|| format!("--log {wanted:?} is no filter"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if as_json.is_some() {
        log.json().init();
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).init();
    }
    Ok(())
}

/// The first room's configuration: the file's, or all defaults.
fn first_room(file: Option<&std::path::Path>) -> anyhow::Result<CheckedConfig> {
    let config = match file {
        None => RunConfig::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("--config {}: cannot be read", path.display()))?;
            serde_json::from_str(&text)
                .with_context(|| format!("--config {}: is not a configuration", path.display()))?
        }
    };
    check_for_room(config).with_context(|| match file {
        Some(path) => format!("--config {}", path.display()),
        None => "the default configuration".to_owned(),
    })
}

async fn start(flags: &Flags, first_room: Option<CheckedConfig>) -> anyhow::Result<()> {
    let ip = if flags.lan {
        Ipv4Addr::UNSPECIFIED
    } else {
        Ipv4Addr::LOCALHOST
    };
    let listener = match TcpListener::bind(SocketAddr::from((ip, flags.port))).await {
        Ok(listener) => listener,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => bail!(
            "port {port} is taken by another program; stop that one, or choose another port with --port N \
             (--port 0 takes any free one)",
            port = flags.port
        ),
        Err(error) => return Err(error).context(format!("cannot listen on port {}", flags.port)),
    };
    let port = listener.local_addr()?.port();
    let lan = if flags.lan {
        lan_addresses()
    } else {
        Vec::new()
    };
    let addresses = Addresses {
        public_url: flags.public_url.clone(),
        lan: lan.first().copied(),
        port,
        is_encrypted: flags.tls_self_signed || flags.tls_cert.is_some(),
    };
    let tls = tls(flags, &lan)?;
    // Before anybody is told that the server is there.
    let stop = stop_signal()?;
    introduce(flags, &addresses, &lan, tls.as_ref())?;
    let config = ServerConfig {
        addresses,
        limits: Limits {
            rooms: flags.max_rooms as usize,
            ..Limits::default()
        },
        first_room,
        room_makers: room_makers(flags)?,
        data_dir: (!flags.ephemeral).then(|| flags.data_dir.clone()),
        tls,
        announce: Some(announce),
    };
    serve(listener, config, stop)
        .await
        .with_context(|| format!("--data-dir {}", flags.data_dir.display()))
}

/// The certificate to encrypt connections with, if they are to be.
fn tls(flags: &Flags, lan: &[IpAddr]) -> anyhow::Result<Option<Tls>> {
    if let (Some(certificate), Some(key)) = (&flags.tls_cert, &flags.tls_key) {
        return Ok(Some(
            Tls::from_files(certificate, key).context("--tls-cert, --tls-key")?,
        ));
    }
    if !flags.tls_self_signed {
        return Ok(None);
    }
    let here = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let names = here.into_iter().chain(lan.iter().map(IpAddr::to_string));
    let folder = (!flags.ephemeral).then_some(flags.data_dir.as_path());
    Ok(Some(
        Tls::self_signed(names.collect(), folder).context("--tls-self-signed")?,
    ))
}

fn room_makers(flags: &Flags) -> anyhow::Result<RoomMakers> {
    if flags.open_rooms {
        return Ok(RoomMakers::Everybody);
    }
    let Some(token) = &flags.admin_token else {
        return Ok(RoomMakers::Here);
    };
    let token = AdminToken::new(token).with_context(|| {
        format!(
            "--admin-token needs {} characters or more, or it can be guessed",
            AdminToken::LEAST
        )
    })?;
    Ok(RoomMakers::HereOr(token))
}

/// Says where the server is. The first line is for programs that started it.
fn introduce(
    flags: &Flags,
    addresses: &Addresses,
    lan: &[IpAddr],
    tls: Option<&Tls>,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let here = addresses.url(IpAddr::V4(Ipv4Addr::LOCALHOST));
    writeln!(out, "listening on {here}")?;
    writeln!(
        out,
        "home {}/",
        flags
            .public_url
            .as_deref()
            .unwrap_or(&here)
            .trim_end_matches('/')
    )?;
    if flags.lan {
        for &ip in lan {
            writeln!(out, "in the local network {}/", addresses.url(ip))?;
        }
        if lan.is_empty() {
            writeln!(
                out,
                "in the local network: this computer has no address there now"
            )?;
        }
        writeln!(
            out,
            "everybody in the local network can see and join the rooms whose code they know{}{}",
            if flags.open_rooms {
                ", and make new ones"
            } else {
                ""
            },
            if tls.is_some() {
                ""
            } else {
                "; traffic is not encrypted"
            }
        )?;
    }
    if let Some(tls) = tls {
        writeln!(
            out,
            "encrypted; the certificate's SHA-256 is {}",
            tls.fingerprint()
        )?;
    }
    if flags.ephemeral {
        writeln!(out, "rooms end with the server")?;
    } else {
        writeln!(out, "rooms are kept in {}", flags.data_dir.display())?;
    }
    out.flush()?;
    Ok(())
}

/// Prints a new room's addresses, and the join address as a picture if somebody is there to photograph it.
fn announce(room: &NewRoom) {
    let mut out = std::io::stdout().lock();
    let picture = if out.is_terminal() {
        qr_for_terminal(&room.join_url)
    } else {
        None
    };
    // Without a standard output there is nobody to tell.
    let _ = writeln!(
        out,
        "room {}: board {}  join {}",
        room.room, room.board_url, room.join_url
    )
    .and_then(|()| write!(out, "{}", picture.unwrap_or_default()))
    .and_then(|()| out.flush());
}

/// Ctrl-C, or what a service manager sends. Listens from the moment it is called.
#[cfg(unix)]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).context("cannot listen for signals");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            // It cannot be heard; then the server stops when its process does.
            std::future::pending::<()>().await;
        }
    })
}

fn public_url(url: &str) -> Result<String, String> {
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    match host.map(|host| host.trim_end_matches('/')) {
        Some(host) if !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']) => {
            Ok(url.trim_end_matches('/').to_owned())
        }
        _ => Err("must be http:// or https:// and a host, without a path".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_flags_are_consistent() {
        Flags::command().debug_assert();
    }

    #[test]
    fn public_addresses_have_no_path() {
        assert_eq!(
            public_url("https://example.org/"),
            Ok("https://example.org".to_owned())
        );
        for bad in [
            "example.org",
            "https://",
            "https://example.org/x",
            "ftp://example.org",
            "https://a b",
        ] {
            assert!(public_url(bad).is_err(), "{bad}");
        }
    }
}
