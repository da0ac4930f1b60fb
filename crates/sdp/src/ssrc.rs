//! `a=ssrc` and `a=ssrc-group` (RFC 5576, sections 4.1 and 4.2), `a=msid` (RFC 8830, section 2).

use crate::Attribute;
use crate::scan::{decimal, number, single, word};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// `a=ssrc:<ssrc> <attribute>[:<value>]`: something about one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsrcAttribute {
    /// The source.
    pub ssrc: u32,
    /// What is said about it, e.g. `cname:…`.
    pub attribute: Attribute,
}

impl SsrcAttribute {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (ssrc, attribute) = word(value);
        if attribute.is_empty() {
            return None;
        }
        Some(Self { ssrc: number(ssrc)?, attribute: Attribute::parse(attribute) })
    }

    /// The source's canonical name, if that is what this line gives.
    pub fn cname(&self) -> Option<&str> {
        self.attribute.value.as_deref().filter(|_| self.attribute.name == "cname")
    }
}

impl fmt::Display for SsrcAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        decimal(f, self.ssrc)?;
        f.write_str(" ")?;
        self.attribute.fmt(f)
    }
}

/// `a=ssrc-group:<semantics> <ssrc> …`: sources that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsrcGroup {
    /// In which sense: `FID` (media and its retransmissions), `SIM`, `FEC-FR`, …
    pub semantics: String,
    /// The sources in the order written.
    pub ssrcs: Vec<u32>,
}

impl SsrcGroup {
    /// Pairs a media source with the one that retransmits it.
    pub fn fid(media: u32, retransmission: u32) -> Self {
        Self { semantics: "FID".to_owned(), ssrcs: alloc::vec![media, retransmission] }
    }

    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (semantics, ssrcs) = word(value);
        if semantics.is_empty() {
            return None;
        }
        let ssrcs = ssrcs.split_ascii_whitespace().map(number).collect::<Option<_>>()?;
        Some(Self { semantics: semantics.to_owned(), ssrcs })
    }
}

impl fmt::Display for SsrcGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.semantics)?;
        self.ssrcs.iter().try_for_each(|ssrc| write!(f, " {ssrc}"))
    }
}

/// `a=msid:<stream> [<track>]`: the media stream that the section's track belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Msid {
    /// The stream's id; `-` when the track is in no stream.
    pub stream: String,
    /// The track's id, which newer descriptions leave out.
    pub track: Option<String>,
}

impl Msid {
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (stream, track) = word(value);
        if stream.is_empty() {
            return None;
        }
        Some(Self { stream: stream.to_owned(), track: single(track).map(ToOwned::to_owned) })
    }

    /// The stream's id, unless the track is in none.
    pub fn stream_id(&self) -> Option<&str> {
        Some(self.stream.as_str()).filter(|stream| *stream != "-")
    }
}

impl fmt::Display for Msid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stream)?;
        self.track.as_ref().map_or(Ok(()), |track| write!(f, " {track}"))
    }
}
