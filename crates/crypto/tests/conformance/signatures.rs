//! Signing and verifying.

use crate::vectors::{bytes, file, is_valid, load};
use sendrecv_core::Seed;
use sendrecv_crypto::{CryptoError, CryptoProvider, SignatureScheme};

type Provider = &'static dyn CryptoProvider;

pub(crate) fn ecdsa_p256_agrees_with_wycheproof(provider: Provider) {
    check(provider, SignatureScheme::EcdsaSecp256r1Sha256, "wycheproof/ecdsa_secp256r1_sha256.json");
}

pub(crate) fn ecdsa_p384_agrees_with_wycheproof(provider: Provider) {
    check(provider, SignatureScheme::EcdsaSecp384r1Sha384, "wycheproof/ecdsa_secp384r1_sha384.json");
}

pub(crate) fn rsa_pkcs1_agrees_with_wycheproof(provider: Provider) {
    check(provider, SignatureScheme::RsaPkcs1Sha256, "wycheproof/rsa_signature_2048_sha256.json");
}

pub(crate) fn rsa_pss_agrees_with_wycheproof(provider: Provider) {
    check(provider, SignatureScheme::RsaPssRsaeSha256, "wycheproof/rsa_pss_2048_sha256_mgf1_32.json");
}

/// What Wycheproof calls "acceptable" (a DigestInfo without its NULL) may go either way.
fn check(provider: Provider, scheme: SignatureScheme, path: &str) {
    for group in load(path) {
        let key = bytes(&group, "publicKey");
        for case in group["tests"].as_array().unwrap() {
            let verified = provider.verify(scheme, &key, &bytes(case, "msg"), &bytes(case, "sig"));
            if case["result"] != "acceptable" {
                assert_eq!(verified.is_ok(), is_valid(case), "{case}");
            }
        }
    }
}

