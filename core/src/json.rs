//! JSON as devices read and write it: a tree of values, and types that say how they lie in it.
//!
//! serde's way, compiled once for every type, each tagged one through a buffer of its own, was the larger half of what a
//! phone downloads. So a device has this; the room, and everything that is no device, has serde. Tests hold the two
//! against each other.

mod parse;
mod read;
mod write;

use thiserror::Error;

pub use parse::parse;
pub use read::Read;
pub(crate) use read::{fields, names, transparent};
pub(crate) use write::writes;
pub use write::{Write, object};

/// A value as it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// As it is spelled, so that whoever reads it rounds it only once.
    Number(String),
    /// Without quotes and escapes.
    Text(String),
    /// Between square brackets.
    List(Vec<Value>),
    /// In the order of the text.
    Object(Vec<(String, Value)>),
}

/// Text that is no JSON, or JSON that is not what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JsonError {
    /// No JSON.
    #[error("byte {0} is not what JSON has there")]
    Syntax(usize),
    /// Lists and objects in each other without end.
    #[error("it is nested too deeply")]
    Depth,
    /// JSON of something else.
    #[error("it is JSON, but not what is known here by these names and kinds")]
    Misfit,
}

impl Value {
    /// A field of an object, or `null`, which says the same as a field that is not there.
    #[must_use]
    pub fn get(&self, name: &str) -> &Self {
        let found = match self {
            Self::Object(fields) => fields.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        };
        found.unwrap_or(&Self::Null)
    }

    /// A field of an object, read.
    #[must_use]
    pub fn field<T: Read>(&self, name: &str) -> Option<T> {
        T::read(self.get(name))
    }

    /// A field that says its type's default by not being there.
    pub(crate) fn field_or_default<T: Read + Default>(&self, name: &str) -> Option<T> {
        match self.get(name) {
            Self::Null => Some(T::default()),
            value => T::read(value),
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
