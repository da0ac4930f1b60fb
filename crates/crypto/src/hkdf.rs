//! HKDF (RFC 5869) and the label form that TLS 1.3 and DTLS 1.3 build on it (RFC 8446, section 7.1).

use crate::{CryptoError, CryptoProvider, Digest, HashAlgorithm, Secret};
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
    expand_parts(provider, hash, key, [info, &[], &[], &[], &[], &[]], out)
}

/// [`expand`] with an `info` that lies in pieces.
fn expand_parts(
    provider: &dyn CryptoProvider,
    hash: HashAlgorithm,
    key: &[u8],
    info: [&[u8]; 6],
    out: &mut [u8],
) -> Result<(), CryptoError> {
    let hmac = provider.hmac(hash, key)?;
    let [a, b, c, d, e, f] = info;
    let mut block = Digest::new(&[]);
    let mut counter = 0_u8;
    for chunk in out.chunks_mut(hash.output_len()) {
        counter = counter.checked_add(1).ok_or(CryptoError::Unsupported)?;
        block = hmac.mac(&[block.as_bytes(), a, b, c, d, e, f, &[counter]]);
        block.copy_to(chunk);
    }
    block.zeroize();
    Ok(())
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
    let too_long = |_| CryptoError::Unsupported;
    let length = u16::try_from(out.len()).map_err(too_long)?.to_be_bytes();
    let label_len = u8::try_from(prefix.len().saturating_add(label.len())).map_err(too_long)?;
    let context_len = u8::try_from(context.len()).map_err(too_long)?;
    expand_parts(provider, hash, secret, [&length, &[label_len], prefix, label, &[context_len], context], out)
}
