//! Self-signed certificates as browsers make them (RFC 8827, section 6.5).

use super::x509::{Signed, ToBeSigned};
use alloc::vec::Vec;
use core::str::FromStr;
use core::time::Duration;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{DateTime, Decode, Encode};
use sendrecv_core::Rng;
use sendrecv_crypto::{CryptoError, SignatureScheme, SigningKey};
use x509_cert::Version;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierRef;
use x509_cert::time::{Time, Validity};

const ECDSA_WITH_SHA256: AlgorithmIdentifierRef<'_> =
    AlgorithmIdentifierRef { oid: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), parameters: None };

const DAY: Duration = Duration::from_secs(86_400);

/// The DER of a self-signed version 3 certificate for `key`, named `CN=WebRTC`, valid for `days` days from a day before
/// `now` (Unix time in seconds) to forgive slow clocks.
pub(super) fn self_signed(
    key: &dyn SigningKey,
    rng: &mut Rng,
    now: u64,
    days: u32,
) -> Result<Vec<u8>, CryptoError> {
    let body = to_be_signed(key, rng, now, days).map_err(|_| CryptoError::InvalidKey)?;
    let signature = key.sign(SignatureScheme::EcdsaSecp256r1Sha256, &body, rng)?;
    signed(&body, &signature).map_err(|_| CryptoError::InvalidKey)
}

fn to_be_signed(key: &dyn SigningKey, rng: &mut Rng, now: u64, days: u32) -> der::Result<Vec<u8>> {
    let name = Name::from_str("CN=WebRTC")?;
    ToBeSigned {
        version: Version::V3,
        serial_number: SerialNumber::new(&serial(rng))?,
        signature: ECDSA_WITH_SHA256,
        issuer: name.clone(),
        validity: validity(now, days),
        subject: name,
        subject_public_key_info: AnyRef::from_der(key.public_key_info())?,
    }
    .to_der()
}

fn signed(body: &[u8], signature: &[u8]) -> der::Result<Vec<u8>> {
    Signed {
        to_be_signed: AnyRef::from_der(body)?,
        signature_algorithm: ECDSA_WITH_SHA256,
        signature: BitStringRef::from_bytes(signature)?,
    }
    .to_der()
}

/// 64 random bits, positive and without leading zeros.
fn serial(rng: &mut Rng) -> [u8; 8] {
    let [first, rest @ ..]: [u8; 8] = rng.bytes();
    let [a, b, c, d, e, f, g] = rest;
    [first & 0x7f | 0x40, a, b, c, d, e, f, g]
}

fn validity(now: u64, days: u32) -> Validity {
    let now = Duration::from_secs(now);
    Validity::new(time(now.saturating_sub(DAY)), time(now.saturating_add(DAY.saturating_mul(days))))
}

/// A moment counted from 1970; the last one that a certificate can name when it is later than that.
fn time(since_1970: Duration) -> Time {
    DateTime::from_unix_duration(since_1970).map_or(Time::INFINITY, Time::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn at(seconds: u64) -> Time {
        time(Duration::from_secs(seconds))
    }

    #[test]
    fn dates_change_their_form_in_2050() {
        assert!(matches!(at(1_795_305_600), Time::UtcTime(_)));
        assert_eq!(at(1_795_305_600).to_string(), "2026-11-22T00:00:00Z");
        assert!(matches!(at(2_524_608_000), Time::GeneralTime(_)));
        assert_eq!(at(2_524_608_000).to_string(), "2050-01-01T00:00:00Z");
        assert_eq!(at(u64::MAX).to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn validity_begins_a_day_early_and_ends_at_the_latest_with_the_calendar() {
        let validity = validity(1_795_305_600, 31);
        assert_eq!(validity.not_before.to_string(), "2026-11-21T00:00:00Z");
        assert_eq!(validity.not_after.to_string(), "2026-12-23T00:00:00Z");
        assert_eq!(super::validity(0, 1).not_before.to_string(), "1970-01-01T00:00:00Z");
    }
}
