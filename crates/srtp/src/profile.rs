//! The protection profiles of DTLS-SRTP.

use sendrecv_crypto::{AeadAlgorithm, TAG_LEN};

/// Free bytes that a packet needs behind its content to be protected, whatever the profile.
pub const TAILROOM: usize = TAG_LEN + INDEX_LEN;

/// The E bit and the SRTCP index.
pub(crate) const INDEX_LEN: usize = 4;

/// A protection profile (RFC 5764, section 4.1.2; RFC 7714, section 14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SrtpProfile {
    /// SRTP_AES128_CM_HMAC_SHA1_80: every WebRTC endpoint has it (RFC 8827, section 6.5).
    Aes128CmSha1_80,
    /// SRTP_AES128_CM_HMAC_SHA1_32: tags of 4 bytes on RTP, of 10 bytes on RTCP.
    Aes128CmSha1_32,
    /// SRTP_AEAD_AES_128_GCM.
    AeadAes128Gcm,
    /// SRTP_AEAD_AES_256_GCM.
    AeadAes256Gcm,
}

impl SrtpProfile {
    /// Every profile, the preferred first.
    pub const ALL: [Self; 4] =
        [Self::AeadAes128Gcm, Self::AeadAes256Gcm, Self::Aes128CmSha1_80, Self::Aes128CmSha1_32];

    /// The code point in the `use_srtp` extension.
    pub const fn code(self) -> u16 {
        match self {
            Self::Aes128CmSha1_80 => 0x0001,
            Self::Aes128CmSha1_32 => 0x0002,
            Self::AeadAes128Gcm => 0x0007,
            Self::AeadAes256Gcm => 0x0008,
        }
    }

    /// The profile with this code point, if known.
    pub const fn from_code(code: u16) -> Option<Self> {
        match code {
            0x0001 => Some(Self::Aes128CmSha1_80),
            0x0002 => Some(Self::Aes128CmSha1_32),
            0x0007 => Some(Self::AeadAes128Gcm),
            0x0008 => Some(Self::AeadAes256Gcm),
            _ => None,
        }
    }

    /// Length of the master key, and of the session keys, in bytes.
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 | Self::AeadAes128Gcm => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Length of the master salt in bytes.
    pub const fn salt_len(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 => 14,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
        }
    }

    /// How many bytes longer protection makes an RTP packet.
    pub const fn rtp_overhead(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 => 10,
            Self::Aes128CmSha1_32 => 4,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => TAG_LEN,
        }
    }

    /// How many bytes longer protection makes an RTCP packet.
    pub const fn rtcp_overhead(self) -> usize {
        match self {
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 => 10 + INDEX_LEN,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => TAG_LEN + INDEX_LEN,
        }
    }

    /// The AEAD, for the profiles of RFC 7714.
    pub(crate) const fn aead(self) -> Option<AeadAlgorithm> {
        match self {
            Self::Aes128CmSha1_80 | Self::Aes128CmSha1_32 => None,
            Self::AeadAes128Gcm => Some(AeadAlgorithm::Aes128Gcm),
            Self::AeadAes256Gcm => Some(AeadAlgorithm::Aes256Gcm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_map_both_ways_and_every_overhead_fits_the_tailroom() {
        for profile in SrtpProfile::ALL {
            assert_eq!(SrtpProfile::from_code(profile.code()), Some(profile));
            assert!(profile.rtp_overhead().max(profile.rtcp_overhead()) <= TAILROOM);
        }
        assert_eq!(SrtpProfile::from_code(5), None);
    }
}
