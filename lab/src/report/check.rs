//! What every page must be: complete, on its own, and free of numbers that are none.

use std::path::PathBuf;

/// Elements that have no end.
const VOID: [&str; 4] = ["meta", "br", "hr", "img"];

/// Panics unless the page is well formed and refers to nothing outside; then leaves it in the folder of test files, to
/// be looked at.
pub(super) fn assert_page(name: &str, html: &str) {
    assert!(html.starts_with("<!doctype html>"));
    if let Err(error) = well_formed(html) {
        panic!("{name}: {error}");
    }
    for word in [
        "http", "src=", "href=", "url(", "@import", "<script", "NaN", ">inf", "Infinity",
    ] {
        assert!(!html.contains(word), "{name} contains {word:?}");
    }
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/reports");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    std::fs::write(folder.join(format!("{name}.html")), html).expect("the page can be written");
}

/// Whether every element ends, in order, and every attribute is quoted.
fn well_formed(html: &str) -> Result<(), String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with('!') {
            rest = &rest[rest.find('>').ok_or("a declaration does not end")?..];
            continue;
        }
        let end = rest.find('>').ok_or("a tag does not end")?;
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> ends nothing, before {:.60}", rest));
            }
            continue;
        }
        if tag.matches('"').count() % 2 == 1 || tag.contains('<') {
            return Err(format!("<{tag}> has an open quote"));
        }
        let name = tag.split([' ', '/', '\n']).next().unwrap_or_default();
        if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            return Err(format!("<{tag}> has no name"));
        }
        if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
        if name == "style" {
            let end = rest.find("</style>").ok_or("a style does not end")?;
            rest = &rest[end..];
        }
    }
    match open.as_slice() {
        [] => Ok(()),
        open => Err(format!("never ended: {open:?}")),
    }
}

#[test]
fn the_checker_sees_what_is_wrong() {
    assert_eq!(
        well_formed("<p>a<br>b <i>c</i></p><path d=\"M0 0\"/>"),
        Ok(())
    );
    assert!(well_formed("<p><b></p></b>").is_err());
    assert!(well_formed("<p>").is_err());
    assert!(well_formed("</p>").is_err());
    assert!(well_formed("<p class=\"a>x</p>").is_err());
    assert!(well_formed("1 < 2").is_err());
}
