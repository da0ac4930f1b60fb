//! The session keys of one direction, and the algorithms they are for.

mod rtcp;
mod rtp;
#[cfg(test)]
mod tests;

pub(crate) use rtcp::Trailer;

use crate::extension::ExtensionCipher;
use crate::keys::{Label, MasterKey, derive, left_aligned};
use crate::{Discard, Options, SrtpProfile};
use alloc::boxed::Box;
use sendrecv_crypto::{Aead, CryptoError, CryptoProvider, HashAlgorithm, Hmac, StreamCipher};

/// HMAC-SHA1 keys have the hash's length (RFC 3711, section 5.2).
const HMAC_KEY_LEN: usize = 20;

/// Everything that one direction encrypts and authenticates with.
pub(crate) struct Ciphers {
    pub(crate) rtp: Cipher,
    pub(crate) rtcp: Cipher,
    /// Present when header extensions are to be encrypted.
    pub(crate) extensions: Option<ExtensionCipher>,
}

impl Ciphers {
    pub(crate) fn new(
        provider: &dyn CryptoProvider,
        profile: SrtpProfile,
        master: &MasterKey,
        options: &Options,
    ) -> Result<Self, CryptoError> {
        if !master.fits(profile) {
            return Err(CryptoError::InvalidKey);
        }
        let rtp = (Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt);
        let rtcp = (Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt);
        let ids = options.encrypted_extensions;
        let extensions = (!ids.is_empty()).then(|| ExtensionCipher::new(provider, profile, master, ids));
        Ok(Self {
            rtp: Cipher::new(provider, profile, master, rtp)?,
            rtcp: Cipher::new(provider, profile, master, rtcp)?,
            extensions: extensions.transpose()?,
        })
    }
}

/// The algorithm of either RTP or RTCP, with its keys' schedules.
pub(crate) struct Cipher {
    salt: u128,
    algorithm: Algorithm,
}

enum Algorithm {
    /// AES in counter mode, then HMAC-SHA1 (RFC 3711).
    CounterMode { stream: Box<dyn StreamCipher>, hmac: Box<dyn Hmac>, tag_len: usize },
    /// AES-GCM (RFC 7714).
    Aead(Box<dyn Aead>),
}

impl Cipher {
    fn new(
        provider: &dyn CryptoProvider,
        profile: SrtpProfile,
        master: &MasterKey,
        (encryption, authentication, salt): (Label, Label, Label),
    ) -> Result<Self, CryptoError> {
        let key = derive(provider, master, encryption, profile.key_len())?;
        let salt = derive(provider, master, salt, profile.salt_len())?;
        if let Some(aead) = profile.aead() {
            return Ok(Self::aead(provider.aead(aead, &key)?, &salt));
        }
        let hmac_key = derive(provider, master, authentication, HMAC_KEY_LEN)?;
        // SRTCP keeps the 80-bit tag even where RTP's is cut to 32 bits (RFC 5764, section 4.1.2).
        let tag_len = match authentication {
            Label::RtpAuthentication => profile.rtp_overhead(),
            _ => SrtpProfile::Aes128CmSha1_80.rtp_overhead(),
        };
        let algorithm = Algorithm::CounterMode {
            stream: provider.aes_ctr(&key)?,
            hmac: provider.hmac(HashAlgorithm::Sha1, &hmac_key)?,
            tag_len,
        };
        Ok(Self { salt: left_aligned(&salt), algorithm })
    }

    fn aead(aead: Box<dyn Aead>, salt: &[u8]) -> Self {
        Self { salt: left_aligned(salt) >> 32, algorithm: Algorithm::Aead(aead) }
    }
}

/// The initial counter block of AES-CM (RFC 3711, section 4.1.1):
///
/// ```text
/// salt · 2^16  XOR  SSRC · 2^64  XOR  index · 2^16
/// ```
pub(crate) fn counter_block(salt: u128, ssrc: u32, index: u64) -> [u8; 16] {
    (salt ^ (u128::from(ssrc) << 64) ^ (u128::from(index) << 16)).to_be_bytes()
}

/// The nonce of AES-GCM (RFC 7714, sections 8.1 and 9.1): the 96-bit salt XOR two zero bytes, SSRC and 48-bit index.
fn nonce(salt: u128, ssrc: u32, index: u64) -> [u8; 12] {
    let [_, _, _, _, nonce @ ..] = (salt ^ (u128::from(ssrc) << 48) ^ u128::from(index)).to_be_bytes();
    nonce
}

/// Under a fuzzer everything authenticates, so that what lies behind the tag is reached too.
fn authenticated(result: Result<(), CryptoError>) -> Result<(), Discard> {
    if cfg!(fuzzing) { Ok(()) } else { result.map_err(|_| Discard::Unauthenticated) }
}
