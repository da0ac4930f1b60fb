//! Hashes and HMAC.

use crate::provider::MIN_HMAC_LEN;
use crate::secret::starts_with;
use crate::{CryptoError, Digest, Hash, HashAlgorithm, Hmac};
use alloc::boxed::Box;
use hmac::block_api::HmacCore;
use hmac::digest::Output;
use hmac::digest::block_api::{Buffer, FixedOutputCore, UpdateCore};
use hmac::{EagerHash, KeyInit};
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
        HashAlgorithm::Md5 => keyed::<Md5>(key)?,
        HashAlgorithm::Sha1 => keyed::<Sha1>(key)?,
        HashAlgorithm::Sha256 => keyed::<Sha256>(key)?,
        HashAlgorithm::Sha384 => keyed::<Sha384>(key)?,
        HashAlgorithm::Sha512 => keyed::<Sha512>(key)?,
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

/// The hash states after the inner and the outer key block; each MAC starts from a copy of them. It is the core of the hmac
/// crate's own type, which would have every MAC copy an empty buffer as well.
struct Keyed<D: EagerHash>(HmacCore<D>);

fn keyed<D: EagerHash<Core: Send + Sync> + 'static>(key: &[u8]) -> Result<Box<dyn Hmac>, CryptoError> {
    let core = HmacCore::<D>::new_from_slice(key).map_err(|_| CryptoError::InvalidKey)?;
    Ok(Box::new(Keyed(core)))
}

impl<D: EagerHash> Keyed<D> {
    #[inline]
    fn tag(&self, parts: &[&[u8]]) -> Output<HmacCore<D>> {
        let mut core = self.0.clone();
        let mut buffer = Buffer::<HmacCore<D>>::default();
        for part in parts {
            buffer.digest_blocks(part, |blocks| core.update_blocks(blocks));
        }
        let mut tag = Output::<HmacCore<D>>::default();
        core.finalize_fixed_core(&mut buffer, &mut tag);
        tag
    }
}

impl<D: EagerHash<Core: Send + Sync>> Hmac for Keyed<D> {
    fn mac(&self, parts: &[&[u8]]) -> Digest {
        Digest::new(&self.tag(parts))
    }

    fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> Result<(), CryptoError> {
        let authentic = tag.len() >= MIN_HMAC_LEN && starts_with(&self.tag(parts), tag);
        if authentic { Ok(()) } else { Err(CryptoError::Unauthenticated) }
    }
}
