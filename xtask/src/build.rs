//! Builds everything in release: the wasm package, the pages, then the programs that embed them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use wasm_bindgen_cli_support::Bindgen;
use xshell::cmd;
use zopfli::{Format, Options};

use crate::project::{self, NPM, Project, WASM_TARGET, say};
use crate::stamp::Stamp;
use crate::{sizes, tools};

/// Builds what `constellation` and `lab` need, and them.
pub(crate) fn all(project: &Project) -> Result<()> {
    ensure_pages(project)?;
    programs(project)
}

/// Builds the pages with the browser's part, which the server embeds.
pub(crate) fn ensure_pages(project: &Project) -> Result<()> {
    tools::ensure_wasm_target(project)?;
    ensure_page_packages(project)?;
    wasm_package(project)?;
    pages(project)?;
    sizes::check(project)
}

/// Installs the pages' packages from the lock file, unless they are the ones it names.
pub(crate) fn ensure_page_packages(project: &Project) -> Result<()> {
    tools::check_node(project)?;
    let web = project.web();
    let modules = web.join("node_modules");
    let stamp = Stamp::new(
        modules.join(".constellation-packages"),
        &[web.join("package.json"), web.join("package-lock.json")],
        &[],
    )?;
    if stamp.is_current() {
        return Ok(());
    }
    say("installing the pages' packages (npm ci)");
    let shell = project.shell();
    let _in_web = shell.push_dir(&web);
    cmd!(shell, "{NPM} ci --no-audit --no-fund")
        .run()
        .context("the pages' packages could not be installed, npm says above why: if it is the network, check that npm reaches its registry (`npm ping`) and run this again")?;
    stamp.write()
}

/// Compiles `client-wasm/` and writes the package that the pages import into `web/pkg/`.
fn wasm_package(project: &Project) -> Result<()> {
    say("building the browser's part for WebAssembly");
    let shell = project.shell();
    // These two would take the place of the flags in .cargo/config.toml, and the build would lose SIMD.
    cmd!(
        shell,
        "cargo build --profile browser --package constellation-client --target {WASM_TARGET}"
    )
    .env_remove("RUSTFLAGS")
    .env_remove("CARGO_ENCODED_RUSTFLAGS")
    // The glue is made by what the file says about itself; names and debug information go afterwards.
    .env("CARGO_PROFILE_BROWSER_STRIP", "none")
    .run()
    .context("the browser's part does not build")?;

    let compiled = project
        .target()
        .join(WASM_TARGET)
        .join("browser")
        .join("constellation_client.wasm");
    let package = project.web().join("pkg");
    if package.exists() {
        fs::remove_dir_all(&package)
            .with_context(|| format!("{} cannot be emptied", package.display()))?;
    }
    Bindgen::new()
        .input_path(&compiled)
        .web(true)?
        .typescript(true)
        // Without the default path `init()` would want an argument, and Vite would ship no .wasm file.
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&package)
        .with_context(|| {
            format!(
                "no JavaScript glue could be made for {}",
                compiled.display()
            )
        })?;
    let size = fs::metadata(package.join("constellation_client_bg.wasm"))?.len();
    say(&format!("web/pkg is ready: {size} bytes of wasm"));
    Ok(())
}

/// Builds `web/dist/`, unless it is what the sources make.
/// Left alone it keeps its times, and the server that embeds it need not be linked again.
fn pages(project: &Project) -> Result<()> {
    let web = project.web();
    let built = web.join("dist");
    let modules = web.join("node_modules");
    let stamp = Stamp::new(
        modules.join(".constellation-pages"),
        // The pages show the guide for the teacher, which is among the documents.
        &[web.clone(), project.root().join("docs")],
        &[built.clone(), modules],
    )?;
    if stamp.is_current() && built.join("index.html").exists() {
        say("the pages are up to date");
        return Ok(());
    }
    say("building the pages (npm run build)");
    let shell = project.shell();
    let _in_web = shell.push_dir(&web);
    cmd!(shell, "{NPM} run build")
        .run()
        .context("the pages do not build")?;
    zip(&built)?;
    stamp.write()
}

/// Puts a zipped copy beside every file of a folder that has much to gain from it, for the server to send as it is: made
/// once, it can be smaller than what is made for each phone of a class anew.
fn zip(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            zip(&path)?;
        } else if let Some("html" | "js" | "css" | "svg" | "wasm") =
            path.extension().and_then(|extension| extension.to_str())
        {
            let mut zipped = Vec::new();
            let file = fs::File::open(&path)?;
            zopfli::compress(Options::default(), Format::Gzip, file, &mut zipped)?;
            fs::write(project::zipped(&path), zipped)?;
        }
    }
    Ok(())
}

fn programs(project: &Project) -> Result<()> {
    say("building the server and the laboratory in release");
    let shell = project.shell();
    cmd!(
        shell,
        "cargo build --release --package constellation-server --package constellation-lab"
    )
    .run()
    .context("the programs do not build")?;
    for name in ["constellation", "lab"] {
        ensure_built(&project.program(name))?;
    }
    Ok(())
}

fn ensure_built(program: &Path) -> Result<()> {
    ensure!(
        program.exists(),
        "the build left no program at {}",
        program.display()
    );
    Ok(())
}
