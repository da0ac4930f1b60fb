//! The pseudorandom function of TLS 1.2 (RFC 5246, section 5), also DTLS 1.2's.

use crate::{CryptoError, CryptoProvider, Digest, HashAlgorithm};
use zeroize::Zeroize;

/// Fills `out` with PRF(`secret`, `label`, `seed`), `seed` being the concatenation of its parts. `hash` is the cipher
/// suite's: SHA-256 or SHA-384.
pub fn prf(
    provider: &dyn CryptoProvider,
    hash: HashAlgorithm,
    secret: &[u8],
    label: &[u8],
    seed: &[&[u8]],
    out: &mut [u8],
) -> Result<(), CryptoError> {
    let hmac = provider.hmac(hash, secret)?;
    let seed = [&[label], seed].concat().concat();
    let mut a = hmac.mac(&[&seed]);
    let mut block = Digest::new(&[]);
    for chunk in out.chunks_mut(hash.output_len()) {
        block = hmac.mac(&[a.as_bytes(), &seed]);
        block.copy_to(chunk);
        a = hmac.mac(&[a.as_bytes()]);
    }
    a.zeroize();
    block.zeroize();
    Ok(())
}
