//! Cookies that let a server forget a ClientHello (RFC 6347, section 4.2.1; RFC 9147, section 5.1).
//!
//! ```text
//! | payload | HMAC-SHA256 over client random and payload (32) |
//! payload in DTLS 1.2: nothing
//! payload in DTLS 1.3: group to share or 0 (16) | suite (16) | hash of the first ClientHello
//! ```
//!
//! The key belongs to one connection, so a cookie is worth nothing elsewhere.

use alloc::vec::Vec;
use constant_time_eq::constant_time_eq;
use sendrecv_core::Seed;
use sendrecv_crypto::{CryptoError, CryptoProvider, Digest, HashAlgorithm};
use zeroize::Zeroizing;

const MAC_LEN: usize = 32;

/// Makes and checks cookies.
pub(crate) struct Cookies {
    key: Zeroizing<[u8; 32]>,
}

impl Cookies {
    pub(crate) fn new(seed: &Seed) -> Self {
        Self { key: Zeroizing::new(seed.derive("dtls cookie").rng().bytes()) }
    }

    /// A cookie for the client with this random.
    pub(crate) fn bake(
        &self,
        provider: &dyn CryptoProvider,
        random: &[u8; 32],
        payload: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        Ok([payload, self.mac(provider, random, payload)?.as_bytes()].concat())
    }

    /// The payload, if the cookie is one of ours for this client.
    pub(crate) fn open<'a>(
        &self,
        provider: &dyn CryptoProvider,
        random: &[u8; 32],
        cookie: &'a [u8],
    ) -> Option<&'a [u8]> {
        let (payload, mac) = cookie.split_last_chunk::<MAC_LEN>()?;
        let expected = self.mac(provider, random, payload).ok()?;
        constant_time_eq(expected.as_bytes(), mac).then_some(payload)
    }

    fn mac(
        &self,
        provider: &dyn CryptoProvider,
        random: &[u8; 32],
        payload: &[u8],
    ) -> Result<Digest, CryptoError> {
        Ok(provider.hmac(HashAlgorithm::Sha256, &*self.key)?.mac(&[random, payload]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendrecv_crypto::default_provider;

    #[test]
    fn a_cookie_is_for_one_client_and_one_connection() {
        let provider = default_provider();
        let cookies = Cookies::new(&Seed::from_u64(1));
        let cookie = cookies.bake(provider, &[1; 32], b"payload").unwrap();
        assert_eq!(cookies.open(provider, &[1; 32], &cookie), Some(&b"payload"[..]));
        assert_eq!(cookies.open(provider, &[2; 32], &cookie), None);
        assert_eq!(Cookies::new(&Seed::from_u64(2)).open(provider, &[1; 32], &cookie), None);
        for at in 0..cookie.len() {
            let mut forged = cookie.clone();
            forged[at] ^= 1;
            assert_eq!(cookies.open(provider, &[1; 32], &forged), None);
        }
    }
}
