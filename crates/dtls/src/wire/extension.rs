//! Extensions of hello messages (RFC 8446, section 4.2), and the small ones' contents.
//!
//! ```text
//! | extension_type (16) | length (16) | extension_data ... |   repeated, in a vector with a 16-bit length
//!
//! supported_versions   client: length (8), versions (16 each)      server: one version
//! supported_groups     length (16), groups (16 each)
//! signature_algorithms length (16), schemes (16 each)
//! use_srtp             length (16), profiles (16 each), MKI with length (8)       RFC 5764, section 4.1.1
//! cookie               length (16), bytes                                         RFC 8446, section 4.2.2
//! ec_point_formats     length (8), formats (8 each)                               RFC 8422, section 5.1.2
//! renegotiation_info   length (8), bytes                                          RFC 5746, section 3.2
//! connection_id        length (8), bytes                                          RFC 9146, section 3
//! extended_master_secret                         empty                            RFC 7627, section 5.1
//! ```

use super::{DecodeError, Encoder, codes, finish};
use crate::SrtpProfile;
use sendrecv_core::Reader;

/// server_name; only ever ignored.
pub const SERVER_NAME: u16 = 0;
/// supported_groups.
pub const SUPPORTED_GROUPS: u16 = 10;
/// ec_point_formats, DTLS 1.2.
pub const EC_POINT_FORMATS: u16 = 11;
/// signature_algorithms.
pub const SIGNATURE_ALGORITHMS: u16 = 13;
/// use_srtp.
pub const USE_SRTP: u16 = 14;
/// extended_master_secret, DTLS 1.2.
pub const EXTENDED_MASTER_SECRET: u16 = 23;
/// supported_versions.
pub const SUPPORTED_VERSIONS: u16 = 43;
/// cookie, DTLS 1.3.
pub const COOKIE: u16 = 44;
/// key_share, DTLS 1.3.
pub const KEY_SHARE: u16 = 51;
/// connection_id.
pub const CONNECTION_ID: u16 = 54;
/// renegotiation_info, DTLS 1.2.
pub const RENEGOTIATION_INFO: u16 = 0xff01;

/// More extensions than any sane hello has; more are refused, which bounds the search for duplicates.
const MAX_EXTENSIONS: usize = 64;

/// A checked block of extensions: well-formed, without duplicates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions<'a>(&'a [u8]);

impl<'a> Extensions<'a> {
    /// Reads a block with its 16-bit length. A message that ends here has no extensions.
    pub fn parse(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        if reader.is_empty() {
            return Ok(Self::default());
        }
        let block = reader.vec16()?;
        let mut rest = Reader::new(block);
        let mut count = 0_usize;
        while !rest.is_empty() {
            let kind = rest.u16()?;
            rest.vec16()?;
            let seen = Self(block).iter().take(count).any(|(other, _)| other == kind);
            if seen {
                return Err(DecodeError::DuplicateExtension);
            }
            count = count.saturating_add(1);
            if count > MAX_EXTENSIONS {
                return Err(DecodeError::BadLength);
            }
        }
        Ok(Self(block))
    }

    /// All extensions, in order: type and content.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = Reader::new(self.0);
        core::iter::from_fn(move || Some((rest.u16().ok()?, rest.vec16().ok()?)))
    }

    /// The content of the extension of this type.
    pub fn get(&self, kind: u16) -> Option<&'a [u8]> {
        self.iter().find_map(|(other, content)| (other == kind).then_some(content))
    }

    /// Whether there is an extension of this type.
    pub fn has(&self, kind: u16) -> bool {
        self.get(kind).is_some()
    }

    /// The first extension whose type is not in `allowed`.
    pub fn first_not_in(&self, allowed: &[u16]) -> Option<u16> {
        self.iter().map(|(kind, _)| kind).find(|kind| !allowed.contains(kind))
    }
}

/// Writes one extension.
pub(crate) fn put(out: &mut Encoder, kind: u16, content: impl FnOnce(&mut Encoder)) {
    out.u16(kind);
    out.vec16(content);
}

/// The code points of a client's supported_versions.
pub fn supported_versions(content: &[u8]) -> Result<impl Iterator<Item = u16> + Clone + '_, DecodeError> {
    let mut reader = Reader::new(content);
    let list = reader.vec8()?;
    finish(&reader)?;
    if list.is_empty() || list.len() % 2 != 0 {
        return Err(DecodeError::BadLength);
    }
    Ok(codes(list))
}

/// The one code point of a server's supported_versions.
pub fn selected_version(content: &[u8]) -> Result<u16, DecodeError> {
    let mut reader = Reader::new(content);
    let version = reader.u16()?;
    finish(&reader)?;
    Ok(version)
}

/// The code points of supported_groups or signature_algorithms.
pub fn code_points(content: &[u8]) -> Result<impl Iterator<Item = u16> + Clone + '_, DecodeError> {
    let mut reader = Reader::new(content);
    let list = super::code_list(&mut reader)?;
    finish(&reader)?;
    Ok(codes(list))
}

