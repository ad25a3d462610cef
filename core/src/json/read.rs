//! From a tree to types.

use super::{JsonError, Value};
use crate::decimal;

/// A type that can be read from a value.
pub trait Read: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// It is of another kind.
    fn read(value: &Value) -> Result<Self, JsonError>;

    /// What a field is that is not there, if it may be left out.
    #[must_use]
    fn absent() -> Option<Self> {
        None
    }
}

/// Reads a struct whose fields have their own names. Others are passed over: a newer room may say more. Fields after
/// `or default` may be left out.
macro_rules! fields {
    ($type:ty { $($field:ident),* $(,)? $(; or default $($optional:ident),*)? }) => {
        impl $crate::json::Read for $type {
            fn read(value: &$crate::json::Value) -> Result<Self, $crate::json::JsonError> {
                Ok(Self {
                    $($field: value.field(stringify!($field))?,)*
                    $($($optional: value.field_or_default(stringify!($optional))?,)*)?
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
            fn read(value: &$crate::json::Value) -> Result<Self, $crate::json::JsonError> {
                match value.text() {
                    $(Some($name) => Ok(Self::$variant),)*
                    _ => Err($crate::json::JsonError::Kind("a name that is known here")),
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
            fn read(value: &$crate::json::Value) -> Result<Self, $crate::json::JsonError> {
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
    ($($type:ty = $kind:literal),*) => {
        $(impl Read for $type {
            fn read(value: &Value) -> Result<Self, JsonError> {
                let Value::Number(number) = value else {
                    return Err(JsonError::Kind($kind));
                };
                number.parse().map_err(|_| JsonError::Kind($kind))
            }
        })*
    };
}
numbers!(u32 = "a whole number", usize = "a whole number");

impl Read for f64 {
    fn read(value: &Value) -> Result<Self, JsonError> {
        let number = match value {
            Value::Number(number) => decimal::parse(number),
            _ => None,
        };
        number.ok_or(JsonError::Kind("a number"))
    }
}

impl Read for bool {
    fn read(value: &Value) -> Result<Self, JsonError> {
        match value {
            Value::Bool(value) => Ok(*value),
            _ => Err(JsonError::Kind("true or false")),
        }
    }
}

impl Read for String {
    fn read(value: &Value) -> Result<Self, JsonError> {
        let text = value.text().ok_or(JsonError::Kind("a text"))?;
        Ok(text.to_owned())
    }
}

impl<T: Read> Read for Option<T> {
    fn read(value: &Value) -> Result<Self, JsonError> {
        match value {
            Value::Null => Ok(None),
            value => T::read(value).map(Some),
        }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(value: &Value) -> Result<Self, JsonError> {
        let Value::List(values) = value else {
            return Err(JsonError::Kind("a list"));
        };
        let mut read = Self::with_capacity(values.len());
        for value in values {
            read.push(T::read(value)?);
        }
        Ok(read)
    }
}
