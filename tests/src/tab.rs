//! One tab: what a person does and sees in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use fantoccini::error::{CmdError, ErrorStatus};
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use crate::browser::Vendor;

/// The deadline of an ordinary wait. Long, because it is reached only by a failing test.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A tab of a [`Browser`](crate::Browser).
///
/// WebDriver has one current tab, and every method makes this tab the current one first.
/// So tabs are used in turn, never at the same time from two tasks.
#[derive(Debug)]
pub struct Tab {
    client: Client,
    window: WindowHandle,
    vendor: Arc<Vendor>,
}

impl Tab {
    pub(crate) fn new(client: Client, window: WindowHandle, vendor: Arc<Vendor>) -> Self {
        Self {
            client,
            window,
            vendor,
        }
    }

    /// The client, with this tab as its current one, for what this type has no method for.
    pub async fn client(&self) -> Result<&Client> {
        self.client.switch_to_window(self.window.clone()).await?;
        Ok(&self.client)
    }

    /// Opens an address and waits until it has loaded.
    pub async fn goto(&self, url: &str) -> Result<()> {
        let opened = self.client().await?.goto(url).await;
        opened.with_context(|| format!("{url} does not open"))
    }

    /// Loads the page again and waits until it has loaded.
    pub async fn reload(&self) -> Result<()> {
        Ok(self.client().await?.refresh().await?)
    }

    /// Closes the tab, as a person does: the page gets no chance to say goodbye.
    pub async fn close(self) -> Result<()> {
        Ok(self.client().await?.close_window().await?)
    }

    /// Clicks the first element that a CSS selector finds, once there is one.
    pub async fn click(&self, css: &str) -> Result<()> {
        self.wait_for(css).await?;
        let client = self.client().await?;
        let clicked = client.find(Locator::Css(css)).await?.click().await;
        clicked.with_context(|| format!("{css} cannot be clicked"))
    }

