//! Our certificate, and reading the peer's.

mod generate;
mod parse;
mod x509;

pub(crate) use parse::public_key;

use crate::{Fingerprint, KeyKind};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use sendrecv_core::Seed;
use sendrecv_crypto::{CryptoError, CryptoProvider, HashAlgorithm, SigningKey};
use thiserror::Error;

/// How long a generated certificate is valid, in days, when nothing else is wanted: as long as in browsers.
pub const DEFAULT_VALIDITY_DAYS: u32 = 31;

/// A certificate with its private key.
pub struct Certificate {
    der: Vec<u8>,
    key: Box<dyn SigningKey>,
    kind: KeyKind,
}

/// Why a certificate cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// The certificate is not DER of an X.509 certificate with an ECDSA P-256, P-384 or RSA key.
    #[error("not an X.509 certificate with a supported key")]
    Malformed,
    /// The private key does not belong to the certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The key cannot be read or used by the provider.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl Certificate {
    /// A fresh self-signed ECDSA P-256 certificate, valid from a day before `now_unix_seconds` for `days` days after it.
    /// The same seed and time give the same certificate.
    pub fn generate(
        provider: &dyn CryptoProvider,
        seed: &Seed,
        now_unix_seconds: u64,
        days: u32,
    ) -> Result<Self, CertificateError> {
        let key = provider.generate_p256(&mut seed.derive("certificate key").rng())?;
        let mut rng = seed.derive("certificate").rng();
        let der = generate::self_signed(key.as_ref(), &mut rng, now_unix_seconds, days)?;
        Ok(Self { der, key, kind: KeyKind::EcdsaP256 })
    }

    /// An existing certificate and its private key, both DER (the key as PKCS#8).
    pub fn from_der(
        provider: &dyn CryptoProvider,
        certificate: &[u8],
        pkcs8: &[u8],
    ) -> Result<Self, CertificateError> {
        Self::with_key(certificate, provider.import_pkcs8(pkcs8)?)
    }

    /// An existing certificate whose key signs elsewhere, e.g. in hardware.
    pub fn with_key(certificate: &[u8], key: Box<dyn SigningKey>) -> Result<Self, CertificateError> {
        let public = public_key(certificate).ok_or(CertificateError::Malformed)?;
        let own = parse::key_of_public_key_info(key.public_key_info()).ok_or(CertificateError::Malformed)?;
        if public != own {
            return Err(CertificateError::KeyMismatch);
        }
        Ok(Self { der: certificate.to_vec(), kind: public.kind, key })
    }

    /// The certificate's DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The kind of its key.
    pub const fn key_kind(&self) -> KeyKind {
        self.kind
    }

    /// Its private key.
    pub fn key(&self) -> &dyn SigningKey {
        self.key.as_ref()
    }

    /// Its fingerprint, for SDP. [`HashAlgorithm::Sha256`] is what WebRTC uses; SHA-1 and MD5 are unsupported.
    pub fn fingerprint(
        &self,
        provider: &dyn CryptoProvider,
        algorithm: HashAlgorithm,
    ) -> Result<Fingerprint, CryptoError> {
        Fingerprint::of(provider, algorithm, &self.der)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("kind", &self.kind).field("der_len", &self.der.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use der::{Decode, Encode};
    use proptest::prelude::*;
    use sendrecv_crypto::{SignatureScheme, default_provider};

    fn generate(seed: u64) -> Certificate {
        Certificate::generate(default_provider(), &Seed::from_u64(seed), 1_795_305_600, 31).unwrap()
    }

    #[test]
    fn generation_is_deterministic() {
        assert_eq!(generate(1).der(), generate(1).der());
        assert_ne!(generate(1).der(), generate(2).der());
    }

    #[test]
    fn a_generated_certificate_verifies_under_its_own_key() {
        let certificate = generate(3);
        let key = public_key(certificate.der()).unwrap();
        assert_eq!((key.kind, key.bytes.len()), (KeyKind::EcdsaP256, 65));
        let signed = x509::Signed::from_der(certificate.der()).unwrap();
        let (body, signature) = (signed.to_be_signed.to_der().unwrap(), signed.signature.raw_bytes());
        let scheme = SignatureScheme::EcdsaSecp256r1Sha256;
        assert_eq!(default_provider().verify(scheme, key.bytes, &body, signature), Ok(()));
    }

    #[test]
    fn a_foreign_key_is_refused() {
        let other = default_provider().generate_p256(&mut Seed::from_u64(9).rng()).unwrap();
        let error = Certificate::with_key(generate(4).der(), other).unwrap_err();
        assert_eq!(error, CertificateError::KeyMismatch);
    }

    #[test]
    fn an_exported_key_comes_back_with_its_certificate() {
        let certificate = generate(5);
        let pkcs8 = certificate.key().to_pkcs8().unwrap();
        let again = Certificate::from_der(default_provider(), certificate.der(), pkcs8.expose()).unwrap();
        assert_eq!(again.der(), certificate.der());
    }

    proptest! {
        #[test]
        fn damaged_certificates_never_panic(at in 0usize..400, value: u8) {
            let mut der = generate(6).der().to_vec();
            if let Some(byte) = der.get_mut(at) {
                *byte = value;
            }
            let _ = public_key(&der);
        }
    }
}
