//! Master keys, and the session keys derived from them (RFC 3711, section 4.3; RFC 6188, section 3).
//!
//! ```text
//! counter block = (master salt XOR label · 2⁴⁸) · 2¹⁶       key derivation rate 0: the index does not enter
//! session key   = AES-CM keystream of the master key from that block on
//! ```

use crate::SrtpProfile;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use sendrecv_crypto::{CryptoError, CryptoProvider, Secret};
use zeroize::Zeroizing;

/// A master key and master salt: what a DTLS handshake exports for one direction.
#[derive(Clone)]
pub struct MasterKey {
    key: Secret,
    salt: Secret,
}

impl MasterKey {
    /// A master key of these bytes, whose lengths are those of the profile it is for
    /// ([`SrtpProfile::key_len`], [`SrtpProfile::salt_len`]).
    pub fn new(key: &[u8], salt: &[u8]) -> Self {
        Self { key: key.into(), salt: salt.into() }
    }

    /// Whether key and salt have the lengths that `profile` wants.
    pub(crate) fn fits(&self, profile: SrtpProfile) -> bool {
        self.key.len() == profile.key_len() && self.salt.len() == profile.salt_len()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

/// What a session key is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Label {
    RtpEncryption,
    RtpAuthentication,
    RtpSalt,
    RtcpEncryption,
    RtcpAuthentication,
    RtcpSalt,
    ExtensionEncryption,
    ExtensionSalt,
}

impl Label {
    const fn value(self) -> u128 {
        match self {
            Self::RtpEncryption => 0,
            Self::RtpAuthentication => 1,
            Self::RtpSalt => 2,
            Self::RtcpEncryption => 3,
            Self::RtcpAuthentication => 4,
            Self::RtcpSalt => 5,
            Self::ExtensionEncryption => 6,
            Self::ExtensionSalt => 7,
        }
    }
}

/// The session key of `len` bytes for `label`. The AES used has the master key's length.
pub(crate) fn derive(
    provider: &dyn CryptoProvider,
    master: &MasterKey,
    label: Label,
    len: usize,
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let block = left_aligned(master.salt.expose()) ^ (label.value() << 64);
    let mut key = Zeroizing::new(vec![0; len]);
    provider.aes_ctr(master.key.expose())?.apply(&block.to_be_bytes(), &mut key);
    Ok(key)
}

/// The salt as the first bytes of a 128-bit block, followed by zeros.
pub(crate) fn left_aligned(salt: &[u8]) -> u128 {
    let mut block = [0; 16];
    for (to, from) in block.iter_mut().zip(salt) {
        *to = *from;
    }
    u128::from_be_bytes(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendrecv_crypto::default_provider;
    use serde_json::Value;

    fn bytes(case: &Value, field: &str) -> Vec<u8> {
        hex::decode(case[field].as_str().unwrap()).unwrap()
    }

    fn check(case: &Value, master: &MasterKey, label: Label, field: &str) {
        let expected = bytes(case, field);
        let key = derive(default_provider(), master, label, expected.len()).unwrap();
        assert_eq!(*key, expected, "{label:?}");
    }

    #[test]
    fn session_keys_are_those_of_the_rfcs() {
        let text = include_str!("../../../tests/vectors/srtp/srtp_rfc3711_rfc6188_rfc6904.json");
        let document: Value = serde_json::from_str(text).unwrap();
        for name in ["kdf_128", "kdf_192", "kdf_256"] {
            let case = &document[name];
            let master = MasterKey::new(&bytes(case, "master_key"), &bytes(case, "master_salt"));
            check(case, &master, Label::RtpEncryption, "cipher_key");
            check(case, &master, Label::RtpSalt, "cipher_salt");
            check(case, &master, Label::RtpAuthentication, "auth_key_20");
        }
        let case = &document["kdf_128"];
        let master = MasterKey::new(&bytes(case, "master_key"), &bytes(case, "master_salt"));
        check(case, &master, Label::RtpAuthentication, "auth_key_94");
        check(&case["srtcp"], &master, Label::RtcpEncryption, "cipher_key");
        check(&case["srtcp"], &master, Label::RtcpAuthentication, "auth_key_20");
        check(&case["srtcp"], &master, Label::RtcpSalt, "cipher_salt");
        check(&case["hdr_ext_rfc6904"], &master, Label::ExtensionEncryption, "cipher_key");
        check(&case["hdr_ext_rfc6904"], &master, Label::ExtensionSalt, "cipher_salt");
    }
}
