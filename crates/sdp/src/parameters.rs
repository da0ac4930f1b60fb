//! `key=value;key=value` lists, as in `a=fmtp` (RFC 8866, section 6.15) and `a=rid` (RFC 8851, section 4).

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

/// A list of format parameters, kept as written and read on demand.
///
/// Not every format uses `key=value`: `telephone-event` has `0-15`, `red` has `111/111`. Read those by
/// [`as_str`](Self::as_str).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(String);

impl Parameters {
    /// The list written as `text`.
    pub fn new(text: &str) -> Self {
        Self(text.trim_ascii().to_owned())
    }

    /// The list as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there are no parameters.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The parameters in the order written; one without `=` has an empty value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split(';').map(str::trim_ascii).filter(|parameter| !parameter.is_empty()).map(|parameter| {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            (key.trim_ascii_end(), value.trim_ascii_start())
        })
    }

    /// The value of the first parameter called `key`, ASCII case ignored.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value)
    }

    /// The value of `key` as a number.
    pub fn number<T: TryFrom<u64>>(&self, key: &str) -> Option<T> {
        self.get(key).and_then(crate::scan::number)
    }

    /// Appends a parameter.
    pub fn push(&mut self, key: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push(';');
        }
        self.0.push_str(key);
        self.0.push('=');
        self.0.push_str(value);
    }
}

impl From<&str> for Parameters {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
