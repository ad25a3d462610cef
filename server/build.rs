//! Tells cargo which folders end up in the binary, so that a build after new pages embeds the new pages.

use std::path::Path;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let pages = root.join("web/dist");
    // Cargo rebuilds every time if a watched path does not exist. The folder is ignored by git and emptied by every
    // build of the pages.
    if let Err(error) = std::fs::create_dir_all(&pages) {
        println!("cargo::warning=cannot create {}: {error}", pages.display());
    }
    for folder in [
        pages,
        root.join("data/mnist-small"),
        root.join("data/fashion-mnist-small"),
    ] {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
}
