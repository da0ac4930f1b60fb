//! HKDF (RFC 5869) and the label form that TLS 1.3 and DTLS 1.3 build on it (RFC 8446, section 7.1).

use crate::{CryptoError, CryptoProvider, Digest, HashAlgorithm, Hmac, Secret};
use alloc::boxed::Box;
use core::fmt;
use zeroize::Zeroize;

/// HKDF-Extract: a pseudorandom key from `input` key material. An empty `salt` stands for a hash length of zeros.
pub fn extract(
    provider: &dyn CryptoProvider,
    hash: HashAlgorithm,
    salt: &[u8],
    input: &[u8],
) -> Result<Secret, CryptoError> {
    Ok(Secret::from(provider.hmac(hash, salt)?.mac(&[input]).as_bytes()))
}

/// HKDF-Expand: fills `out` from a pseudorandom key and `info`.
///
/// [`CryptoError::Unsupported`] when `out` is longer than 255 hash lengths.
pub fn expand(
    provider: &dyn CryptoProvider,
    hash: HashAlgorithm,
    key: &[u8],
    info: &[u8],
    out: &mut [u8],
) -> Result<(), CryptoError> {
    Expander::new(provider, hash, key)?.expand(info, out)
}

/// HKDF-Expand-Label: `prefix` is `b"tls13 "` for TLS and `b"dtls13"` for DTLS 1.3 (RFC 9147, section 5.9).
///
/// [`CryptoError::Unsupported`] when prefix and label together, or the context, are longer than 255 bytes.
pub fn expand_label(
    provider: &dyn CryptoProvider,
    hash: HashAlgorithm,
    secret: &[u8],
    prefix: &[u8],
    label: &[u8],
    context: &[u8],
    out: &mut [u8],
) -> Result<(), CryptoError> {
    Expander::new(provider, hash, secret)?.expand_label(prefix, label, context, out)
}

/// A pseudorandom key that is prepared once for several expansions.
pub struct Expander {
    hash: HashAlgorithm,
    hmac: Box<dyn Hmac>,
}

/// The longest information of a label: two bytes of length, then label and context, each behind a byte of its own.
const MAX_INFO: usize = 2 + 1 + 255 + 1 + 255;

impl Expander {
    /// Prepares `key`.
    pub fn new(provider: &dyn CryptoProvider, hash: HashAlgorithm, key: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self { hash, hmac: provider.hmac(hash, key)? })
    }

    /// See [`expand`].
    pub fn expand(&self, info: &[u8], out: &mut [u8]) -> Result<(), CryptoError> {
        let mut block = Digest::new(&[]);
        let mut counter = 0_u8;
        for chunk in out.chunks_mut(self.hash.output_len()) {
            counter = counter.checked_add(1).ok_or(CryptoError::Unsupported)?;
            block = self.hmac.mac(&[block.as_bytes(), info, &[counter]]);
            block.copy_to(chunk);
        }
        block.zeroize();
        Ok(())
    }

    /// See [`expand_label`].
    pub fn expand_label(
        &self,
        prefix: &[u8],
        label: &[u8],
        context: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        let too_long = |_| CryptoError::Unsupported;
        let length = u16::try_from(out.len()).map_err(too_long)?.to_be_bytes();
        let label_len = u8::try_from(prefix.len().saturating_add(label.len())).map_err(too_long)?;
        let context_len = u8::try_from(context.len()).map_err(too_long)?;
        let mut info = [0; MAX_INFO];
        let mut used = 0_usize;
        for part in [&length, &[label_len][..], prefix, label, &[context_len], context] {
            let end = used.saturating_add(part.len());
            info.get_mut(used..end).ok_or(CryptoError::Unsupported)?.copy_from_slice(part);
            used = end;
        }
        self.expand(info.get(..used).unwrap_or_default(), out)
    }
}

impl fmt::Debug for Expander {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Expander(..)")
    }
}
