//! Attributes this crate has no type for.

use crate::scan::split_at_byte;
use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

/// `a=<name>` or `a=<name>:<value>`, kept as written (RFC 8866, section 5.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// What stands before the first colon.
    pub name: String,
    /// What stands behind it, if there is one.
    pub value: Option<String>,
}

impl Attribute {
    /// An attribute that is only a name.
    pub fn flag(name: &str) -> Self {
        Self { name: name.to_owned(), value: None }
    }

    /// An attribute with a value.
    pub fn new(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: Some(value.to_owned()) }
    }

    pub(crate) fn parse(text: &str) -> Self {
        match split_at_byte(text, b':') {
            Some((name, value)) => Self::new(name, value),
            None => Self::flag(text),
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.value {
            Some(value) => {
                f.write_str(":")?;
                f.write_str(value)
            }
            None => Ok(()),
        }
    }
}
