//! Reading messages (RFC 8489, sections 5, 6.3 and 14).
//!
//! ```text
//! +--------+-----------------------------+-----------+-----------------+-------------+
//! | header | attributes, protected       | MESSAGE-  | MESSAGE-        | FINGERPRINT |
//! |        |                             | INTEGRITY | INTEGRITY-SHA256|             |
//! +--------+-----------------------------+-----------+-----------------+-------------+
//! ```
//!
//! Each attribute is a 16-bit type, a 16-bit length, and a value padded to a multiple of four bytes.

use crate::attribute::{Attribute, AttributeType, RawAttribute};
use crate::header::{COOKIE_BYTES, HEADER_LEN, split_message_type};
use crate::integrity::{Integrity, IntegrityKey, VerifyError, fingerprint};
use crate::{Class, Method, TransactionId};
use core::fmt;
use core::ops::{Range, RangeInclusive};
use sendrecv_core::Reader;

const ATTRIBUTE_HEADER_LEN: usize = 4;
/// How many attributes [`Index`] has room for.
const INDEXED: usize = 8;

/// Why bytes are not a STUN message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// Shorter than a header.
    TooShort,
    /// The two top bits are set: another protocol on the same socket.
    NotStun,
    /// The magic cookie is missing. RFC 3489 messages look like this; they are not supported.
    NoCookie,
    /// The header's length is not that of what follows, or not a multiple of four.
    BadLength,
    /// An attribute is longer than the message.
    AttributeOverrun,
    /// MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 or FINGERPRINT has a length that none can have.
    BadCheckLength,
    /// Something follows FINGERPRINT.
    AfterFingerprint,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooShort => "shorter than a STUN header",
            Self::NotStun => "the first two bits are not zero",
            Self::NoCookie => "no magic cookie",
            Self::BadLength => "the length field does not match the message",
            Self::AttributeOverrun => "an attribute is longer than the message",
            Self::BadCheckLength => "an integrity or fingerprint attribute of impossible length",
            Self::AfterFingerprint => "an attribute follows FINGERPRINT",
        })
    }
}

impl core::error::Error for ParseError {}

/// A STUN message over borrowed bytes.
///
/// [`parse`](Self::parse) walks all attributes once, so that reading them later cannot fail halfway; it allocates
/// nothing and copies nothing. Parsing says nothing about authenticity: see [`verify_integrity`](Self::verify_integrity)
/// and [`verify_fingerprint`](Self::verify_fingerprint).
#[derive(Clone, Copy)]
pub struct Message<'a> {
    bytes: &'a [u8],
    header: &'a [u8; HEADER_LEN],
    /// The attributes before the first integrity or fingerprint attribute.
    attributes: &'a [u8],
    index: Index,
    checks: Checks,
}

/// Where in the body the first few attributes start: looking one up walks no further than that. Checks have seldom more.
#[derive(Clone, Copy)]
struct Index {
    starts: [(AttributeType, u16); INDEXED],
    /// How many attributes there are, which may be more.
    count: usize,
}

/// Where in the body the trailing attributes lie that check the message itself.
#[derive(Clone, Copy, Default)]
struct Checks {
    sha1: Option<Place>,
    sha256: Option<Place>,
    fingerprint: Option<Place>,
}

/// An attribute's start in the body, and the length of its value.
#[derive(Clone, Copy)]
struct Place {
    start: u16,
    len: u16,
}

