//! From values to text, as serde writes it: without spaces, floating-point numbers with a point.

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

/// Writes a struct as an object of these fields.
macro_rules! writes {
    ($type:ty { $($field:ident),* $(,)? }) => {
        impl $crate::json::Write for $type {
            fn write(&self, out: &mut String) {
                $crate::json::object(out, &[$((stringify!($field), &self.$field)),*]);
            }
        }
    };
}
pub(crate) use writes;

macro_rules! whole {
    ($($type:ty),*) => {
        $(impl Write for $type {
            fn write(&self, out: &mut String) {
                whole(*self as u64, out);
            }
        })*
    };
}
whole!(u8, u32, u64, usize);

fn whole(value: u64, out: &mut String) {
    if value > 9 {
        whole(value / 10, out);
    }
    out.push((b'0' + (value % 10) as u8) as char);
}

impl Write for bool {
    fn write(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

impl Write for f32 {
    fn write(&self, out: &mut String) {
        f64::from(*self).write(out);
    }
}

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
                    out.push_str(if c < '\u{10}' { "\\u000" } else { "\\u001" });
                    out.extend(char::from_digit(u32::from(c) % 16, 16));
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

impl<T: Write> Write for Vec<T> {
    fn write(&self, out: &mut String) {
        self.as_slice().write(out);
    }
}

impl<T: Write> Write for Box<T> {
    fn write(&self, out: &mut String) {
        T::write(self, out);
    }
}
