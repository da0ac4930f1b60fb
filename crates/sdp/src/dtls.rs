//! `a=fingerprint` (RFC 8122, section 5) and `a=setup` (RFC 4145, section 4; RFC 8842).

use crate::scan::single;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A hash of the certificate that the author will present: `<hash function> <hex>:<hex>:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash function's name in lower case, e.g. `sha-256`.
    pub algorithm: String,
    /// The hash, at least one byte.
    pub bytes: Vec<u8>,
}

impl Fingerprint {
    /// Parses the attribute's value. Blanks before the name and a `\` of a line folded for print are passed over.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace().filter(|word| *word != "\\");
        let (algorithm, hash, None) = (words.next()?, words.next()?, words.next()) else { return None };
        let mut bytes = Vec::with_capacity(hash.len() / 3 + 1);
        for pair in hash.split(':') {
            let [high, low] = pair.as_bytes() else { return None };
            bytes.push(hex_digit(*high)? << 4 | hex_digit(*low)?);
        }
        Some(Self { algorithm: algorithm.to_ascii_lowercase(), bytes })
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

impl core::str::FromStr for Fingerprint {
    type Err = crate::ErrorKind;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::parse(value).ok_or(crate::ErrorKind::Malformed("fingerprint"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(self.algorithm.len() + 3 * self.bytes.len());
        text.push_str(&self.algorithm);
        let mut separator = ' ';
        for byte in &self.bytes {
            text.push(separator);
            text.push(HEX.get(usize::from(byte >> 4)).copied().map_or('0', char::from));
            text.push(HEX.get(usize::from(byte & 15)).copied().map_or('0', char::from));
            separator = ':';
        }
        f.write_str(&text)
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Who opens the DTLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setup {
    /// Either; the answerer chooses.
    ActPass,
    /// The author is the DTLS client.
    Active,
    /// The author is the DTLS server.
    Passive,
    /// Nobody, for now.
    HoldConn,
}

impl Setup {
    /// The attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ActPass => "actpass",
            Self::Active => "active",
            Self::Passive => "passive",
            Self::HoldConn => "holdconn",
        }
    }

    pub(crate) fn parse(value: &str) -> Option<Self> {
        Some(match single(value)? {
            "actpass" => Self::ActPass,
            "active" => Self::Active,
            "passive" => Self::Passive,
            "holdconn" => Self::HoldConn,
            _ => return None,
        })
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