impl<'a> Message<'a> {
    /// Reads one message that fills `bytes` exactly.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let (header, body) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(ParseError::TooShort)?;
        let [first, _, len_high, len_low, cookie @ .., _, _, _, _, _, _, _, _, _, _, _, _] = header;
        if first & 0xc0 != 0 {
            return Err(ParseError::NotStun);
        }
        if *cookie != COOKIE_BYTES {
            return Err(ParseError::NoCookie);
        }
        let len = usize::from(u16::from_be_bytes([*len_high, *len_low]));
        if len != body.len() || !len.is_multiple_of(4) {
            return Err(ParseError::BadLength);
        }
        let (attributes, index, checks) = walk(body)?;
        Ok(Self { bytes, header, attributes, index, checks })
    }

    /// The message as it lies on the wire.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Request, indication, success or error.
    pub fn class(&self) -> Class {
        self.type_parts().0
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.type_parts().1
    }

    /// The transaction id.
    pub const fn transaction_id(&self) -> TransactionId {
        let [_, _, _, _, _, _, _, _, id @ ..] = self.header;
        TransactionId(*id)
    }

    fn type_parts(&self) -> (Class, Method) {
        let [high, low, ..] = self.header;
        split_message_type(u16::from_be_bytes([*high, *low]))
    }

    /// The attributes in wire order, unknown ones included, without the integrity and fingerprint attributes.
    ///
    /// What follows an integrity attribute is not covered by it and must be ignored (RFC 8489, section 14.5), so it
    /// does not appear here.
    pub const fn attributes(&self) -> Attributes<'a> {
        Attributes { rest: Reader::new(self.attributes) }
    }

    /// The first attribute of type `T`; `None` when it is absent or its value is malformed.
    pub fn attribute<T: Attribute<'a>>(&self) -> Option<T> {
        let (_, raw) = self.find(T::TYPE)?;
        T::decode(raw.value, self.transaction_id())
    }

    /// Where in [`as_bytes`](Self::as_bytes) the value of the first attribute of this type lies, for those who want to
    /// change it in place.
    pub fn position(&self, kind: AttributeType) -> Option<Range<usize>> {
        let (at, raw) = self.find(kind)?;
        let start = HEADER_LEN + at + ATTRIBUTE_HEADER_LEN;
        Some(start..start + raw.value.len())
    }

    /// The first attribute of this type, and where among the attributes it starts.
    #[inline]
    fn find(&self, kind: AttributeType) -> Option<(usize, RawAttribute<'a>)> {
        if let Some(start) = self.index.find(kind) {
            let ([_, _, high, low], rest) = self.attributes.get(start..)?.split_first_chunk()?;
            let value = rest.get(..usize::from(u16::from_be_bytes([*high, *low])))?;
            return Some((start, RawAttribute { kind, value }));
        }
        let mut rest = Reader::new(if self.index.is_complete() { &[] } else { self.attributes });
        loop {
            let start = self.attributes.len() - rest.remaining();
            let raw = next_attribute(&mut rest)?;
            if raw.kind == kind {
                return Some((start, raw));
            }
        }
    }

    /// Whether an attribute of this type is present, well-formed or not.
    pub fn has(&self, kind: AttributeType) -> bool {
        match kind {
            AttributeType::MESSAGE_INTEGRITY => self.checks.sha1.is_some(),
            AttributeType::MESSAGE_INTEGRITY_SHA256 => self.checks.sha256.is_some(),
            AttributeType::FINGERPRINT => self.checks.fingerprint.is_some(),
            _ => self.find(kind).is_some(),
        }
    }

    /// Which integrity attribute the message carries; with both, the stronger one.
    pub const fn integrity(&self) -> Option<Integrity> {
        match (self.checks.sha1, self.checks.sha256) {
            (_, Some(_)) => Some(Integrity::Sha256),
            (Some(_), None) => Some(Integrity::Sha1),
            (None, None) => None,
        }
    }

    /// The comprehension-required attributes that `understood` does not claim, for a 420 response (RFC 8489, section
    /// 6.3.1). [`AttributeType::is_known`] claims all that this crate can decode.
    pub fn unknown_required(
        &self,
        understood: impl Fn(AttributeType) -> bool,
    ) -> impl Iterator<Item = AttributeType> {
        self.attributes()
            .map(|attribute| attribute.kind)
            .filter(move |kind| kind.is_comprehension_required() && !understood(*kind))
    }

    /// Checks MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256, whichever `key` is for, in constant time (RFC 8489,
    /// sections 14.5 and 14.6).
    ///
    /// Under `cfg(fuzzing)` any value of the right length passes, so that fuzzers get behind it.
    pub fn verify_integrity(&self, key: &IntegrityKey) -> Result<(), VerifyError> {
        let check = match key.integrity() {
            Integrity::Sha1 => self.checks.sha1,
            Integrity::Sha256 => self.checks.sha256,
        };
        let (covered, value) = self.check(check)?;
        // The integrity attributes cover the header as it would be if the message ended with them.
        let end = covered.len() + ATTRIBUTE_HEADER_LEN + value.len();
        let len = u16::try_from(end.saturating_sub(HEADER_LEN)).unwrap_or(u16::MAX);
        let ([type_high, type_low, ..], [len_high, len_low]) = (self.header, len.to_be_bytes());
        let start = [*type_high, *type_low, len_high, len_low];
        let rest = covered.get(start.len()..).unwrap_or_default();
        let matches = cfg!(fuzzing) || key.verify(&[&start, rest], value);
        if matches { Ok(()) } else { Err(VerifyError::Mismatch) }
    }

    /// Checks FINGERPRINT (RFC 8489, section 14.7). Under `cfg(fuzzing)` any value passes.
    pub fn verify_fingerprint(&self) -> Result<(), VerifyError> {
        let (covered, value) = self.check(self.checks.fingerprint)?;
        let matches = cfg!(fuzzing) || fingerprint(covered).to_be_bytes() == value;
        if matches { Ok(()) } else { Err(VerifyError::Mismatch) }
    }

    /// What comes before a trailing attribute, and its value.
    fn check(&self, place: Option<Place>) -> Result<(&'a [u8], &'a [u8]), VerifyError> {
        let Place { start, len } = place.ok_or(VerifyError::Missing)?;
        let split = self.bytes.split_at_checked(HEADER_LEN + usize::from(start));
        let (covered, attribute) = split.ok_or(VerifyError::Missing)?;
        let value = attribute.get(ATTRIBUTE_HEADER_LEN..ATTRIBUTE_HEADER_LEN + usize::from(len));
        value.map(|value| (covered, value)).ok_or(VerifyError::Missing)
    }
}