/// Writes a list as [`code_points`] reads it.
pub(crate) fn put_code_points(out: &mut Encoder, kind: u16, codes: impl Iterator<Item = u16>) {
    put(out, kind, |out| out.vec16(|out| codes.for_each(|code| out.u16(code))));
}

/// What use_srtp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseSrtp<'a> {
    profiles: &'a [u8],
    /// The master key identifier: empty in WebRTC (RFC 8827 forbids nothing else, nobody uses it).
    pub mki: &'a [u8],
}

impl<'a> UseSrtp<'a> {
    /// Reads the extension's content.
    pub fn parse(content: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(content);
        let profiles = super::code_list(&mut reader)?;
        let mki = reader.vec8()?;
        finish(&reader)?;
        Ok(Self { profiles, mki })
    }

    /// The profiles' code points.
    pub fn codes(&self) -> impl Iterator<Item = u16> + Clone + 'a {
        codes(self.profiles)
    }

    /// The profiles known here.
    pub fn profiles(&self) -> impl Iterator<Item = SrtpProfile> + Clone + 'a {
        self.codes().filter_map(SrtpProfile::from_code)
    }
}

/// Writes a use_srtp extension without MKI.
pub(crate) fn put_use_srtp(out: &mut Encoder, profiles: &[SrtpProfile]) {
    put(out, USE_SRTP, |out| {
        out.vec16(|out| profiles.iter().for_each(|profile| out.u16(profile.code())));
        out.vec8(|_| ());
    });
}

/// The bytes of a cookie extension: never empty.
pub fn cookie(content: &[u8]) -> Result<&[u8], DecodeError> {
    let mut reader = Reader::new(content);
    let cookie = reader.vec16()?;
    finish(&reader)?;
    if cookie.is_empty() { Err(DecodeError::BadLength) } else { Ok(cookie) }
}

/// The bytes of an extension that is one vector with an 8-bit length: renegotiation_info, connection_id,
/// ec_point_formats.
pub fn opaque8(content: &[u8]) -> Result<&[u8], DecodeError> {
    let mut reader = Reader::new(content);
    let bytes = reader.vec8()?;
    finish(&reader)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn block(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let mut out = Encoder::new();
        out.vec16(|out| {
            for (kind, content) in extensions {
                put(out, *kind, |out| out.bytes(content));
            }
        });
        out.finish()
    }

    #[test]
    fn extensions_are_found_by_type() {
        let bytes = block(&[(14, b"srtp"), (43, b"")]);
        let extensions = Extensions::parse(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(
            (extensions.get(14), extensions.get(43), extensions.get(1)),
            (Some(&b"srtp"[..]), Some(&b""[..]), None)
        );
        assert_eq!((extensions.first_not_in(&[14, 43]), extensions.first_not_in(&[14])), (None, Some(43)));
    }

    #[test]
    fn duplicates_and_floods_are_refused() {
        let twice = block(&[(1, b""), (2, b""), (1, b"")]);
        assert_eq!(Extensions::parse(&mut Reader::new(&twice)), Err(DecodeError::DuplicateExtension));
        let many: Vec<(u16, &[u8])> = (0..65).map(|kind| (kind, &b""[..])).collect();
        assert_eq!(Extensions::parse(&mut Reader::new(&block(&many))), Err(DecodeError::BadLength));
    }

    #[test]
    fn lists_have_whole_code_points() {
        assert_eq!(code_points(&[0, 4, 0, 1, 0, 2]).unwrap().collect::<Vec<_>>(), [1, 2]);
        assert!(code_points(&[0, 3, 0, 1, 0]).is_err());
        assert!(code_points(&[0, 0]).is_err());
        assert_eq!(supported_versions(&[2, 0xfe, 0xfc]).unwrap().collect::<Vec<_>>(), [0xfefc]);
        assert!(cookie(&[0, 0]).is_err());
    }

    #[test]
    fn use_srtp_round_trips() {
        let mut out = Encoder::new();
        put_use_srtp(&mut out, &[SrtpProfile::AeadAes128Gcm, SrtpProfile::Aes128CmSha1_80]);
        let bytes = out.finish();
        let parsed = UseSrtp::parse(&bytes[4..]).unwrap();
        assert_eq!(parsed.codes().collect::<Vec<_>>(), [7, 1]);
        assert!(parsed.mki.is_empty());
    }

    proptest! {
        #[test]
        fn junk_never_panics(bytes: Vec<u8>) {
            let _ = Extensions::parse(&mut Reader::new(&bytes)).map(|extensions| extensions.iter().count());
            let _ = (supported_versions(&bytes).is_ok(), code_points(&bytes).is_ok(), UseSrtp::parse(&bytes).is_ok());
            let _ = (cookie(&bytes), opaque8(&bytes), selected_version(&bytes));
        }
    }
}
