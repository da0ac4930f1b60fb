//! Whole session descriptions.

use crate::scan::{Line, Lines, split_at_byte};
use crate::{
    Address, Attribute, Bandwidth, Direction, ErrorKind, ExtMap, Fingerprint, Group, MAX_MEDIA_SECTIONS,
    MediaSection, Origin, ParseError, Setup, SharedAttributes, Timing,
};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// A session description (RFC 8866) with typed attributes.
///
/// [`parse`](Self::parse) reads one, [`Display`](core::fmt::Display) (and so `to_string`) writes one in the order that
/// RFC 8866 prescribes, with CRLF. What is written parses back to an equal value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionDescription {
    /// `o=`: the author and the version.
    pub origin: Origin,
    /// `s=`: the name, `-` or empty when there is none.
    pub name: String,
    /// `i=`: a description for people.
    pub information: Option<String>,
    /// `u=`: where to read more.
    pub uri: Option<String>,
    /// `e=` lines.
    pub emails: Vec<String>,
    /// `p=` lines.
    pub phones: Vec<String>,
    /// `c=`: the address of media sections without one of their own.
    pub connection: Option<Address>,
    /// `b=` lines.
    pub bandwidths: Vec<Bandwidth>,
    /// `t=` and `r=` lines.
    pub timings: Vec<Timing>,
    /// `z=`: time zone adjustments, as written.
    pub time_zones: Option<String>,
    /// Media sections that belong together (RFC 5888).
    pub groups: Vec<Group>,
    /// The author is an ICE lite agent (RFC 8839, section 5.3).
    pub ice_lite: bool,
    /// `a=msid-semantic`, as written; obsolete but common.
    pub msid_semantic: Option<String>,
    /// A WebRTC identity assertion, as written (RFC 8827, section 7.4).
    pub identity: Option<String>,
    /// Attributes for all media sections.
    pub shared: SharedAttributes,
    /// The media sections in the order of their m-lines.
    pub media: Vec<MediaSection>,
}