impl Index {
    const EMPTY: Self = Self { starts: [(AttributeType(0), 0); INDEXED], count: 0 };

    fn note(&mut self, kind: AttributeType, start: usize) {
        if let (Some(entry), Ok(start)) = (self.starts.get_mut(self.count), u16::try_from(start)) {
            *entry = (kind, start);
        }
        self.count += 1;
    }

    fn find(&self, kind: AttributeType) -> Option<usize> {
        let noted = self.starts.get(..self.count).unwrap_or(&self.starts);
        noted.iter().find(|(noted, _)| *noted == kind).map(|(_, start)| usize::from(*start))
    }

    const fn is_complete(&self) -> bool {
        self.count <= INDEXED
    }
}

/// Walks the attributes once: all lengths are checked and the trailing checks are found. Returns the attributes before
/// the checks.
fn walk(body: &[u8]) -> Result<(&[u8], Index, Checks), ParseError> {
    let (mut reader, mut index, mut checks) = (Reader::new(body), Index::EMPTY, Checks::default());
    let mut end = body.len();
    while !reader.is_empty() {
        let start = body.len() - reader.remaining();
        let attribute = next_attribute(&mut reader).ok_or(ParseError::AttributeOverrun)?;
        match attribute.kind {
            AttributeType::MESSAGE_INTEGRITY => note(&mut checks.sha1, start, attribute, 20..=20)?,
            AttributeType::MESSAGE_INTEGRITY_SHA256 => note(&mut checks.sha256, start, attribute, 16..=32)?,
            AttributeType::FINGERPRINT if reader.is_empty() => {
                note(&mut checks.fingerprint, start, attribute, 4..=4)?;
            }
            AttributeType::FINGERPRINT => return Err(ParseError::AfterFingerprint),
            kind => {
                if end == body.len() {
                    index.note(kind, start);
                }
                continue;
            }
        }
        end = end.min(start);
    }
    Ok((body.get(..end).unwrap_or_default(), index, checks))
}

/// Remembers a check, of which the first of its type counts and whose length has to be one of `lengths` and a multiple of four.
fn note(
    check: &mut Option<Place>,
    start: usize,
    attribute: RawAttribute<'_>,
    lengths: RangeInclusive<usize>,
) -> Result<(), ParseError> {
    let len = attribute.value.len();
    let valid = lengths.contains(&len) && len.is_multiple_of(4);
    match (u16::try_from(start), u16::try_from(len)) {
        (Ok(start), Ok(len)) if valid => check.get_or_insert(Place { start, len }),
        _ => return Err(ParseError::BadCheckLength),
    };
    Ok(())
}

/// Takes the next attribute and its padding; `None` when it is cut off.
fn next_attribute<'a>(reader: &mut Reader<'a>) -> Option<RawAttribute<'a>> {
    let [a, b, c, d] = reader.array().ok()?;
    let len = usize::from(u16::from_be_bytes([c, d]));
    let padded = reader.take((len + 3) & !3).ok()?;
    Some(RawAttribute { kind: AttributeType(u16::from_be_bytes([a, b])), value: padded.get(..len)? })
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {:?} ", self.method(), self.class(), self.transaction_id())?;
        f.debug_list().entries(self.attributes().map(|attribute| attribute.kind)).finish()
    }
}

/// The attributes of a message, in wire order.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: Reader<'a>,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = RawAttribute<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        next_attribute(&mut self.rest)
    }
}