    /// Types into the first field that a CSS selector finds, in place of what is there.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        self.wait_for(css).await?;
        let client = self.client().await?;
        let field = client.find(Locator::Css(css)).await?;
        field.clear().await?;
        let typed = field.send_keys(text).await;
        typed.with_context(|| format!("nothing can be typed into {css}"))
    }

    /// Gives a file to the first field for files that a CSS selector finds.
    pub async fn choose_file(&self, css: &str, file: &Path) -> Result<()> {
        self.wait_for(css).await?;
        let client = self.client().await?;
        let path = file.to_str().context("the path is no UTF-8")?;
        let given = client.find(Locator::Css(css)).await?.send_keys(path).await;
        given.with_context(|| format!("{css} does not take {path}"))
    }

    /// Chooses a value in the first list that a CSS selector finds.
    pub async fn choose(&self, css: &str, value: &str) -> Result<()> {
        self.wait_for(css).await?;
        let client = self.client().await?;
        let list = client.find(Locator::Css(css)).await?;
        let chosen = list.select_by_value(value).await;
        chosen.with_context(|| format!("{css} does not offer {value}"))
    }

    /// Gives the page a size in pixels, as a phone or a projector would.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let client = self.client().await?;
        self.vendor
            .resize(client, &self.window, width, height)
            .await
    }

    /// From now on the tab's system prefers dark colours.
    pub async fn prefer_dark(&self) -> Result<()> {
        self.vendor.prefer_dark(self.client().await?).await
    }

    /// Runs a script in every page that this tab opens from now on, before the page's own.
    pub async fn run_first(&self, script: &str) -> Result<()> {
        let client = self.client().await?;
        self.vendor.run_first(client, &self.window, script).await
    }

    /// Puts this tab in front of the others, which are hidden from then on.
    pub async fn bring_to_front(&self) -> Result<()> {
        self.vendor.bring_to_front(self.client().await?).await
    }

    /// The text of the first element that a CSS selector finds, as a person sees it.
    pub async fn text(&self, css: &str) -> Result<String> {
        self.wait_for(css).await?;
        let client = self.client().await?;
        Ok(client.find(Locator::Css(css)).await?.text().await?)
    }

    /// Runs a script in the page (`return …`) and gives what it returns.
    pub async fn eval(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        Ok(self.client().await?.execute(script, arguments).await?)
    }

    /// Waits for an element.
    pub async fn wait_for(&self, css: &str) -> Result<()> {
        let found = "document.querySelector(args[0]) !== null";
        self.wait_until(css, found, vec![json!(css)], PATIENCE)
            .await
            .map(|_| ())
    }

    /// Waits for an element with this text in it.
    pub async fn wait_for_text(&self, css: &str, text: &str) -> Result<()> {
        let found = "[...document.querySelectorAll(args[0])].some((one) => one.textContent.includes(args[1]))";
        self.wait_until(
            &format!("{css} with the text {text:?}"),
            found,
            vec![json!(css), json!(text)],
            PATIENCE,
        )
        .await
        .map(|_| ())
    }

    /// Waits until a JavaScript expression is truthy, and returns its value.
    ///
    /// The expression sees `args`, and is looked at now and after every change of the page's elements, so it
    /// must depend on them alone. `what` names the condition in the error.
    /// The wait lives in the page, and begins anew in the next one if the page is left meanwhile.
    pub async fn wait_until(
        &self,
        what: &str,
        expression: &str,
        args: Vec<Value>,
        limit: Duration,
    ) -> Result<Value> {
        let script = WAIT.replace("EXPRESSION", expression);
        let deadline = Instant::now() + limit;
        let outcome = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let arguments = vec![json!(args), json!(u64::try_from(left.as_millis())?)];
            match self.client().await?.execute_async(&script, arguments).await {
                Err(error) if page_was_left(&error) && !left.is_zero() => {}
                outcome => {
                    break outcome.with_context(|| format!("the wait for {what} broke off"))?;
                }
            }
        };
        if let Some(error) = outcome["error"].as_str() {
            bail!("waiting for {what}: {error}");
        }
        if let Some(page) = outcome["late"].as_str() {
            bail!("{what} did not come within {limit:?}; the page says:\n{page}");
        }
        Ok(outcome["value"].clone())
    }

    /// Leaves a picture of the tab in `tests/artefacts/{browser}/{name}.png`.
    pub async fn screenshot(&self, name: &str) -> Result<PathBuf> {
        let picture = self.client().await?.screenshot().await?;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("artefacts")
            .join(self.vendor.engine().name());
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{name}.png"));
        fs::write(&file, picture)?;
        Ok(file)
    }
}

/// Whether a script ended because its page did. The driver has no status of its own for that: it says so in words, or
/// that the script took too long, although no wait is as long as the driver's patience with a script.
fn page_was_left(error: &CmdError) -> bool {
    let CmdError::Standard(error) = error else {
        return false;
    };
    let signs = ["unloaded", "navigation", "execution context", "detached"];
    error.error == ErrorStatus::ScriptTimeout
        || signs.iter().any(|sign| error.message.contains(sign))
}

/// Calls back with `{value}`, `{error}` or, at the deadline, `{late: what the page shows}`.
/// The expression is part of the script, not handed over: a strict content security policy forbids `eval`.
const WAIT: &str = r"
const [args, limitMs, done] = arguments;
const finish = (outcome) => {
  changes.disconnect();
  clearTimeout(deadline);
  done(outcome);
};
const look = () => {
  try {
    const value = EXPRESSION;
    if (value) finish({ value });
  } catch (error) {
    finish({ error: String(error) });
  }
};
const changes = new MutationObserver(look);
changes.observe(document, { attributes: true, characterData: true, childList: true, subtree: true });
const deadline = setTimeout(() => finish({ late: (document.body?.innerText ?? '').slice(0, 3000) }), limitMs);
look();
";
