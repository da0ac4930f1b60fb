//! DTLS 1.2's secrets (RFC 5246, sections 6.3 and 8.1; RFC 7627, section 4).

use super::finished_label;
use crate::record::v12::iv_len;
use crate::{CipherSuite, Role};
use sendrecv_crypto::{CryptoError, CryptoProvider, Digest, HashAlgorithm, Secret, tls12};
use zeroize::Zeroizing;

const MASTER_LEN: usize = 48;
const VERIFY_DATA_LEN: usize = 12;
/// Two keys of 32 bytes and two IVs of 12.
const MAX_KEY_BLOCK: usize = 88;

/// The 48 bytes everything else is made from.
pub(crate) struct MasterSecret {
    hash: HashAlgorithm,
    secret: Secret,
}

/// One side's write key and IV.
#[derive(Clone, Copy)]
pub(crate) struct WriteKeys<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) iv: &'a [u8],
}

/// The key block.
pub(crate) struct KeyBlock {
    bytes: Zeroizing<[u8; MAX_KEY_BLOCK]>,
    key_len: usize,
    iv_len: usize,
}

impl MasterSecret {
    /// One that a key log has told.
    #[cfg(test)]
    pub(crate) const fn from_log(hash: HashAlgorithm, secret: Secret) -> Self {
        Self { hash, secret }
    }

    /// Bound to the handshake up to ClientKeyExchange (RFC 7627).
    pub(crate) fn extended(
        provider: &dyn CryptoProvider,
        hash: HashAlgorithm,
        premaster: &Secret,
        session_hash: &Digest,
    ) -> Result<Self, CryptoError> {
        Self::derive(provider, hash, premaster, b"extended master secret", &[session_hash.as_bytes()])
    }

    /// For peers from before RFC 7627.
    pub(crate) fn classic(
        provider: &dyn CryptoProvider,
        hash: HashAlgorithm,
        premaster: &Secret,
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Result<Self, CryptoError> {
        Self::derive(provider, hash, premaster, b"master secret", &[client_random, server_random])
    }

    fn derive(
        provider: &dyn CryptoProvider,
        hash: HashAlgorithm,
        premaster: &Secret,
        label: &[u8],
        seed: &[&[u8]],
    ) -> Result<Self, CryptoError> {
        let mut master = alloc::vec![0; MASTER_LEN];
        tls12::prf(provider, hash, premaster.expose(), label, seed, &mut master)?;
        Ok(Self { hash, secret: Secret::new(master) })
    }

    pub(crate) fn key_block(
        &self,
        provider: &dyn CryptoProvider,
        suite: CipherSuite,
        client_random: &[u8; 32],
        server_random: &[u8; 32],
    ) -> Result<KeyBlock, CryptoError> {
        let mut bytes = Zeroizing::new([0; MAX_KEY_BLOCK]);
        let seed: [&[u8]; 2] = [server_random, client_random];
        tls12::prf(provider, self.hash, self.secret.expose(), b"key expansion", &seed, &mut *bytes)?;
        Ok(KeyBlock { bytes, key_len: suite.aead().key_len(), iv_len: iv_len(suite.aead()) })
    }

    /// The verify_data of one side's Finished over the transcript before it.
    pub(crate) fn finished(
        &self,
        provider: &dyn CryptoProvider,
        side: Role,
        transcript: &Digest,
    ) -> Result<[u8; VERIFY_DATA_LEN], CryptoError> {
        let mut verify_data = [0; VERIFY_DATA_LEN];
        let seed: [&[u8]; 1] = [transcript.as_bytes()];
        tls12::prf(provider, self.hash, self.secret.expose(), finished_label(side), &seed, &mut verify_data)?;
        Ok(verify_data)
    }

    pub(crate) fn into_secret(self) -> Secret {
        self.secret
    }
}

impl KeyBlock {
    /// Client key, server key, client IV, server IV, in this order; AEAD suites have no MAC keys.
    pub(crate) fn ours_and_theirs(&self, role: Role) -> (WriteKeys<'_>, WriteKeys<'_>) {
        let cut =
            |start: usize, len: usize| self.bytes.get(start..start.saturating_add(len)).unwrap_or_default();
        let ivs = self.key_len.saturating_mul(2);
        let client = WriteKeys { key: cut(0, self.key_len), iv: cut(ivs, self.iv_len) };
        let server = WriteKeys {
            key: cut(self.key_len, self.key_len),
            iv: cut(ivs.saturating_add(self.iv_len), self.iv_len),
        };
        match role {
            Role::Client => (client, server),
            Role::Server => (server, client),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exporter::Exporter;
    use sendrecv_crypto::default_provider;

    fn check(case: &serde_json::Value, suite: CipherSuite) {
        let bytes = |name: &str| hex::decode(case[name].as_str().unwrap()).unwrap();
        let provider = default_provider();
        let random = |name: &str| -> [u8; 32] { bytes(name).try_into().unwrap() };
        let (client_random, server_random) = (random("client_random"), random("server_random"));
        let hash = suite.hash();
        let master = MasterSecret { hash, secret: Secret::new(bytes("master_secret")) };
        let block = master.key_block(provider, suite, &client_random, &server_random).unwrap();
        assert_eq!(block.bytes[..40], bytes("key_block_aes128_gcm"));
        let exporter = Exporter::V12 { hash, master: master.into_secret(), client_random, server_random };
        let mut out = [0; 60];
        exporter.export(provider, "EXTRACTOR-dtls_srtp", None, &mut out).unwrap();
        assert_eq!(out[..], bytes("exporter_dtls_srtp_60"));
    }

    #[test]
    fn key_block_and_exporter_match_an_independent_implementation() {
        let json = include_str!("../../../../tests/vectors/dtls/tls12_prf.json");
        let vectors: serde_json::Value = serde_json::from_str(json).unwrap();
        for case in vectors["derived"].as_array().unwrap() {
            let sha384 = case["hash"] == "sha384";
            let suite = if sha384 {
                CipherSuite::EcdheEcdsaAes256GcmSha384
            } else {
                CipherSuite::EcdheEcdsaAes128GcmSha256
            };
            check(case, suite);
        }
    }
}
