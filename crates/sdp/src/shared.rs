//! Attributes that may stand at session level, for all media sections, or in one of them.

use crate::scan::{once, single};
use crate::{Attribute, Direction, ErrorKind, ExtMap, Fingerprint, Setup};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// The attributes that both levels have, and those nobody knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SharedAttributes {
    /// Which ways media flows; a media section without it takes the session's, or sendrecv.
    pub direction: Option<Direction>,
    /// The ICE user fragment (RFC 8839, section 5.4).
    pub ice_ufrag: Option<String>,
    /// The ICE password (RFC 8839, section 5.4).
    pub ice_pwd: Option<String>,
    /// ICE options such as `trickle` and `ice2` (RFC 8839, section 5.6), of one or several lines.
    pub ice_options: Vec<String>,
    /// No candidates follow (RFC 8840, section 8.2).
    pub end_of_candidates: bool,
    /// Hashes of the certificates the author may present (RFC 8122, section 5).
    pub fingerprints: Vec<Fingerprint>,
    /// Who opens the DTLS connection (RFC 4145, section 4).
    pub setup: Option<Setup>,
    /// Identifies the DTLS association (RFC 8842, section 4).
    pub tls_id: Option<String>,
    /// Numbers of RTP header extensions (RFC 8285, section 5).
    pub extmaps: Vec<ExtMap>,
    /// One-byte and two-byte header extensions may be mixed (RFC 8285, section 6).
    pub extmap_allow_mixed: bool,
    /// Attributes without a type here, and malformed ones that may be passed over, in the order written.
    pub other: Vec<Attribute>,
}

impl SharedAttributes {
    /// Takes in `a=<name>:<value>`; what has no type here goes to [`other`](Self::other).
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), ErrorKind> {
        let text = value.unwrap_or_default();
        match name.as_bytes() {
            b"extmap" => self.extmaps.push(ExtMap::parse(text).ok_or(ErrorKind::Malformed("extmap"))?),
            b"ice-ufrag" => once(&mut self.ice_ufrag, ice_word(text, 4, "ice-ufrag")?, "ice-ufrag")?,
            b"ice-pwd" => once(&mut self.ice_pwd, ice_word(text, 22, "ice-pwd")?, "ice-pwd")?,
            b"ice-options" => self.ice_options.extend(text.split_ascii_whitespace().map(ToOwned::to_owned)),
            b"end-of-candidates" => self.end_of_candidates = true,
            b"fingerprint" => self.fingerprints.push(text.parse()?),
            b"setup" => {
                once(&mut self.setup, Setup::parse(text).ok_or(ErrorKind::Malformed("setup"))?, "setup")?;
            }
            b"tls-id" => {
                let id = single(text).ok_or(ErrorKind::Malformed("tls-id"))?;
                once(&mut self.tls_id, id.to_owned(), "tls-id")?;
            }
            b"extmap-allow-mixed" => self.extmap_allow_mixed = true,
            _ => match Direction::from_name(name) {
                Some(direction) => once(&mut self.direction, direction, "direction")?,
                None => self.keep(name, value),
            },
        }
        Ok(())
    }

    /// Keeps an attribute as it was written.
    pub(crate) fn keep(&mut self, name: &str, value: Option<&str>) {
        self.other.push(Attribute { name: name.to_owned(), value: value.map(ToOwned::to_owned) });
    }
}

/// `ice-char`s, at least `min` and at most 256 of them (RFC 8839, section 5.4).
fn ice_word(text: &str, min: usize, what: &'static str) -> Result<String, ErrorKind> {
    let word = single(text).filter(|word| (min..=256).contains(&word.len()));
    word.map(ToOwned::to_owned).ok_or(ErrorKind::Malformed(what))
}
