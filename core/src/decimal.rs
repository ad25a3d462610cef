//! Floating-point numbers as decimal text and back, exactly, in four kilobytes.
//!
//! The standard library's way is faster and brings tables of 12 kB, which do not compress, and 28 kB of code: an eighth of
//! what a phone downloaded. A device reads and writes a few dozen numbers a round, so it has this: long division of whole
//! numbers as long as they must be. Tests hold it against the standard library.
//! Source: Steele and White, "How to print floating-point numbers accurately", 1990, in the form of Burger and Dybvig,
//! "Printing floating-point numbers quickly and accurately", 1996.

use std::cmp::Ordering;
use std::fmt::{self, Display, Formatter};

/// Bits of an f64's significand.
const SIGNIFICAND: i32 = 53;
/// Exponents of the smallest f64 that has all of these bits, and of the largest.
const LEAST_NORMAL: i32 = -1_022;
const LARGEST: i32 = 1_023;
/// 2³².
const TWO_TO_32: f64 = 4_294_967_296.0;
/// The largest power of ten that is an f64, and all below are.
const EXACT_POWER: i32 = 22;
/// Digits that can decide how a number is rounded (768), and some more.
const DIGITS: usize = 800;

/// The number that is nearest to a decimal one, and of two as near the even one: `-12.5e-3`, `+7`, `.5`, `5.`. `None` if
/// the text is no such number, or beyond all bounds.
pub(crate) fn parse(text: &str) -> Option<f64> {
    let (negative, unsigned) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    let is_exponent = |byte: &u8| matches!(byte, b'e' | b'E');
    let (digits, mut exponent) = match unsigned.iter().position(is_exponent) {
        Some(at) => (&unsigned[..at], whole(&unsigned[at + 1..])?),
        None => (unsigned, 0),
    };
    let mut significand = Big::of(0);
    let (mut any, mut fraction, mut kept, mut more) = (false, false, 0, false);
    for &byte in digits {
        if byte == b'.' && !fraction {
            fraction = true;
            continue;
        }
        if !byte.is_ascii_digit() {
            return None;
        }
        any = true;
        if kept < DIGITS {
            significand.times_plus(10, u32::from(byte - b'0'));
            kept += usize::from(!significand.is_zero());
            exponent -= i32::from(fraction);
        } else {
            more |= byte != b'0';
            exponent += i32::from(!fraction);
        }
    }
    // Of what was not kept it matters only whether it is nothing.
    if more {
        significand.times_plus(10, 1);
        exponent -= 1;
    }
    let value = nearest(significand, exponent);
    let value = if negative { -value } else { value };
    (any && value.is_finite()).then_some(value)
}

/// A whole number with or without a sign; very large ones are cut off where they no longer matter.
fn whole(text: &[u8]) -> Option<i32> {
    let (sign, digits) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] | rest => (1, rest),
    };
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| i32::from(byte - b'0'));
    let value = digits.iter().try_fold(0, |value: i32, byte| {
        Some((value * 10 + digit(byte)?).min(MOST_EXPONENT))
    })?;
    (!digits.is_empty()).then_some(sign * value)
}

/// More than any text could take back by its number of digits.
const MOST_EXPONENT: i32 = 100_000_000;

