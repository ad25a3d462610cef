//! Encrypted connections.

use std::sync::Arc;

use constellation_core::wire::RoomNews;
use constellation_server::{ServerConfig, Tls};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::support::{Socket, TestServer, soon};

/// A server with a certificate of its own, and what it takes to trust it.
async fn start() -> (TestServer, TlsConnector) {
    let folder = tempfile::tempdir().unwrap();
    let names = vec!["localhost".to_owned()];
    let tls = Tls::self_signed(names, Some(folder.path())).unwrap();
    let certificate = folder.path().join("self-signed.pem");
    let mut trusted = RootCertStore::empty();
    trusted
        .add(CertificateDer::from_pem_file(certificate).unwrap())
        .unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    let server = TestServer::with(ServerConfig {
        tls: Some(tls),
        ..ServerConfig::default()
    })
    .await;
    (server, TlsConnector::from(Arc::new(client)))
}

async fn connect(server: &TestServer, connector: &TlsConnector) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(&server.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    soon("a handshake", connector.connect(name, stream))
        .await
        .unwrap()
}

/// Sends a request, and reads what comes until the connection ends.
async fn ask(
    mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    request: &str,
) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server need not say goodbye in TLS before it closes.
    let _ = soon("an answer", stream.read_to_end(&mut answer)).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_sockets_are_encrypted() {
    let (server, connector) = start().await;
    let body = "{}";
    let post = |path: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let json = |answer: String| -> serde_json::Value {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 201"), "{answer}");
        serde_json::from_str(body).unwrap()
    };
    let room = json(ask(connect(&server, &connector).await, &post("/api/rooms")).await);
    let code = room["room"].as_str().unwrap();
    let devices = format!("/api/rooms/{code}/devices");
    let device = json(ask(connect(&server, &connector).await, &post(&devices)).await);
    let address = format!("wss://localhost{devices}/{}/socket", device["device"]);
    let stream = connect(&server, &connector).await;
    let (socket, _) = tokio_tungstenite::client_async(address, stream)
        .await
        .unwrap();
    let mut socket = Socket(socket);
    socket
        .send_json(&json!({ "token": device["device_token"] }))
        .await;
    assert!(matches!(socket.news().await, RoomNews::Configured(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_forgets_the_s_is_told() {
    let (server, _) = start().await;
    let stream = TcpStream::connect(&server.address).await.unwrap();
    let answer = ask(stream, "GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("https://"), "{answer}");
}
