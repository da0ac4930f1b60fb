//! Hashes and HMAC.

use crate::rustcrypto::RustCrypto;
use crate::{CryptoError, CryptoProvider, Digest, Hash, HashAlgorithm, Hmac};
use alloc::boxed::Box;
use aws_lc_rs::{digest, hmac};

pub(super) fn new(algorithm: HashAlgorithm) -> Result<Box<dyn Hash>, CryptoError> {
    let algorithm = match algorithm {
        // AWS-LC lacks MD5, and its SHA-256 keeps a context on the heap: for handshakes' messages RustCrypto's is faster.
        HashAlgorithm::Md5 | HashAlgorithm::Sha256 => return RustCrypto.hash(algorithm),
        HashAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        HashAlgorithm::Sha384 => &digest::SHA384,
        HashAlgorithm::Sha512 => &digest::SHA512,
    };
    Ok(Box::new(Running(digest::Context::new(algorithm))))
}

pub(super) fn hmac(algorithm: HashAlgorithm, key: &[u8]) -> Result<Box<dyn Hmac>, CryptoError> {
    let algorithm = match algorithm {
        // AWS-LC has these but MD5, and copies more state per MAC: RustCrypto's are faster, for small packets by a quarter,
        // and for the short inputs of a key schedule by half.
        HashAlgorithm::Md5 | HashAlgorithm::Sha1 | HashAlgorithm::Sha256 => {
            return RustCrypto.hmac(algorithm, key);
        }
        HashAlgorithm::Sha384 => hmac::HMAC_SHA384,
        HashAlgorithm::Sha512 => hmac::HMAC_SHA512,
    };
    Ok(Box::new(Keyed(hmac::Key::new(algorithm, key))))
}

struct Running(digest::Context);

impl Hash for Running {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn digest(&self) -> Digest {
        Digest::new(self.0.clone().finish().as_ref())
    }

    fn fork(&self) -> Box<dyn Hash> {
        Box::new(Self(self.0.clone()))
    }
}

/// The hash states after the inner and the outer key block; each MAC starts from a copy of them.
struct Keyed(hmac::Key);

impl Hmac for Keyed {
    fn mac(&self, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        Digest::new(context.sign().as_ref())
    }
}
