//! Checking signatures of peers.

use crate::provider::{P384_POINT_LEN, is_uncompressed};
use crate::{CryptoError, SignatureScheme};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, UnparsedPublicKey,
    VerificationAlgorithm,
};

pub(super) fn verify(
    scheme: SignatureScheme,
    public_key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), CryptoError> {
    let is_p384 = public_key.len() == P384_POINT_LEN;
    let algorithm: &'static dyn VerificationAlgorithm = match scheme {
        SignatureScheme::EcdsaSecp256r1Sha256 if is_p384 => &ECDSA_P384_SHA256_ASN1,
        SignatureScheme::EcdsaSecp256r1Sha256 => &ECDSA_P256_SHA256_ASN1,
        SignatureScheme::EcdsaSecp384r1Sha384 if is_p384 => &ECDSA_P384_SHA384_ASN1,
        SignatureScheme::EcdsaSecp384r1Sha384 => &ECDSA_P256_SHA384_ASN1,
        SignatureScheme::RsaPkcs1Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        SignatureScheme::RsaPkcs1Sha384 => &RSA_PKCS1_2048_8192_SHA384,
        SignatureScheme::RsaPkcs1Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        SignatureScheme::RsaPssRsaeSha256 => &RSA_PSS_2048_8192_SHA256,
        SignatureScheme::RsaPssRsaeSha384 => &RSA_PSS_2048_8192_SHA384,
        SignatureScheme::RsaPssRsaeSha512 => &RSA_PSS_2048_8192_SHA512,
    };
    let is_ecdsa =
        matches!(scheme, SignatureScheme::EcdsaSecp256r1Sha256 | SignatureScheme::EcdsaSecp384r1Sha384);
    if is_ecdsa && !is_uncompressed(public_key) {
        return Err(CryptoError::InvalidKey);
    }
    let verified = UnparsedPublicKey::new(algorithm, public_key).verify(message, signature);
    verified.map_err(|_| CryptoError::Unauthenticated)
}
