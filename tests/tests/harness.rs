//! The harness itself, against pages that do on purpose what a test must notice.

use std::time::Duration;

use anyhow::Result;
use constellation_tests::{Browser, Engine, in_each_browser};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

in_each_browser![
    a_wait_sees_what_comes_later_in_every_tab,
    a_wait_goes_on_in_the_next_page,
    a_wait_ends_at_its_deadline_and_says_what_it_saw,
    no_error_of_a_page_or_its_worker_goes_unseen,
];

/// The policy that the server sends: waits must work under it.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; img-src 'self'; connect-src 'self'";

/// Serves a page at `/`, its script at `/page.js` and its worker's script at `/worker.js`; returns the address.
async fn serve(script: &'static str, worker: &'static str) -> Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let base = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, script, worker));
        }
    });
    Ok(base)
}

async fn answer(mut stream: TcpStream, script: &str, worker: &str) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let length = stream.read(&mut request).await?;
    let request = String::from_utf8_lossy(&request[..length]);
    let (status, kind, body) = match request.split(' ').nth(1) {
        Some("/" | "/?next") => ("200 OK", "text/html", PAGE),
        Some("/page.js") => ("200 OK", "text/javascript", script),
        Some("/worker.js") => ("200 OK", "text/javascript", worker),
        Some("/favicon.ico") => ("200 OK", "image/svg+xml", ""),
        _ => ("404 Not Found", "text/plain", "not here"),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Security-Policy: {POLICY}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await
}

const PAGE: &str = "<!doctype html><title>Trivial</title><p id=greeting></p>
<input><button>Go</button><script src=/page.js></script>";

const LATER: &str = "
const greeting = document.querySelector('#greeting');
const show = (text) => setTimeout(() => { greeting.textContent = text; }, 300);
show('hello');
document.querySelector('button').onclick = () => show('hello ' + document.querySelector('input').value);
";

async fn a_wait_sees_what_comes_later_in_every_tab(engine: Engine) -> Result<()> {
    let base = serve(LATER, "").await?;
    let mut browser = Browser::start(engine).await?;
    let one = browser.open(&base).await?;
    let two = browser.open(&base).await?;
    for tab in [&one, &two] {
        tab.wait_for_text("p", "hello").await?;
    }
    one.fill("input", "you").await?;
    one.click("button").await?;
    one.wait_for_text("p", "hello you").await?;
    assert_eq!(one.text("#greeting").await?, "hello you");
    assert_eq!(two.text("#greeting").await?, "hello");

    one.reload().await?;
    one.wait_for_text("p", "hello").await?;
    two.prefer_dark().await?;
    let is_dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
    assert_eq!(two.eval(is_dark, vec![]).await?, true);
    one.close().await?;
    let picture = two.screenshot("harness").await?;
    assert!(std::fs::read(picture)?.starts_with(b"\x89PNG"));
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}

async fn a_wait_goes_on_in_the_next_page(engine: Engine) -> Result<()> {
    let script = "
        const later = (what) => setTimeout(what, 500);
        const arrive = () => { document.querySelector('p').textContent = 'arrived'; };
        const leave = () => { location.search = '?next'; };
        if (location.search) later(arrive);
        document.querySelector('button').onclick = () => later(leave);
    ";
    let base = serve(script, "").await?;
    let mut browser = Browser::start(engine).await?;
    let tab = browser.open(&base).await?;
    tab.click("button").await?;
    tab.wait_for_text("p", "arrived").await?;
    assert_eq!(tab.eval("return location.search", vec![]).await?, "?next");
    Ok(())
}

/// The error of a wait that must have one.
fn refusal(outcome: Result<serde_json::Value>) -> anyhow::Error {
    outcome.map_or_else(
        |error| error,
        |value| anyhow::anyhow!("the wait ended with {value}"),
    )
}

async fn a_wait_ends_at_its_deadline_and_says_what_it_saw(engine: Engine) -> Result<()> {
    let base = serve(LATER, "").await?;
    let mut browser = Browser::start(engine).await?;
    let tab = browser.open(&base).await?;
    tab.wait_for_text("p", "hello").await?;
    let limit = Duration::from_millis(200);
    let never = tab.wait_until("a miracle", "false", vec![], limit).await;
    let message = format!("{:#}", refusal(never));
    assert!(message.contains("a miracle did not come"), "{message}");
    assert!(message.contains("hello"), "{message}");
    let wrong = tab
        .wait_until("nonsense", "nowhere.at.all", vec![], limit)
        .await;
    let message = format!("{:#}", refusal(wrong));
    assert!(message.contains("nowhere is not defined"), "{message}");
    Ok(())
}

async fn no_error_of_a_page_or_its_worker_goes_unseen(engine: Engine) -> Result<()> {
    let script = "
        const worker = new Worker('/worker.js');
        worker.onmessage = () => { document.querySelector('p').textContent = 'worker is done'; };
        console.error('logged in the page');
        Promise.reject(new Error('rejected in the page'));
        setTimeout(() => { throw new Error('thrown in the page'); });
        fetch('/missing');
        document.querySelector('p').setAttribute('style', 'color: red');
    ";
    let worker = "
        console.error('logged in the worker');
        Promise.reject(new Error('rejected in the worker'));
        setTimeout(() => { postMessage('done'); throw new Error('thrown in the worker'); });
    ";
    let base = serve(script, worker).await?;
    let mut browser = Browser::start(engine).await?;
    let noisy = browser.open(&base).await?;
    noisy.wait_for_text("p", "worker is done").await?;
    let quiet = browser.open("about:blank").await?;
    quiet.wait_for("body").await?;
    let errors = browser.console_errors().await?;
    for expected in [
        "logged in the page",
        "rejected in the page",
        "thrown in the page",
        "/missing",
        "style-src",
        "logged in the worker",
        "rejected in the worker",
        "thrown in the worker",
    ] {
        assert!(
            errors.iter().any(|error| error.contains(expected)),
            "{expected} is not among {errors:#?}"
        );
    }
    assert_eq!(browser.console_errors().await?, Vec::<String>::new());
    Ok(())
}