/// RFC 6979, appendix A.2.5: the key, and its signature of "sample".
pub(crate) fn p256_signing_is_that_of_rfc6979(provider: Provider) {
    let scalar = hex::decode("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721").unwrap();
    // PKCS#8 around an ECPrivateKey that holds the scalar only.
    let head = hex::decode("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420").unwrap();
    let key = provider.import_pkcs8(&[head, scalar].concat()).unwrap();
    let mut rng = Seed::from_u64(1).rng();
    let signature = key.sign(SignatureScheme::EcdsaSecp256r1Sha256, b"sample", &mut rng).unwrap();
    assert_eq!(
        hex::encode(signature),
        "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716\
         022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    );
}

pub(crate) fn every_provider_makes_the_same_p256_signatures(provider: Provider) {
    let (mut ours, mut theirs) = (Seed::from_u64(2).rng(), Seed::from_u64(2).rng());
    let scheme = SignatureScheme::EcdsaSecp256r1Sha256;
    for round in 0..50_u8 {
        let key = provider.generate_p256(&mut ours).unwrap();
        let other = sendrecv_crypto::rustcrypto().generate_p256(&mut theirs).unwrap();
        let message = vec![round; usize::from(round) * 7];
        let signature = key.sign(scheme, &message, &mut ours).unwrap();
        assert_eq!(signature, other.sign(scheme, &message, &mut theirs).unwrap());
        let point = key.public_key_info().last_chunk::<65>().unwrap();
        assert_eq!(provider.verify(scheme, point, &message, &signature), Ok(()));
    }
}

pub(crate) fn a_generated_key_signs_exports_and_imports(provider: Provider) {
    let mut rng = Seed::from_u64(2).rng();
    let key = provider.generate_p256(&mut rng).unwrap();
    let again = provider.import_pkcs8(key.to_pkcs8().unwrap().expose()).unwrap();
    assert_eq!(key.public_key_info(), again.public_key_info());
    let same = sendrecv_crypto::rustcrypto().generate_p256(&mut Seed::from_u64(2).rng()).unwrap();
    assert_eq!(key.public_key_info(), same.public_key_info(), "the seed decides, not the provider");
    let scheme = key.schemes()[0];
    let signature = again.sign(scheme, b"message", &mut rng).unwrap();
    let point = &key.public_key_info()[26..];
    assert_eq!((point.len(), point[0]), (65, 4));
    assert_eq!(provider.verify(scheme, point, b"message", &signature), Ok(()));
    assert_eq!(provider.verify(scheme, point, b"massage", &signature), Err(CryptoError::Unauthenticated));
}

fn signs_the_same_again(provider: Provider) -> bool {
    let sign = || {
        let mut rng = Seed::from_u64(6).rng();
        let key = provider.generate_p256(&mut rng).unwrap();
        key.sign(key.schemes()[0], b"message", &mut rng).unwrap()
    };
    sign() == sign()
}

pub(crate) fn a_key_signs_the_same_again(provider: Provider) {
    assert!(provider.is_deterministic() && signs_the_same_again(provider));
}

#[cfg(feature = "aws-lc-rs")]
pub(crate) fn a_key_signs_differently_again(provider: Provider) {
    assert!(!provider.is_deterministic() && !signs_the_same_again(provider));
}

/// A SubjectPublicKeyInfo ends in its bit string: the tag, the length, the number of unused bits, the key.
pub(crate) fn keys_made_by_openssl_sign_and_verify(provider: Provider) {
    for (name, key_len, schemes) in [
        ("p256", 65, &[SignatureScheme::EcdsaSecp256r1Sha256][..]),
        ("p384", 97, &[SignatureScheme::EcdsaSecp384r1Sha384]),
        ("rsa2048", 270, &[SignatureScheme::RsaPssRsaeSha256, SignatureScheme::RsaPkcs1Sha256]),
    ] {
        let der = file(&format!("crypto/{name}.pkcs8.der"));
        let key = provider.import_pkcs8(&der).unwrap();
        assert_eq!(key.schemes(), schemes);
        let public = &key.public_key_info()[key.public_key_info().len() - key_len..];
        let mut rng = Seed::from_u64(5).rng();
        for &scheme in schemes {
            let signature = key.sign(scheme, b"message", &mut rng).unwrap();
            assert_eq!(provider.verify(scheme, public, b"message", &signature), Ok(()), "{name}");
            assert!(provider.verify(scheme, public, b"massage", &signature).is_err(), "{name}");
        }
        let again = provider.import_pkcs8(key.to_pkcs8().unwrap().expose()).unwrap();
        assert_eq!(again.public_key_info(), key.public_key_info());
    }
}

/// As OpenSSL signs in DTLS 1.2 with a P-384 key for a peer that names SHA-256 first, and the other way round.
pub(crate) fn ecdsa_takes_the_hash_of_the_scheme_and_the_curve_of_the_key(provider: Provider) {
    for (name, key_len, scheme, signature) in [
        (
            "p384",
            97,
            SignatureScheme::EcdsaSecp256r1Sha256,
            "3066023100fb5cd9922e54ecc7e8e208745e1f87d693e3f3ae234b35d515e71fab9916f538f878cbf7ab6fe2a35c3dc35f693a\
             a648023100eeea9606fefa389e8f8e17f0b7170e9cc900f63de7c94a039cabb5da1f5cfb695c9cee42d53a7fa45eae780d39ca\
             f749",
        ),
        (
            "p256",
            65,
            SignatureScheme::EcdsaSecp384r1Sha384,
            "3044022019bb8f36f31479de6a7210c699c7e2152d25e6b6f44e08f0b866faa7a30a9f8c02204ebbed016bbf2557e5b30ce24e\
             6d1e9d0a1daf2c3a9163a5d660fffb9d5cf5c8",
        ),
    ] {
        let key = provider.import_pkcs8(&file(&format!("crypto/{name}.pkcs8.der"))).unwrap();
        let public = &key.public_key_info()[key.public_key_info().len() - key_len..];
        let signature = hex::decode(signature).unwrap();
        assert_eq!(provider.verify(scheme, public, b"message", &signature), Ok(()), "{name}");
        assert!(
            provider.verify(key.schemes()[0], public, b"message", &signature).is_err(),
            "{name}: the other hash"
        );
    }
}

/// Signatures of "message" that OpenSSL made with the hashes that nothing here signs with.
pub(crate) fn rsa_takes_every_hash(provider: Provider) {
    let key = provider.import_pkcs8(&file("crypto/rsa2048.pkcs8.der")).unwrap();
    let public = key.public_key_info().last_chunk::<270>().unwrap();
    let schemes = [
        (SignatureScheme::RsaPkcs1Sha384, "pkcs1_sha384"),
        (SignatureScheme::RsaPkcs1Sha512, "pkcs1_sha512"),
        (SignatureScheme::RsaPssRsaeSha384, "pss_sha384"),
        (SignatureScheme::RsaPssRsaeSha512, "pss_sha512"),
    ];
    for (scheme, name) in schemes {
        let signature = file(&format!("crypto/rsa2048.{name}.sig"));
        assert_eq!(provider.verify(scheme, public, b"message", &signature), Ok(()), "{name}");
        let refused = Err(CryptoError::Unauthenticated);
        assert_eq!(provider.verify(scheme, public, b"massage", &signature), refused, "{name}");
        for (other, _) in schemes.into_iter().filter(|(other, _)| *other != scheme) {
            assert_eq!(
                provider.verify(other, public, b"message", &signature),
                refused,
                "{name} is not {other:?}"
            );
        }
        assert_eq!(SignatureScheme::from_code(scheme.code()), Some(scheme));
    }
}

pub(crate) fn a_key_signs_only_with_its_own_schemes(provider: Provider) {
    let mut rng = Seed::from_u64(3).rng();
    let key = provider.generate_p256(&mut rng).unwrap();
    for scheme in [
        SignatureScheme::EcdsaSecp384r1Sha384,
        SignatureScheme::RsaPkcs1Sha256,
        SignatureScheme::RsaPssRsaeSha256,
    ] {
        assert_eq!(key.sign(scheme, b"message", &mut rng), Err(CryptoError::Unsupported));
    }
    assert!(provider.import_pkcs8(b"not a key").is_err());
}

pub(crate) fn compressed_points_are_refused(provider: Provider) {
    let mut rng = Seed::from_u64(4).rng();
    let key = provider.generate_p256(&mut rng).unwrap();
    let scheme = SignatureScheme::EcdsaSecp256r1Sha256;
    let signature = key.sign(scheme, b"message", &mut rng).unwrap();
    let point = &key.public_key_info()[26..];
    let compressed = [&[2 | (point[64] & 1)], &point[1..33]].concat();
    assert_eq!(provider.verify(scheme, &compressed, b"message", &signature), Err(CryptoError::InvalidKey));
}
