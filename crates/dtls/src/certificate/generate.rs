//! Self-signed certificates as browsers make them (RFC 8827, section 6.5).

use super::der::{self, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, SET, UTC_TIME, UTF8_STRING, VERSION};
use alloc::format;
use alloc::vec::Vec;
use sendrecv_core::Rng;
use sendrecv_crypto::{CryptoError, SignatureScheme, SigningKey};

/// 2.5.4.3, commonName.
const OID_COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 1.2.840.10045.4.3.2, ecdsa-with-SHA256.
const OID_ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];

const DAY_SECONDS: u64 = 86_400;
/// From this year on dates are GeneralizedTime (RFC 5280, section 4.1.2.5).
const FIRST_GENERALIZED_YEAR: u64 = 2050;
/// 9999-12-31T23:59:59Z, the last moment a certificate can name.
const LAST_SECOND: u64 = 253_402_300_799;

/// The DER of a self-signed version 3 certificate for `key`, named `CN=WebRTC`, valid for `days` days from a day before
/// `now` (Unix time in seconds) to forgive slow clocks.
pub(super) fn self_signed(
    key: &dyn SigningKey,
    rng: &mut Rng,
    now: u64,
    days: u32,
) -> Result<Vec<u8>, CryptoError> {
    let algorithm = der::sequence(&[&der::value(OBJECT_IDENTIFIER, OID_ECDSA_SHA256)]);
    let name = name("WebRTC");
    let not_before = now.saturating_sub(DAY_SECONDS);
    let not_after = now.saturating_add(u64::from(days).saturating_mul(DAY_SECONDS));
    let body = der::sequence(&[
        &der::value(VERSION, &der::value(INTEGER, &[2])),
        &der::value(INTEGER, &serial(rng)),
        &algorithm,
        &name,
        &der::sequence(&[&time(not_before), &time(not_after)]),
        &name,
        key.public_key_info(),
    ]);
    let signature = key.sign(SignatureScheme::EcdsaSecp256r1Sha256, &body, rng)?;
    Ok(der::sequence(&[&body, &algorithm, &der::bit_string(&signature)]))
}

/// 64 random bits, positive and without leading zeros.
fn serial(rng: &mut Rng) -> [u8; 8] {
    let [first, rest @ ..]: [u8; 8] = rng.bytes();
    let [a, b, c, d, e, f, g] = rest;
    [first & 0x7f | 0x40, a, b, c, d, e, f, g]
}

fn name(common_name: &str) -> Vec<u8> {
    let attribute = der::sequence(&[
        &der::value(OBJECT_IDENTIFIER, OID_COMMON_NAME),
        &der::value(UTF8_STRING, common_name.as_bytes()),
    ]);
    der::sequence(&[&der::value(SET, &attribute)])
}

fn time(unix_seconds: u64) -> Vec<u8> {
    let seconds = unix_seconds.min(LAST_SECOND);
    let (year, month, day) = civil(seconds / DAY_SECONDS);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    if year < FIRST_GENERALIZED_YEAR {
        der::value(UTC_TIME, format!("{:02}{rest}", year % 100).as_bytes())
    } else {
        der::value(GENERALIZED_TIME, format!("{year:04}{rest}").as_bytes())
    }
}

/// Year, month and day of a day counted from 1970-01-01: years start in March, so that the leap day comes last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days.saturating_add(719_468);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leaps = day_of_era / 1_460 + day_of_era / 146_096;
    let year_of_era = (day_of_era + day_of_era / 36_524 - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_779), (2026, 11, 22));
        assert_eq!(civil(LAST_SECOND / DAY_SECONDS), (9999, 12, 31));
    }

    #[test]
    fn dates_change_their_form_in_2050() {
        assert_eq!(time(1_795_305_600), der::value(UTC_TIME, b"261122000000Z"));
        assert_eq!(time(2_524_608_000), der::value(GENERALIZED_TIME, b"20500101000000Z"));
        assert_eq!(time(u64::MAX), der::value(GENERALIZED_TIME, b"99991231235959Z"));
    }
}
