//! The format list of an m-line.

use crate::scan::number;
use alloc::string::{String, ToString};
use core::fmt;

/// What stands behind the protocol of an m-line: payload types for RTP, `webrtc-datachannel` for SCTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formats(String);

impl Formats {
    pub(crate) fn parse(text: &str) -> Self {
        let mut list = String::with_capacity(text.len());
        text.split_ascii_whitespace().for_each(|format| push_word(&mut list, format));
        Self(list)
    }

    /// The formats in the order written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|format| !format.is_empty())
    }

    /// Those formats that are RTP payload types.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> {
        self.iter().filter_map(number).filter(|number| *number <= 127)
    }

    /// Appends a payload type.
    pub fn push_payload_type(&mut self, payload_type: u8) {
        push_word(&mut self.0, &payload_type.to_string());
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `format` is among them.
    pub fn contains(&self, format: &str) -> bool {
        self.iter().any(|own| own == format)
    }

    /// The list, separated by spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn push_word(list: &mut String, word: &str) {
    if !list.is_empty() {
        list.push(' ');
    }
    list.push_str(word);
}

impl<'a> FromIterator<&'a str> for Formats {
    fn from_iter<I: IntoIterator<Item = &'a str>>(formats: I) -> Self {
        let mut list = String::new();
        formats.into_iter().for_each(|format| push_word(&mut list, format));
        Self(list)
    }
}

impl FromIterator<u8> for Formats {
    fn from_iter<I: IntoIterator<Item = u8>>(payload_types: I) -> Self {
        let mut list = Self::default();
        payload_types.into_iter().for_each(|payload_type| list.push_payload_type(payload_type));
        list
    }
}

impl fmt::Display for Formats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
