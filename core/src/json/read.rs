//! From a tree to types.

use super::Value;
use crate::decimal;

/// A type that can be read from a value. What is wrong with one that cannot is not said: a phone would download a
/// sentence for every field, and nobody reads them there.
pub trait Read: Sized {
    /// Reads it; `None` if the value is of another kind or out of its range.
    fn read(value: &Value) -> Option<Self>;
}

/// Reads a struct whose fields have their own names. Others are passed over: a newer room may say more. Fields after
/// `or default` may be left out; those after `without` are not read, and have their default.
macro_rules! fields {
    ($type:ty { $($field:ident),* $(,)? $(; or default $($optional:ident),*)?
        $(; without $($left_out:ident),*)? }) => {
        impl $crate::json::Read for $type {
            fn read(value: &$crate::json::Value) -> Option<Self> {
                Some(Self {
                    $($field: value.field(stringify!($field))?,)*
                    $($($optional: value.field_or_default(stringify!($optional))?,)*)?
                    $($($left_out: Default::default(),)*)?
                })
            }
        }
    };
}
pub(crate) use fields;

/// Reads and writes an enum whose variants are names, all of which must be there.
macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        impl $crate::json::Write for $type {
            fn write(&self, out: &mut String) {
                let name = match self {
                    $(Self::$variant => $name,)*
                };
                name.write(out);
            }
        }

        impl $crate::json::Read for $type {
            fn read(value: &$crate::json::Value) -> Option<Self> {
                match value.text()? {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use names;

/// Reads and writes a number in a type of its own.
macro_rules! transparent {
    ($($type:ident),*) => {
        $(impl $crate::json::Read for $type {
            fn read(value: &$crate::json::Value) -> Option<Self> {
                $crate::json::Read::read(value).map(Self)
            }
        }

        impl $crate::json::Write for $type {
            fn write(&self, out: &mut String) {
                self.0.write(out);
            }
        })*
    };
}
pub(crate) use transparent;

macro_rules! numbers {
    ($($type:ty),*) => {
        $(impl Read for $type {
            fn read(value: &Value) -> Option<Self> {
                match value {
                    Value::Number(number) => number.parse().ok(),
                    _ => None,
                }
            }
        })*
    };
}
numbers!(u32, usize);

impl Read for f64 {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => decimal::parse(number),
            _ => None,
        }
    }
}

impl Read for bool {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }
}

impl Read for String {
    fn read(value: &Value) -> Option<Self> {
        value.text().map(str::to_owned)
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::read(value).map(Some),
        }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value) -> Option<Self> {
        let Value::List(values) = value else {
            return None;
        };
        let mut read = Self::with_capacity(values.len());
        for value in values {
            read.push(T::read(value)?);
        }
        Some(read)
    }
}
