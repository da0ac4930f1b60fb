//! Proof that the peer is who the signalling said.
//!
//! The only way to a [`VerifiedPeer`] is through both checks: the certificate's fingerprint, and a signature over this
//! handshake by the certificate's key. A connected state cannot be built without one.

use crate::certificate::public_key;
use crate::wire::certificate_verify::DigitallySigned;
use crate::wire::fragment::HandshakeType;
use crate::{Failure, Fingerprint, KeyKind, Version};
use alloc::vec::Vec;
use sendrecv_crypto::{CryptoProvider, SignatureScheme};

/// The schemes we verify, most preferred first.
pub(crate) const VERIFIED_SCHEMES: [SignatureScheme; 8] = [
    SignatureScheme::EcdsaSecp256r1Sha256,
    SignatureScheme::EcdsaSecp384r1Sha384,
    SignatureScheme::RsaPssRsaeSha256,
    SignatureScheme::RsaPssRsaeSha384,
    SignatureScheme::RsaPssRsaeSha512,
    SignatureScheme::RsaPkcs1Sha256,
    SignatureScheme::RsaPkcs1Sha384,
    SignatureScheme::RsaPkcs1Sha512,
];

/// More schemes of a peer than this are not looked at.
const MAX_SCHEMES: usize = 128;

/// A peer whose certificate has a signalled fingerprint, but which has not shown yet that it holds the key.
#[derive(Debug)]
pub(crate) struct IdentifiedPeer {
    certificate: Vec<u8>,
    key: Vec<u8>,
    kind: KeyKind,
}

/// A peer that holds the key of a certificate with a signalled fingerprint.
#[derive(Debug)]
pub(crate) struct VerifiedPeer {
    certificate: Vec<u8>,
}

impl IdentifiedPeer {
    /// Checks the certificate against the signalled fingerprints: one match of them suffices.
    pub(crate) fn identify(
        provider: &dyn CryptoProvider,
        certificate: &[u8],
        fingerprints: &[Fingerprint],
    ) -> Result<Self, Failure> {
        if !fingerprints.iter().any(|fingerprint| fingerprint.matches(provider, certificate)) {
            return Err(Failure::FingerprintMismatch);
        }
        let key = public_key(certificate).ok_or(Failure::UnsupportedCertificate)?;
        Ok(Self { certificate: certificate.to_vec(), key: key.bytes.to_vec(), kind: key.kind })
    }

    pub(crate) const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Checks a signature by the certificate's key over `content`, which must be bound to this handshake.
    pub(crate) fn verify(
        self,
        provider: &dyn CryptoProvider,
        version: Version,
        message: HandshakeType,
        content: &[u8],
        signed: &DigitallySigned<'_>,
    ) -> Result<VerifiedPeer, Failure> {
        let scheme = SignatureScheme::from_code(signed.scheme)
            .filter(|scheme| fits(*scheme, self.kind, version))
            .ok_or(Failure::IllegalParameter(message))?;
        provider
            .verify(scheme, &self.key, content, signed.signature)
            .map_err(|_| Failure::BadSignature(message))
            .or_else(unless_fuzzing)?;
        Ok(VerifiedPeer { certificate: self.certificate })
    }
}

impl VerifiedPeer {
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }
}

/// Under the fuzzer every signature and Finished passes, so that it gets behind them.
pub(crate) fn unless_fuzzing(failure: Failure) -> Result<(), Failure> {
    if cfg!(fuzzing) { Ok(()) } else { Err(failure) }
}

/// Whether a key of this kind may sign with this scheme in this version. The names of ECDSA schemes bind the curve since
/// 1.3; in 1.2 they say the hash only, and OpenSSL signs with SHA-256 and a P-384 key (RFC 8446, section 4.2.3).
fn fits(scheme: SignatureScheme, kind: KeyKind, version: Version) -> bool {
    let is_ecdsa_of_1_2 =
        version == Version::Dtls12 && matches!(kind, KeyKind::EcdsaP256 | KeyKind::EcdsaP384);
    match scheme {
        SignatureScheme::EcdsaSecp256r1Sha256 => kind == KeyKind::EcdsaP256 || is_ecdsa_of_1_2,
        SignatureScheme::EcdsaSecp384r1Sha384 => kind == KeyKind::EcdsaP384 || is_ecdsa_of_1_2,
        SignatureScheme::RsaPssRsaeSha256
        | SignatureScheme::RsaPssRsaeSha384
        | SignatureScheme::RsaPssRsaeSha512 => kind == KeyKind::Rsa,
        SignatureScheme::RsaPkcs1Sha256
        | SignatureScheme::RsaPkcs1Sha384
        | SignatureScheme::RsaPkcs1Sha512 => kind == KeyKind::Rsa && version == Version::Dtls12,
    }
}

/// The scheme to sign with: the first of our key's that the peer takes.
pub(crate) fn choose_scheme(
    own: &[SignatureScheme],
    peer: impl Iterator<Item = u16>,
    version: Version,
) -> Result<SignatureScheme, Failure> {
    let theirs: Vec<u16> = peer.take(MAX_SCHEMES).collect();
    let usable = |scheme: &&SignatureScheme| {
        (version == Version::Dtls12 || **scheme != SignatureScheme::RsaPkcs1Sha256)
            && theirs.contains(&scheme.code())
    };
    own.iter().find(usable).copied().ok_or(Failure::NoCommonSignatureScheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecdsa_schemes_bind_the_curve_in_1_3_only() {
        let (sha256, sha384) = (SignatureScheme::EcdsaSecp256r1Sha256, SignatureScheme::EcdsaSecp384r1Sha384);
        for (scheme, kind, bound) in [
            (sha256, KeyKind::EcdsaP256, true),
            (sha384, KeyKind::EcdsaP384, true),
            (sha256, KeyKind::EcdsaP384, false),
            (sha384, KeyKind::EcdsaP256, false),
        ] {
            assert!(fits(scheme, kind, Version::Dtls12));
            assert_eq!(fits(scheme, kind, Version::Dtls13), bound, "{scheme:?} {kind:?}");
        }
        assert!(!fits(sha256, KeyKind::Rsa, Version::Dtls12));
    }

    #[test]
    fn rsa_takes_every_hash_and_in_1_3_only_pss() {
        let (pss, pkcs1) = VERIFIED_SCHEMES[2..].split_at(3);
        for version in [Version::Dtls12, Version::Dtls13] {
            assert!(pss.iter().all(|scheme| fits(*scheme, KeyKind::Rsa, version)));
            assert!(
                pkcs1
                    .iter()
                    .all(|scheme| fits(*scheme, KeyKind::Rsa, version) == (version == Version::Dtls12))
            );
            assert!(VERIFIED_SCHEMES[2..].iter().all(|scheme| !fits(*scheme, KeyKind::EcdsaP256, version)));
        }
    }
}
