//! Numbers as people read them. What is missing is a dash, never "NaN".

use crate::results::{Paired, Reading};

/// What stands where a number is missing.
pub(super) const MISSING: &str = "–";

/// A fraction of 1 in percent, with one decimal and no sign: 0.8125 is "81.3".
pub(super) fn percent(fraction: f64) -> String {
    if fraction.is_finite() {
        format!("{:.1}", 100.0 * fraction)
    } else {
        MISSING.to_owned()
    }
}

/// A mean over seeds with its standard deviation, in percent: "81.3 ± 0.4"; of one seed the mean alone.
pub(super) fn percent_with_sd(mean: f64, sd: f64, seeds: usize) -> String {
    if seeds > 1 && mean.is_finite() && sd.is_finite() {
        format!("{} ± {}", percent(mean), percent(sd))
    } else {
        percent(mean)
    }
}

/// A difference in points, with its sign: 0.05 is "+5.0".
pub(super) fn points(difference: f64) -> String {
    if !difference.is_finite() {
        return MISSING.to_owned();
    }
    let text = format!("{:.1}", 100.0 * difference.abs());
    match (text.as_str(), difference > 0.0) {
        ("0.0", _) => text,
        (_, true) => format!("+{text}"),
        (_, false) => format!("−{text}"),
    }
}

/// A paired difference: "+5.0 ± 0.3"; in brackets where it is within the spread; of one seed without a spread.
pub(super) fn difference(paired: Option<Paired>) -> String {
    let Some(paired) = paired else {
        return MISSING.to_owned();
    };
    let mean = points(paired.mean);
    match paired.reading() {
        Reading::OneSeed => mean,
        Reading::WithinSpread => format!("({mean} ± {})", percent(paired.sd)),
        Reading::Better | Reading::Worse => format!("{mean} ± {}", percent(paired.sd)),
    }
}

/// A number with one decimal, or none where it is whole: 4 is "4", 4.5 is "4.5".
pub(super) fn short(value: f64) -> String {
    if !value.is_finite() {
        return MISSING.to_owned();
    }
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A number with two decimals, or a dash.
pub(super) fn two_decimals(value: Option<f64>) -> String {
    match value.filter(|value| value.is_finite()) {
        Some(value) => format!("{value:.2}").replace('-', "−"),
        None => MISSING.to_owned(),
    }
}

/// Megabytes (millions of bytes) without the unit.
pub(super) fn megabytes(bytes: f64) -> String {
    let value = bytes / 1e6;
    if !value.is_finite() {
        MISSING.to_owned()
    } else if value == 0.0 {
        "0".to_owned()
    } else if value < 0.1 {
        format!("{value:.3}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// Bytes with the unit that fits, powers of 1000.
pub(super) fn bytes(count: f64) -> String {
    if !count.is_finite() {
        return MISSING.to_owned();
    }
    let (value, unit) = match count {
        count if count >= 1e9 => (count / 1e9, "GB"),
        count if count >= 1e6 => (count / 1e6, "MB"),
        count if count >= 1e3 => (count / 1e3, "kB"),
        _ => return format!("{count:.0}\u{202f}bytes"),
    };
    if value < 100.0 {
        format!("{value:.1}\u{202f}{unit}")
    } else {
        format!("{value:.0}\u{202f}{unit}")
    }
}

/// "1 seed", "3 seeds".
pub(super) fn counted(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well_and_what_is_missing_is_a_dash() {
        assert_eq!(percent(0.8125), "81.2");
        assert_eq!(percent(f64::NAN), "–");
        assert_eq!(percent_with_sd(0.5, 0.012, 3), "50.0 ± 1.2");
        assert_eq!(percent_with_sd(0.5, 0.0, 1), "50.0");
        assert_eq!(percent_with_sd(f64::NAN, f64::NAN, 3), "–");
        assert_eq!(points(0.05), "+5.0");
        assert_eq!(points(-0.05), "−5.0");
        assert_eq!(points(-0.0001), "0.0");
        assert_eq!(points(f64::NAN), "–");
        assert_eq!(short(4.0), "4");
        assert_eq!(short(4.54), "4.5");
        assert_eq!(two_decimals(Some(-0.126)), "−0.13");
        assert_eq!(two_decimals(None), "–");
        assert_eq!(megabytes(122_136_000.0), "122");
        assert_eq!(megabytes(12_213_600.0), "12.2");
        assert_eq!(megabytes(0.0), "0");
        assert_eq!(bytes(203_560.0), "204\u{202f}kB");
        assert_eq!(bytes(1.5e9), "1.5\u{202f}GB");
        assert_eq!(bytes(12.0), "12\u{202f}bytes");
        assert_eq!(counted(1, "seed"), "1 seed");
    }

    #[test]
    fn a_difference_within_the_spread_stands_in_brackets() {
        let paired = |mean, sd, n| difference(Some(Paired { mean, sd, n }));
        assert_eq!(paired(0.05, 0.01, 4), "+5.0 ± 1.0");
        assert_eq!(paired(-0.005, 0.01, 4), "(−0.5 ± 1.0)");
        assert_eq!(paired(0.05, 0.0, 1), "+5.0");
        assert_eq!(difference(None), "–");
    }
}