/// The f64 nearest to `significand` · 10^`exponent`.
fn nearest(significand: Big, exponent: i32) -> f64 {
    // Beyond these there is only infinity, and only zero.
    let size = significand.digits() + exponent;
    if significand.is_zero() || size < -330 {
        return 0.0;
    }
    if size > 330 {
        return f64::INFINITY;
    }
    if significand.bits() <= SIGNIFICAND && exponent.abs() <= EXACT_POWER {
        // Both are exact, so it is rounded once (Clinger, "How to read floating point numbers accurately", 1990). Tables
        // that users bring have a million such numbers.
        let value = significand.0.iter().rev();
        let value = value.fold(0.0, |value, part| value * TWO_TO_32 + f64::from(*part));
        let power = (0..exponent.abs()).fold(1.0, |power, _| power * 10.0);
        return if exponent < 0 {
            value / power
        } else {
            value * power
        };
    }
    let (mut above, mut below) = (significand, Big::of(1));
    let scaled = if exponent < 0 { &mut below } else { &mut above };
    for _ in 0..exponent.abs() {
        scaled.times_plus(10, 0);
    }
    // The number is above / below · 2^power, with a quotient from 1 to 2.
    let mut power = above.bits() - below.bits();
    let shifted = if power < 0 { &mut above } else { &mut below };
    shifted.shift(power.unsigned_abs());
    if above.cmp(&below).is_lt() {
        above.shift(1);
        power -= 1;
    }
    if power > LARGEST {
        return f64::INFINITY;
    }
    // The smallest numbers have fewer bits.
    let bits = SIGNIFICAND + (power - LEAST_NORMAL).min(0);
    if bits < 0 {
        return 0.0;
    }
    let mut quotient = 0_u64;
    for _ in 0..bits {
        quotient <<= 1;
        if above.cmp(&below).is_ge() {
            above.minus(&below);
            quotient |= 1;
        }
        above.shift(1);
    }
    let rounds_up = match above.cmp(&below) {
        Ordering::Less => false,
        Ordering::Equal => quotient & 1 == 1,
        Ordering::Greater => true,
    };
    quotient += u64::from(rounds_up);
    // Both are exact, and so is their product, unless it is infinite.
    quotient as f64 * power_of_two(power - bits + 1)
}

/// 2^`exponent`, of those that an f64 can be.
fn power_of_two(exponent: i32) -> f64 {
    let bits = match exponent - LEAST_NORMAL {
        above @ 0.. => u64::from(above.unsigned_abs() + 1) << (SIGNIFICAND - 1),
        below => 1 << (SIGNIFICAND - 1 + below),
    };
    f64::from_bits(bits)
}

/// Shown in a sentence: as the standard library shows a number, but for very large and very small ones.
pub(crate) struct Shown(pub(crate) f64);

impl Display for Shown {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.0.is_finite() {
            return f.write_str(if self.0.is_nan() { "NaN" } else { "infinite" });
        }
        let mut text = String::new();
        write(self.0, &mut text);
        f.write_str(text.strip_suffix(".0").unwrap_or(&text))
    }
}

/// Appends the shortest text that [`parse`] gives the same finite number for, with a point: `1.0`, `-0.25`,
/// `1.0e-7`.
pub(crate) fn write(value: f64, out: &mut String) {
    if value.is_sign_negative() {
        out.push('-');
    }
    if value == 0.0 {
        return out.push_str("0.0");
    }
    let (digits, power) = shortest(value.abs());
    // Where the point is among the digits, and the power of ten that is said behind them.
    let (point, said) = match power {
        -4..=16 => (power, None),
        _ => (1, Some(power - 1)),
    };
    // At least one digit on either side of the point; where there is none it is a zero.
    let count = digits.len().cast_signed() as i32;
    for at in (point - 1).min(0)..(point + 1).max(count) {
        if at == point {
            out.push('.');
        }
        let digit = usize::try_from(at).ok().and_then(|at| digits.get(at));
        out.push(digit.map_or('0', |digit| *digit as char));
    }
    if let Some(said) = said {
        out.push('e');
        out.push_str(&said.to_string());
    }
}

