//! `a=extmap` (RFC 8285, section 5).

use crate::Direction;
use crate::scan::{decimal, number, split_at_byte, word};
use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

/// `a=extmap:<id>[/<direction>] <URI> [<attributes>]`: a number for an RTP header extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtMap {
    /// 1 to 14 for one-byte headers, up to 255 for two-byte ones, 4096 to 4351 for ids an answerer is to renumber.
    pub id: u16,
    /// Which ways the extension is used; as the media section's when not written.
    pub direction: Option<Direction>,
    /// What the extension is.
    pub uri: String,
    /// What the extension's own specification puts behind the URI.
    pub attributes: Option<String>,
}

impl ExtMap {
    /// The extension `uri` under `id`, both ways.
    pub fn new(id: u16, uri: &str) -> Self {
        Self { id, direction: None, uri: uri.to_owned(), attributes: None }
    }

    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (id, rest) = word(value);
        let (uri, attributes) = word(rest);
        let (id, direction) = match split_at_byte(id, b'/') {
            Some((id, direction)) => (id, Some(Direction::from_name(direction)?)),
            None => (id, None),
        };
        let id = number(id).filter(|id| *id != 0)?;
        if uri.is_empty() {
            return None;
        }
        let attributes =
            Some(attributes.trim_ascii_end()).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
        Some(Self { id, direction, uri: uri.to_owned(), attributes })
    }
}

impl fmt::Display for ExtMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(f, self.id)?;
        if let Some(direction) = self.direction {
            write!(f, "/{direction}")?;
        }
        f.write_str(" ")?;
        f.write_str(&self.uri)?;
        self.attributes.as_ref().map_or(Ok(()), |attributes| write!(f, " {attributes}"))
    }
}
