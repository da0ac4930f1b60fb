//! SRTP keys from the handshake (RFC 5764).

use sendrecv_crypto::Secret;

/// A DTLS-SRTP protection profile (RFC 5764, section 4.1.2; RFC 7714, section 14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SrtpProfile {
    /// SRTP_AES128_CM_HMAC_SHA1_80.
    Aes128CmSha1_80,
    /// SRTP_AES128_CM_HMAC_SHA1_32.
    Aes128CmSha1_32,
    /// SRTP_AEAD_AES_128_GCM.
    AeadAes128Gcm,
    /// SRTP_AEAD_AES_256_GCM.
    AeadAes256Gcm,
}

impl SrtpProfile {
    /// The registry's code point.
    pub const fn code(self) -> u16 {
        match self {
            Self::Aes128CmSha1_80 => 0x0001,
            Self::Aes128CmSha1_32 => 0x0002,
            Self::AeadAes128Gcm => 0x0007,
            Self::AeadAes256Gcm => 0x0008,
        }
    }

    /// The profile with this code point, if it is one of ours.
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            0x0001 => Some(Self::Aes128CmSha1_80),
            0x0002 => Some(Self::Aes128CmSha1_32),
            0x0007 => Some(Self::AeadAes128Gcm),
            0x0008 => Some(Self::AeadAes256Gcm),
            _ => None,
        }
    }

    /// Length of one side's master key in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            _ => 16,
        }
    }

    /// Length of one side's master salt in bytes.
    pub const fn salt_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }
}

/// One direction's SRTP master key and salt.
#[derive(Clone, Debug)]
pub struct SrtpMasterKey {
    /// The master key, [`SrtpProfile::key_len`] bytes.
    pub key: Secret,
    /// The master salt, [`SrtpProfile::salt_len`] bytes.
    pub salt: Secret,
}

/// What SRTP needs from the handshake.
#[derive(Clone, Debug)]
pub struct SrtpKeyMaterial {
    /// The negotiated profile.
    pub profile: SrtpProfile,
    /// What we protect our packets with.
    pub local: SrtpMasterKey,
    /// What the peer protects its packets with.
    pub remote: SrtpMasterKey,
}

/// The exporter label of RFC 5764, section 4.2.
pub(crate) const EXPORTER_LABEL: &str = "EXTRACTOR-dtls_srtp";

/// The longest exporter output a profile needs: two keys of 32 bytes and two salts of 12.
pub(crate) const MAX_EXPORT_LEN: usize = 88;

/// Cuts the exporter's output into client key, server key, client salt, server salt; `(client, server)`.
pub(crate) fn split(profile: SrtpProfile, material: &[u8]) -> Option<(SrtpMasterKey, SrtpMasterKey)> {
    let (client_key, rest) = material.split_at_checked(profile.key_len())?;
    let (server_key, rest) = rest.split_at_checked(profile.key_len())?;
    let (client_salt, rest) = rest.split_at_checked(profile.salt_len())?;
    let (server_salt, _) = rest.split_at_checked(profile.salt_len())?;
    let pair = |key: &[u8], salt: &[u8]| SrtpMasterKey { key: key.into(), salt: salt.into() };
    Some((pair(client_key, client_salt), pair(server_key, server_salt)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip() {
        for code in 0..=u16::MAX {
            assert!(SrtpProfile::from_code(code).is_none_or(|profile| profile.code() == code));
        }
    }

    #[test]
    fn keys_come_before_salts() {
        let material: alloc::vec::Vec<u8> = (0..56).collect();
        let (client, server) = split(SrtpProfile::AeadAes128Gcm, &material).unwrap();
        assert_eq!((client.key.expose()[0], server.key.expose()[0]), (0, 16));
        assert_eq!((client.salt.expose()[0], server.salt.expose()[0]), (32, 44));
        assert!(split(SrtpProfile::AeadAes128Gcm, &material[..55]).is_none());
    }
}