/// The fewest digits that name a positive number, and where the point is: 0.`digits` · 10^`point`.
fn shortest(value: f64) -> (Vec<u8>, i32) {
    let hidden = 1 << (SIGNIFICAND - 1);
    let stored = value.to_bits() % hidden;
    let (significand, exponent) = match (value.to_bits() / hidden) as i32 {
        0 => (stored, 1),
        biased => (stored + hidden, biased),
    };
    // The number before an even power of two is half as far away as the one behind it.
    let uneven = stored == 0 && exponent > 1;
    let exponent = exponent + LEAST_NORMAL - SIGNIFICAND;
    // The number is above / below, and half-way to the next ones are up / below and down / below.
    let mut above = Big::of(significand);
    let mut below = Big::of(1);
    let mut down = Big::of(1);
    if exponent < 0 {
        below.shift(exponent.unsigned_abs());
    } else {
        above.shift(exponent.unsigned_abs());
        down.shift(exponent.unsigned_abs());
    }
    let mut up = down.clone();
    above.shift(1 + u32::from(uneven));
    below.shift(1 + u32::from(uneven));
    up.shift(u32::from(uneven));
    // Half-way numbers are read as the even one.
    let even = significand % 2 == 0;
    let reaches = |above: &Big, up: &Big, below: &Big| match above.plus(up).cmp(below) {
        Ordering::Less => false,
        Ordering::Equal => even,
        Ordering::Greater => true,
    };
    let mut point = 0;
    while reaches(&above, &up, &below) {
        below.times_plus(10, 0);
        point += 1;
    }
    let mut digits = Vec::new();
    loop {
        for number in [&mut above, &mut up, &mut down] {
            number.times_plus(10, 0);
        }
        if digits.is_empty() && !reaches(&above, &up, &below) {
            point -= 1;
            continue;
        }
        let mut digit = b'0';
        while above.cmp(&below).is_ge() {
            above.minus(&below);
            digit += 1;
        }
        let low = match above.cmp(&down) {
            Ordering::Less => true,
            Ordering::Equal => even,
            Ordering::Greater => false,
        };
        let high = reaches(&above, &up, &below);
        if high && (!low || above.plus(&above).cmp(&below).is_ge()) {
            digit += 1;
        }
        digits.push(digit);
        if low || high {
            return (digits, point);
        }
    }
}

/// A whole number of any size: 32 bits at a time, the smallest first, none at the end that are zero.
#[derive(Clone, Debug)]
struct Big(Vec<u32>);

impl Big {
    fn of(value: u64) -> Self {
        let mut big = Self(vec![value as u32, (value >> 32) as u32]);
        big.trim();
        big
    }

    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    fn bits(&self) -> i32 {
        let unused = self.0.last().map_or(0, |last| last.leading_zeros());
        (self.0.len() * 32).cast_signed() as i32 - unused.cast_signed()
    }

    /// How many digits it has, or one more.
    fn digits(&self) -> i32 {
        self.bits() * 30_103 / 100_000 + 1
    }

