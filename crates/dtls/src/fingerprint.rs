//! Certificate fingerprints (RFC 8122, section 5).
//!
//! ```text
//! sha-256 12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD
//! ```

use alloc::vec::Vec;
use constant_time_eq::constant_time_eq;
use core::fmt;
use core::str::FromStr;
use sendrecv_crypto::{CryptoError, CryptoProvider, HashAlgorithm};
use thiserror::Error;

/// A hash over a certificate's DER, as SDP's `a=fingerprint` carries it.
///
/// Its text form is that of RFC 8122: the hash's name in lower case, a space, upper-case bytes with colons. Reading takes
/// either case. SHA-1 and MD5 are not read: nothing in WebRTC uses them, and they prove nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    algorithm: HashAlgorithm,
    bytes: Vec<u8>,
}

/// Why a text is not a fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseFingerprintError {
    /// There is no space between a hash's name and its value.
    #[error("a fingerprint is a hash's name, a space and its value")]
    NoValue,
    /// The hash is not SHA-256, SHA-384 or SHA-512.
    #[error("the fingerprint's hash is unknown or too weak")]
    UnsupportedAlgorithm,
    /// The value is not pairs of hexadecimal digits with colons between them.
    #[error("the fingerprint's value is not bytes with colons between them")]
    BadByte,
    /// The value is not as long as the hash.
    #[error("the fingerprint's value does not have its hash's length")]
    BadLength,
}

const NAMES: [(HashAlgorithm, &str); 3] = [
    (HashAlgorithm::Sha256, "sha-256"),
    (HashAlgorithm::Sha384, "sha-384"),
    (HashAlgorithm::Sha512, "sha-512"),
];

impl Fingerprint {
    /// The fingerprint of a certificate's `der`. [`HashAlgorithm::Sha1`] and MD5 are refused as unsupported.
    pub fn of(
        provider: &dyn CryptoProvider,
        algorithm: HashAlgorithm,
        der: &[u8],
    ) -> Result<Self, CryptoError> {
        if !NAMES.iter().any(|(known, _)| *known == algorithm) {
            return Err(CryptoError::Unsupported);
        }
        let mut hash = provider.hash(algorithm)?;
        hash.update(der);
        Ok(Self { algorithm, bytes: hash.digest().as_bytes().to_vec() })
    }

    /// A fingerprint from its parts.
    pub fn new(algorithm: HashAlgorithm, bytes: &[u8]) -> Result<Self, ParseFingerprintError> {
        if !NAMES.iter().any(|(known, _)| *known == algorithm) {
            return Err(ParseFingerprintError::UnsupportedAlgorithm);
        }
        if bytes.len() != algorithm.output_len() {
            return Err(ParseFingerprintError::BadLength);
        }
        Ok(Self { algorithm, bytes: bytes.to_vec() })
    }

    /// The hash.
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.algorithm
    }

    /// The hash's name as SDP and the W3C statistics write it, e.g. `sha-256`.
    pub fn algorithm_name(&self) -> &'static str {
        NAMES.iter().find(|(known, _)| *known == self.algorithm).map_or("", |(_, name)| name)
    }

    /// The hash's value.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether this is the fingerprint of `der`.
    pub fn matches(&self, provider: &dyn CryptoProvider, der: &[u8]) -> bool {
        Self::of(provider, self.algorithm, der).is_ok_and(|other| constant_time_eq(&other.bytes, &self.bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.algorithm_name())?;
        for (i, byte) in self.bytes.iter().enumerate() {
            write!(f, "{}{byte:02X}", if i == 0 { ' ' } else { ':' })?;
        }
        Ok(())
    }
}

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, value) = text.trim().split_once(' ').ok_or(ParseFingerprintError::NoValue)?;
        let (algorithm, _) = NAMES
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name))
            .ok_or(ParseFingerprintError::UnsupportedAlgorithm)?;
        let bytes: Option<Vec<u8>> = value.trim().split(':').take(65).map(hex_byte).collect();
        Self::new(*algorithm, &bytes.ok_or(ParseFingerprintError::BadByte)?)
    }
}

fn hex_byte(text: &str) -> Option<u8> {
    let two_digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    two_digits.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn every_hash_round_trips_as_text() {
        for (algorithm, _) in NAMES {
            let fingerprint =
                Fingerprint::new(algorithm, &alloc::vec![0xab; algorithm.output_len()]).unwrap();
            assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint.clone()));
            assert_eq!(fingerprint.to_string().to_uppercase().parse(), Ok(fingerprint));
        }
    }

    #[test]
    fn refusals_are_exact() {
        let parse = |text: &str| text.parse::<Fingerprint>().unwrap_err();
        assert_eq!(parse("sha-256"), ParseFingerprintError::NoValue);
        assert_eq!(parse("sha-1 AA:BB"), ParseFingerprintError::UnsupportedAlgorithm);
        assert_eq!(parse("sha-256 AA:+1"), ParseFingerprintError::BadByte);
        assert_eq!(parse("sha-256 AA:BB"), ParseFingerprintError::BadLength);
    }

    proptest! {
        #[test]
        fn junk_never_panics(text: alloc::string::String) {
            let _ = text.parse::<Fingerprint>();
        }
    }
}
