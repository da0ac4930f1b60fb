//! Hashes and HMAC.

use crate::{CryptoError, Digest, Hash, HashAlgorithm, Hmac};
use alloc::boxed::Box;
use hmac::{KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

pub(super) fn new(algorithm: HashAlgorithm) -> Box<dyn Hash> {
    match algorithm {
        HashAlgorithm::Md5 => Box::new(Running::<Md5>::default()),
        HashAlgorithm::Sha1 => Box::new(Running::<Sha1>::default()),
        HashAlgorithm::Sha256 => Box::new(Running::<Sha256>::default()),
        HashAlgorithm::Sha384 => Box::new(Running::<Sha384>::default()),
        HashAlgorithm::Sha512 => Box::new(Running::<Sha512>::default()),
    }
}

pub(super) fn hmac(algorithm: HashAlgorithm, key: &[u8]) -> Result<Box<dyn Hmac>, CryptoError> {
    Ok(match algorithm {
        HashAlgorithm::Md5 => keyed::<hmac::Hmac<Md5>>(key)?,
        HashAlgorithm::Sha1 => keyed::<hmac::Hmac<Sha1>>(key)?,
        HashAlgorithm::Sha256 => keyed::<hmac::Hmac<Sha256>>(key)?,
        HashAlgorithm::Sha384 => keyed::<hmac::Hmac<Sha384>>(key)?,
        HashAlgorithm::Sha512 => keyed::<hmac::Hmac<Sha512>>(key)?,
    })
}

#[derive(Clone, Default)]
struct Running<D>(D);

impl<D: sha2::Digest + Clone + Send + Sync + 'static> Hash for Running<D> {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn digest(&self) -> Digest {
        Digest::new(&self.0.clone().finalize())
    }

    fn fork(&self) -> Box<dyn Hash> {
        Box::new(Self(self.0.clone()))
    }
}

/// The hash states after the inner and the outer key block; each MAC starts from a copy of them.
struct Keyed<M>(M);

fn keyed<M: Mac + KeyInit + Clone + Send + Sync + 'static>(key: &[u8]) -> Result<Box<dyn Hmac>, CryptoError> {
    let mac = <M as KeyInit>::new_from_slice(key).map_err(|_| CryptoError::InvalidKey)?;
    Ok(Box::new(Keyed(mac)))
}

impl<M: Mac + Clone + Send + Sync> Hmac for Keyed<M> {
    fn mac(&self, parts: &[&[u8]]) -> Digest {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        Digest::new(&mac.finalize().into_bytes())
    }
}