    fn times_plus(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for part in &mut self.0 {
            carry += u64::from(*part) * u64::from(factor);
            *part = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// Times 2^`bits`.
    fn shift(&mut self, bits: u32) {
        for _ in 0..bits / 31 {
            self.times_plus(1 << 31, 0);
        }
        self.times_plus(1 << (bits % 31), 0);
    }

    fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        sum.0.resize(self.0.len().max(other.0.len()) + 1, 0);
        let mut carry = 0;
        for (i, part) in sum.0.iter_mut().enumerate() {
            carry += u64::from(*part) + u64::from(other.0.get(i).copied().unwrap_or(0));
            *part = carry as u32;
            carry >>= 32;
        }
        sum.trim();
        sum
    }

    /// Takes away a number that is no larger.
    fn minus(&mut self, other: &Self) {
        let mut borrow = 0;
        for (i, part) in self.0.iter_mut().enumerate() {
            let taken = i64::from(other.0.get(i).copied().unwrap_or(0)) + borrow;
            let left = i64::from(*part) - taken;
            *part = left as u32;
            borrow = i64::from(left < 0);
        }
        self.trim();
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let by_parts = || self.0.iter().rev().cmp(other.0.iter().rev());
        self.0.len().cmp(&other.0.len()).then_with(by_parts)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(value: f64) -> String {
        let mut out = String::new();
        write(value, &mut out);
        out
    }

    /// Whether a text means the same to the standard library, which also knows infinity.
    fn same(text: &str) {
        let theirs = text.parse::<f64>().ok().filter(|value| value.is_finite());
        let bits = |value: Option<f64>| value.map(f64::to_bits);
        assert_eq!(bits(parse(text)), bits(theirs), "{text}");
    }

    #[test]
    fn numbers_by_hand() {
        for text in [
            "0",
            "-0",
            "1",
            "+1",
            ".5",
            "5.",
            "1e0",
            "1E+2",
            "007",
            "0.1",
            "123456789012345678",
            // Half-way between two, and a little more.
            "9007199254740993",
            "9007199254740993.00000000000000000001",
            "9007199254740995",
            // The largest, what is rounded to it, and what is not.
            "1.7976931348623157e308",
            "1.7976931348623158e308",
            "1.7976931348623159e308",
            "1e309",
            "1620000020344928e309",
            "1e328",
            "1e331",
            "1e99999999999",
            // The smallest normal one, the smallest, half of it, and a little more.
            "2.2250738585072014e-308",
            "2.2250738585072011e-308",
            "5e-324",
            "4.9e-324",
            "2.4703282292062327e-324",
            "2.4703282292062328e-324",
            "2e-324",
            "1e-99999999999",
            "0e99999999999",
            // None.
            "",
            "-",
            ".",
            "e5",
            "1e",
            "1e+",
            "1.2.3",
            "1 ",
            " 1",
            "--1",
            "inf",
            "nan",
            "0x1",
            "1_000",
            "٣",
        ] {
            same(text);
        }
    }

    #[test]
    fn digits_without_end_are_read() {
        // Half of the smallest number has 751 digits.
        let half = format!("{:.1100}", f64::from_bits(1))
            .parse::<f64>()
            .unwrap();
        assert!(half > 0.0);
        let nines = "9".repeat(2_000);
        for text in [
            nines.clone(),
            format!("0.{nines}"),
            format!("{nines}e-2000"),
            format!("9007199254740993.{}1", "0".repeat(2_000)),
            format!("9007199254740993{}1e-2001", "0".repeat(2_000)),
            format!("0.{}1e2001", "0".repeat(2_000)),
            format!("1{}", "0".repeat(400)),
        ] {
            same(&text);
        }
    }

    #[test]
    fn numbers_are_written_as_short_as_can_be() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-0.25, "-0.25"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.00012, "0.00012"),
            (1.2e-7, "1.2e-7"),
            (1200.0, "1200.0"),
            (1e15, "1000000000000000.0"),
            (1e23, "1.0e23"),
            (f64::MAX, "1.7976931348623157e308"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
            (5e-324, "5.0e-324"),
            (9_007_199_254_740_992.0, "9007199254740992.0"),
        ] {
            assert_eq!(written(value), text);
        }
    }

    proptest! {
        #[test]
        fn every_number_is_written_as_the_standard_library_does(value: f64) {
            let digits = |text: &str| {
                let significand = text.split(['e', 'E']).next().unwrap().to_owned();
                significand.replace(['-', '.'], "").trim_matches('0').to_owned()
            };
            let text = written(value);
            prop_assert_eq!(digits(&text), digits(&format!("{value:?}")), "{}", text);
            prop_assert_eq!(parse(&text).map(f64::to_bits), Some(value.to_bits()));
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }

        #[test]
        fn powers_of_two_are_written_as_the_standard_library_does(exponent in -1_074_i32..1_024) {
            let value = power_of_two(exponent);
            prop_assert_eq!(written(value).parse::<f64>().unwrap(), value);
            let theirs = format!("{value:e}");
            let digits = theirs.split('e').next().unwrap().replace('.', "");
            prop_assert_eq!(shortest(value).0, digits.into_bytes());
        }

        #[test]
        fn every_text_is_read_as_the_standard_library_does(text in "[-+]?[0-9]{0,20}[.]?[0-9]{0,20}([eE][-+]?[0-9]{0,3})?") {
            same(&text);
        }

        #[test]
        fn half_ways_are_read_as_the_even_one(value in any::<u64>(), far in "[0-9]{0,3}") {
            // 17 digits and then the half-way point between neighbours, exactly.
            let value = f64::from_bits(value % f64::MAX.to_bits());
            let next = f64::from_bits(value.to_bits() + 1);
            if next.is_finite() && value > 1e-300 && value < 1e300 {
                let exact = format!("{:.1100}", value / 4.0 + (next / 4.0));
                same(&exact);
                same(&format!("{exact}{far}"));
            }
        }
    }
}
