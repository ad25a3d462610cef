//! Addresses as pictures that phones read.

use qrcode::QrCode;
use qrcode::render::{svg, unicode};

/// The picture for a page, black on white with a quiet edge. `None` if the text is too long for one.
pub(crate) fn svg(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    Some(
        code.render::<svg::Color<'_>>()
            .min_dimensions(240, 240)
            .build(),
    )
}

/// The picture for a terminal: black on white whatever the terminal's colours, two modules per character.
/// `None` if the text is too long for one.
#[must_use]
pub fn for_terminal(text: &str) -> Option<String> {
    const BLACK_ON_WHITE: &str = "\x1b[30;107m";
    const RESET: &str = "\x1b[0m";
    let code = QrCode::new(text).ok()?;
    let picture = code.render::<unicode::Dense1x2>().quiet_zone(true).build();
    Some(picture.lines().fold(String::new(), |all, line| {
        all + BLACK_ON_WHITE + line + RESET + "\n"
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_address_fits() {
        let address = "http://192.168.178.123:8080/join/K7QF";
        let picture = svg(address).unwrap();
        assert!(picture.contains("<svg"), "{picture}");
        // Version 3 has 29 modules a side, and 4 of quiet zone around; two rows share a line.
        let text = for_terminal(address).unwrap();
        assert_eq!(text.lines().count(), (29 + 8_usize).div_ceil(2));
    }

    #[test]
    fn what_is_too_long_has_no_picture() {
        assert!(svg(&"x".repeat(8_000)).is_none());
    }
}