impl SessionDescription {
    /// Parses a description whose lines end in CRLF or LF.
    ///
    /// Lines may be missing or out of order where browsers do not mind; attributes that are unknown, or malformed and
    /// of no consequence, are kept as written. Whatever decides who is talked to, or how, must be well formed.
    ///
    /// # Errors
    /// The first offending line and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut lines = Lines::new(text)?;
        match lines.next_line()? {
            Some(Line { kind: b'v', value: "0", .. }) => {}
            first => {
                let line = first.map_or(1, |line| line.number);
                return Err(ParseError { line, kind: ErrorKind::Version });
            }
        }
        let mut session = Self::default();
        while let Some(line) = lines.next_line()? {
            session.take(line).map_err(|kind| ParseError { line: line.number, kind })?;
        }
        // Descriptions are kept for as long as the session, and sections are large.
        session.media.shrink_to_fit();
        Ok(session)
    }

    fn take(&mut self, line: Line<'_>) -> Result<(), ErrorKind> {
        match (line.kind, self.media.last_mut()) {
            (b'a', media) => {
                let (name, value) = match split_at_byte(line.value, b':') {
                    Some((name, value)) => (name, Some(value)),
                    None => (line.value.trim_ascii_end(), None),
                };
                match media {
                    Some(media) => media.set(name, value),
                    None => self.set(name, value),
                }
            }
            (b'm', _) => self.add_media(line.value),
            (kind, Some(media)) => media_line(media, kind, line.value),
            (kind, None) => self.session_line(kind, line.value),
        }
    }

    fn add_media(&mut self, value: &str) -> Result<(), ErrorKind> {
        if self.media.len() >= MAX_MEDIA_SECTIONS {
            return Err(ErrorKind::TooManyMediaSections);
        }
        self.media.push(MediaSection::parse(value).ok_or(ErrorKind::Malformed("media line"))?);
        Ok(())
    }

    fn session_line(&mut self, kind: u8, value: &str) -> Result<(), ErrorKind> {
        match kind {
            b'o' => self.origin = Origin::parse(value).ok_or(ErrorKind::Malformed("origin"))?,
            b's' => self.name = value.to_owned(),
            b'i' => self.information = Some(value.to_owned()),
            b'u' => self.uri = Some(value.to_owned()),
            b'e' => self.emails.push(value.to_owned()),
            b'p' => self.phones.push(value.to_owned()),
            b'c' => self.connection = Some(Address::parse(value).ok_or(ErrorKind::Malformed("connection"))?),
            b'b' => self.bandwidths.push(Bandwidth::parse(value).ok_or(ErrorKind::Malformed("bandwidth"))?),
            b't' => self.timings.push(Timing::parse(value).ok_or(ErrorKind::Malformed("timing"))?),
            b'r' => {
                let timing = self.timings.last_mut().ok_or(ErrorKind::UnexpectedType('r'))?;
                timing.repeats.push(value.to_owned());
            }
            b'z' => self.time_zones = Some(value.to_owned()),
            // Keys in the clear: obsolete, and to be ignored (RFC 8866, section 5.12).
            b'k' => {}
            other => return Err(ErrorKind::UnexpectedType(char::from(other))),
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), ErrorKind> {
        match (name, value) {
            ("group", Some(value)) => {
                self.groups.push(Group::parse(value).ok_or(ErrorKind::Malformed("group"))?);
            }
            ("ice-lite", _) => self.ice_lite = true,
            ("msid-semantic", Some(value)) => self.msid_semantic = Some(value.to_owned()),
            ("identity", Some(value)) => self.identity = Some(value.to_owned()),
            _ => self.shared.set(name, value)?,
        }
        Ok(())
    }

    /// The group of the first kind `semantics` that holds `mid`.
    pub fn group_of(&self, semantics: &str, mid: &str) -> Option<&Group> {
        let mut groups = self.groups.iter().filter(|group| group.semantics == semantics);
        groups.find(|group| group.mids.iter().any(|own| own == mid))
    }

    /// The position of the media section called `mid`.
    pub fn index_of(&self, mid: &str) -> Option<usize> {
        self.media.iter().position(|media| media.mid.as_deref() == Some(mid))
    }

    /// The fingerprints that hold for media section `index`: its own, or the session's.
    pub fn fingerprints_of(&self, index: usize) -> &[Fingerprint] {
        match self.shared_of(index) {
            Some(own) if !own.fingerprints.is_empty() => &own.fingerprints,
            _ => &self.shared.fingerprints,
        }
    }

    /// The DTLS role that holds for media section `index`.
    pub fn setup_of(&self, index: usize) -> Option<Setup> {
        self.shared_of(index).and_then(|own| own.setup).or(self.shared.setup)
    }

    /// The ICE user fragment and password that hold for media section `index`, if both are given at one level.
    pub fn ice_credentials_of(&self, index: usize) -> Option<(&str, &str)> {
        let pair = |shared: &'_ SharedAttributes| shared.ice_ufrag.is_some() && shared.ice_pwd.is_some();
        let shared = self.shared_of(index).filter(|own| pair(own)).unwrap_or(&self.shared);
        Some((shared.ice_ufrag.as_deref()?, shared.ice_pwd.as_deref()?))
    }

    /// The ICE options that hold for media section `index`: its own, or the session's.
    pub fn ice_options_of(&self, index: usize) -> &[String] {
        match self.shared_of(index) {
            Some(own) if !own.ice_options.is_empty() => &own.ice_options,
            _ => &self.shared.ice_options,
        }
    }

    /// Which ways media flows in media section `index`.
    pub fn direction_of(&self, index: usize) -> Direction {
        self.shared_of(index).and_then(|own| own.direction).or(self.shared.direction).unwrap_or_default()
    }

    /// The header extensions that hold for media section `index`: the session's and its own.
    pub fn extmaps_of(&self, index: usize) -> impl Iterator<Item = &ExtMap> {
        self.shared.extmaps.iter().chain(self.shared_of(index).into_iter().flat_map(|own| &own.extmaps))
    }

    /// Whether no candidates follow for media section `index`.
    pub fn end_of_candidates_of(&self, index: usize) -> bool {
        self.shared.end_of_candidates || self.shared_of(index).is_some_and(|own| own.end_of_candidates)
    }

    /// The first session-level attribute called `name` that has no type here.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.shared.other.iter().find(|attribute| attribute.name == name)
    }

    fn shared_of(&self, index: usize) -> Option<&SharedAttributes> {
        self.media.get(index).map(|media| &media.shared)
    }
}

impl core::str::FromStr for SessionDescription {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

fn media_line(media: &mut MediaSection, kind: u8, value: &str) -> Result<(), ErrorKind> {
    match kind {
        b'i' => media.title = Some(value.to_owned()),
        b'c' => media.connections.push(Address::parse(value).ok_or(ErrorKind::Malformed("connection"))?),
        b'b' => media.bandwidths.push(Bandwidth::parse(value).ok_or(ErrorKind::Malformed("bandwidth"))?),
        b'k' => {}
        other => return Err(ErrorKind::UnexpectedType(char::from(other))),
    }
    Ok(())
}
