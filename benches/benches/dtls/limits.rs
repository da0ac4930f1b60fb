//! What the cryptography alone allows, without a protocol around it.

use super::{BATCH, RECORD};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aws_lc_rs::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair,
};
use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey};
use sendrecv_benches::Contender;
use sendrecv_core::Seed;
use sendrecv_crypto::{NamedGroup, SignatureScheme};
use sendrecv_dtls::{HEADROOM, Version};
use std::hint::black_box;

/// What CertificateVerify of DTLS 1.3 signs.
const SIGNED: [u8; 130] = [0x20; 130];

/// A full mutual handshake's public-key operations: a signature, a verification, a key generation and an agreement of each
/// end. `limit-aws-lc-rs` is AWS-LC with randomness of its own; `limit-deterministic` is what is left of it when the seed
/// decides every byte, as our provider has it.
pub(crate) fn handshakes(group: NamedGroup) -> Vec<Contender<'static>> {
    vec![rustcrypto(group), aws_lc(group), deterministic(group)]
}

fn deterministic(group: NamedGroup) -> Contender<'static> {
    let (provider, mut rng) = (sendrecv_crypto::aws_lc_rs(), Seed::from_u64(1).rng());
    let key = provider.generate_p256(&mut rng).expect("a key");
    let scheme = SignatureScheme::EcdsaSecp256r1Sha256;
    Contender::new("limit-deterministic", move || {
        for _ in 0..2 {
            let signature = key.sign(scheme, &SIGNED, &mut rng).expect("a signature");
            let public = key.public_key_info().last_chunk::<65>().expect("a point");
            provider.verify(scheme, public, &SIGNED, black_box(&signature)).expect("verifies");
        }
        let client = provider.key_exchange(group, &mut rng).expect("a share");
        let answer = provider.key_exchange_answer(group, client.public_share(), &mut rng);
        let (share, secret) = answer.expect("an answer");
        assert_eq!(client.complete(&share).expect("a secret").expose(), secret.expose());
        1
    })
}

fn rustcrypto(group: NamedGroup) -> Contender<'static> {
    let key = SigningKey::from_slice(&[7; 32]).expect("in range");
    let public = VerifyingKey::from(&key).to_sec1_point(false);
    let mut rng = Seed::from_u64(1).rng();
    Contender::new("limit-rustcrypto", move || {
        for _ in 0..2 {
            let signature: DerSignature = key.sign(&SIGNED);
            let public = VerifyingKey::from_sec1_bytes(public.as_bytes()).expect("a point");
            public.verify(&SIGNED, black_box(&signature)).expect("verifies");
        }
        if group == NamedGroup::X25519 {
            let secrets = [rng.bytes::<32>(), rng.bytes()].map(x25519_dalek::StaticSecret::from);
            let shares = secrets.each_ref().map(x25519_dalek::PublicKey::from);
            black_box((secrets[0].diffie_hellman(&shares[1]), secrets[1].diffie_hellman(&shares[0])));
        } else {
            let secrets = [rng.bytes::<32>(), rng.bytes()]
                .map(|bytes| p256::SecretKey::from_slice(&bytes).expect("in range"));
            let shares = secrets.each_ref().map(|secret| secret.public_key().to_sec1_bytes());
            let theirs =
                shares.each_ref().map(|share| p256::PublicKey::from_sec1_bytes(share).expect("a point"));
            black_box((secrets[0].diffie_hellman(&theirs[1]), secrets[1].diffie_hellman(&theirs[0])));
        }
        1
    })
}

fn aws_lc(group: NamedGroup) -> Contender<'static> {
    let rng = SystemRandom::new();
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    let algorithm = if group == NamedGroup::X25519 { &X25519 } else { &ECDH_P256 };
    Contender::new("limit-aws-lc-rs", move || {
        for _ in 0..2 {
            let signature = key.sign(&rng, &SIGNED).expect("a signature");
            let public =
                signature::UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.public_key().as_ref());
            public.verify(&SIGNED, black_box(signature.as_ref())).expect("verifies");
        }
        let make = || EphemeralPrivateKey::generate(algorithm, &rng).expect("a key");
        let (ours, theirs) = (make(), make());
        let shares = [&ours, &theirs].map(|key| key.compute_public_key().expect("a share"));
        for (key, share) in [ours, theirs].into_iter().zip(shares.iter().rev()) {
            let peer = UnparsedPublicKey::new(algorithm, share.as_ref());
            black_box(agree_ephemeral(key, peer, (), |secret| Ok(secret.to_vec())).expect("a secret"));
        }
        1
    })
}

/// Sealing and opening a record's plaintext with AES-128-GCM where it lies in our records, as ciphers feel that: in 1.3 the content's type is part of it. What 1.3 does beside
/// that, encrypting the record's number, is not in it.
pub(crate) fn records(version: Version) -> Vec<Contender<'static>> {
    match version {
        Version::Dtls12 => records_of::<RECORD, 13>(),
        Version::Dtls13 => records_of::<{ RECORD + 1 }, 5>(),
    }
}

fn records_of<const LEN: usize, const AAD: usize>() -> Vec<Contender<'static>> {
    use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let (nonce, aad) = ([3; 12], [4; AAD]);
    let cipher = Aes128Gcm::new_from_slice(&[1; 16]).expect("key length fits");
    let mut slab = Box::new([0; 2048]);
    let rustcrypto = Contender::new("limit-rustcrypto", move || {
        for _ in 0..BATCH {
            let data = &mut slab[HEADROOM..HEADROOM + LEN];
            data.copy_from_slice(&[7; LEN]);
            let tag = cipher.encrypt_inout_detached(&nonce.into(), &aad, (&mut *data).into()).expect("short");
            cipher.decrypt_inout_detached(&nonce.into(), &aad, (&mut *data).into(), &tag).expect("authentic");
            black_box(data);
        }
        BATCH as u64
    });
    let aws = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[1; 16]).expect("key length fits"));
    let mut slab = Box::new([0; 2048]);
    let aws_lc = Contender::new("limit-aws-lc-rs", move || {
        for _ in 0..BATCH {
            let data = &mut slab[HEADROOM..HEADROOM + LEN];
            data.copy_from_slice(&[7; LEN]);
            let nonce = || Nonce::assume_unique_for_key(nonce);
            let tag = aws.seal_in_place_separate_tag(nonce(), Aad::from(aad), data).expect("short");
            aws.open_in_place_separate_tag(nonce(), Aad::from(aad), tag.as_ref(), data).expect("authentic");
            black_box(data);
        }
        BATCH as u64
    });
    vec![rustcrypto, aws_lc]
}
