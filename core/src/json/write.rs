//! From values to text, as serde writes it: without spaces, floating-point numbers with a point.

use std::fmt::Write as _;

use crate::decimal;

/// A value that can be written.
pub trait Write {
    /// Appends its text.
    fn write(&self, out: &mut String);
}

/// Writes an object of these fields.
pub fn object(out: &mut String, fields: &[(&str, &dyn Write)]) {
    out.push('{');
    for (i, (name, value)) in fields.iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        name.write(out);
        out.push(':');
        value.write(out);
    }
    out.push('}');
}

macro_rules! whole {
    ($($type:ty),*) => {
        $(impl Write for $type {
            fn write(&self, out: &mut String) {
                let _ = write!(out, "{self}");
            }
        })*
    };
}
whole!(u32, usize);

impl Write for f64 {
    fn write(&self, out: &mut String) {
        if self.is_finite() {
            decimal::write(*self, out);
        } else {
            out.push_str("null");
        }
    }
}

impl Write for &str {
    fn write(&self, out: &mut String) {
        out.push('"');
        for c in self.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\0'..' ' => {
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

impl Write for String {
    fn write(&self, out: &mut String) {
        self.as_str().write(out);
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, out: &mut String) {
        match self {
            Some(value) => value.write(out),
            None => out.push_str("null"),
        }
    }
}

impl<T: Write> Write for &[T] {
    fn write(&self, out: &mut String) {
        out.push('[');
        for (i, value) in self.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            value.write(out);
        }
        out.push(']');
    }
}
