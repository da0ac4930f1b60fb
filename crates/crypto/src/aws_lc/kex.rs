//! Diffie-Hellman: the NIST curves and X25519.

use crate::provider::is_uncompressed;
use crate::{CryptoError, KeyExchange, NamedGroup, Secret};
use alloc::boxed::Box;
use alloc::vec::Vec;
use aws_lc_rs::agreement::{Algorithm, ECDH_P256, ECDH_P384, PrivateKey, UnparsedPublicKey, X25519, agree};

/// A private share. AWS-LC checks points to be on the curve, and X25519's results not to be zero.
pub(super) struct Agreement {
    group: NamedGroup,
    private: PrivateKey,
    share: Vec<u8>,
}

impl Agreement {
    pub(super) fn new(group: NamedGroup, private: &[u8]) -> Result<Self, CryptoError> {
        let private = PrivateKey::from_private_key(algorithm(group)?, private);
        Self::with(group, private.map_err(|_| CryptoError::InvalidKey)?)
    }

    /// A private share of AWS-LC's own randomness.
    pub(super) fn generate(group: NamedGroup) -> Result<Self, CryptoError> {
        let private = PrivateKey::generate(algorithm(group)?).map_err(|_| CryptoError::InvalidKey)?;
        Self::with(group, private)
    }

    fn with(group: NamedGroup, private: PrivateKey) -> Result<Self, CryptoError> {
        let share = private.compute_public_key().map_err(|_| CryptoError::InvalidKey)?.as_ref().to_vec();
        Ok(Self { group, private, share })
    }
}

fn algorithm(group: NamedGroup) -> Result<&'static Algorithm, CryptoError> {
    match group {
        NamedGroup::Secp256r1 => Ok(&ECDH_P256),
        NamedGroup::Secp384r1 => Ok(&ECDH_P384),
        NamedGroup::X25519 => Ok(&X25519),
        NamedGroup::X25519MlKem768 => Err(CryptoError::Unsupported),
    }
}

impl KeyExchange for Agreement {
    fn group(&self) -> NamedGroup {
        self.group
    }

    fn public_share(&self) -> &[u8] {
        &self.share
    }

    fn complete(self: Box<Self>, peer_share: &[u8]) -> Result<Secret, CryptoError> {
        if self.group != NamedGroup::X25519 && !is_uncompressed(peer_share) {
            return Err(CryptoError::InvalidKey);
        }
        let peer = UnparsedPublicKey::new(self.private.algorithm(), peer_share);
        agree(&self.private, peer, CryptoError::InvalidKey, |shared| Ok(Secret::from(shared)))
    }
}
