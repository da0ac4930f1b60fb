//! Ciphers, hashes and MACs.

use crate::vectors::{array, bytes, is_valid, load};
use proptest::prelude::*;
use proptest::{collection, sample};
use sendrecv_crypto::{AeadAlgorithm, CryptoError, CryptoProvider, HashAlgorithm};
use serde_json::Value;

type Provider = &'static dyn CryptoProvider;

pub(crate) fn aes_gcm_agrees_with_wycheproof(provider: Provider) {
    for case in load("wycheproof/aes_gcm.json") {
        let long = bytes(&case, "key").len() == 32;
        check_aead(provider, if long { AeadAlgorithm::Aes256Gcm } else { AeadAlgorithm::Aes128Gcm }, &case);
    }
}

pub(crate) fn chacha20_poly1305_agrees_with_wycheproof(provider: Provider) {
    for case in load("wycheproof/chacha20_poly1305.json") {
        check_aead(provider, AeadAlgorithm::ChaCha20Poly1305, &case);
    }
}

fn check_aead(provider: Provider, algorithm: AeadAlgorithm, case: &Value) {
    let Ok(nonce) = bytes(case, "iv").try_into() else { return };
    let aead = provider.aead(algorithm, &bytes(case, "key")).unwrap();
    let (aad, plain, sealed) = (bytes(case, "aad"), bytes(case, "msg"), bytes(case, "ct"));
    let mut data = sealed.clone();
    let opened = aead.open(&nonce, &aad, &mut data, &array(case, "tag"));
    if is_valid(case) {
        assert_eq!((opened, &data), (Ok(()), &plain), "{case}");
        let tag = aead.seal(&nonce, &aad, &mut data).unwrap();
        assert_eq!((tag, data), (array(case, "tag"), sealed), "{case}");
    } else {
        assert_eq!(opened, Err(CryptoError::Unauthenticated), "{case}");
    }
}

pub(crate) fn hmac_agrees_with_wycheproof(provider: Provider) {
    for (name, algorithm) in
        [("sha1", HashAlgorithm::Sha1), ("sha256", HashAlgorithm::Sha256), ("sha384", HashAlgorithm::Sha384)]
    {
        for case in load(&format!("wycheproof/hmac_{name}.json")) {
            let hmac = provider.hmac(algorithm, &bytes(&case, "key")).unwrap();
            let (message, tag) = (bytes(&case, "msg"), bytes(&case, "tag"));
            let (head, tail) = message.split_at(message.len() / 2);
            assert_eq!(hmac.verify(&[head, tail], &tag).is_ok(), is_valid(&case), "{name} {case}");
        }
    }
}

pub(crate) fn hmac_verifies_truncated_tags_but_not_short_ones(provider: Provider) {
    let hmac = provider.hmac(HashAlgorithm::Sha1, b"key").unwrap();
    let tag = hmac.mac(&[b"message"]);
    for len in 0..=20 {
        assert_eq!(hmac.verify(&[b"mess", b"age"], &tag.as_bytes()[..len]).is_ok(), len >= 4);
    }
    assert!(hmac.verify(&[b"message"], &[0; 21]).is_err());
}

pub(crate) fn hashes_agree_with_known_answers(provider: Provider) {
    for (algorithm, answer) in [
        (HashAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (HashAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (HashAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            HashAlgorithm::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            HashAlgorithm::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
             2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ] {
        let mut hash = provider.hash(algorithm).unwrap();
        hash.update(b"a");
        hash.update(b"bc");
        assert_eq!(hex::encode(hash.digest()), answer);
        assert_eq!(hash.digest().as_bytes().len(), algorithm.output_len());
    }
}

pub(crate) fn a_forked_hash_goes_its_own_way(provider: Provider) {
    let mut hash = provider.hash(HashAlgorithm::Sha256).unwrap();
    hash.update(b"common");
    let mut fork = hash.fork();
    assert_eq!(hash.digest(), fork.digest());
    fork.update(b"more");
    assert_ne!(hash.digest(), fork.digest());
}

pub(crate) fn aes_and_its_counter_mode_agree_with_rfc3711(provider: Provider) {
    let document = crate::vectors::document("srtp/srtp_rfc3711_rfc6188_rfc6904.json");
    for name in ["aes_cm_128", "aes_cm_192", "aes_cm_256"] {
        let key = bytes(&document[name], "key");
        let (block, stream) = (provider.aes(&key).unwrap(), provider.aes_ctr(&key).unwrap());
        for case in document[name]["blocks"].as_array().unwrap() {
            let (counter, keystream) = (array::<16>(case, "counter"), array::<16>(case, "keystream"));
            let mut encrypted = counter;
            block.encrypt(&mut encrypted);
            assert_eq!(encrypted, keystream);
            let mut zeros = [0; 16];
            stream.apply(&counter, &mut zeros);
            assert_eq!(zeros, keystream);
        }
    }
}

pub(crate) fn counter_mode_takes_any_length(provider: Provider) {
    let (block, stream) = (provider.aes(&[7; 16]).unwrap(), provider.aes_ctr(&[7; 16]).unwrap());
    let iv = u128::MAX - 3;
    let expected: Vec<u8> = (0..20u128)
        .flat_map(|index| {
            let mut counter = iv.wrapping_add(index).to_be_bytes();
            block.encrypt(&mut counter);
            counter
        })
        .collect();
    for len in 0..expected.len() {
        let mut data = vec![0; len];
        stream.apply(&iv.to_be_bytes(), &mut data);
        assert_eq!(data, expected[..len]);
    }
}

/// The example of RFC 8439, section 2.3.2: the block at counter 1.
pub(crate) fn the_chacha20_mask_is_the_keystream_block(provider: Provider) {
    let key = core::array::from_fn(|index| index as u8);
    let sample = hex::decode("01000000000000090000004a00000000").unwrap().try_into().unwrap();
    let mask = provider.chacha20_mask(&key, &sample).unwrap();
    assert_eq!(hex::encode(mask), "10f1e7e4d13b5915500fdd1fa32071c4");
    assert!(provider.chacha20_mask(&key, &[0xff; 16]).is_ok());
}

pub(crate) fn what_is_sealed_opens_unless_touched(provider: Provider) {
    let algorithm = sample::select(vec![
        AeadAlgorithm::Aes128Gcm,
        AeadAlgorithm::Aes256Gcm,
        AeadAlgorithm::ChaCha20Poly1305,
    ]);
    let content = || collection::vec(any::<u8>(), 0..1500);
    proptest!(|(algorithm in algorithm, aad in content(), plain in content(), bit in 0..128usize)| {
        let aead = provider.aead(algorithm, &vec![9; algorithm.key_len()]).unwrap();
        let mut data = plain.clone();
        let mut tag = [0; 16];
        aead.seal_into(&[1; 12], &aad, &mut data, &mut tag).unwrap();
        let mut opened = data.clone();
        prop_assert_eq!(aead.open(&[1; 12], &aad, &mut opened, &tag), Ok(()));
        prop_assert_eq!(opened, plain);
        tag[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(aead.open(&[1; 12], &aad, &mut data, &tag), Err(CryptoError::Unauthenticated));
    });
}

pub(crate) fn parts_are_hashed_as_one(provider: Provider) {
    let algorithm = sample::select(vec![
        HashAlgorithm::Md5,
        HashAlgorithm::Sha1,
        HashAlgorithm::Sha256,
        HashAlgorithm::Sha384,
    ]);
    let parts = collection::vec(collection::vec(any::<u8>(), 0..200), 0..6);
    proptest!(|(algorithm in algorithm, parts in parts)| {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let (mut in_parts, mut at_once) = (provider.hash(algorithm).unwrap(), provider.hash(algorithm).unwrap());
        parts.iter().for_each(|part| in_parts.update(part));
        at_once.update(&parts.concat());
        prop_assert_eq!(in_parts.digest(), at_once.digest());
        let hmac = provider.hmac(algorithm, b"key").unwrap();
        prop_assert_eq!(hmac.mac(&parts), hmac.mac(&[&parts.concat()]));
    });
}

pub(crate) fn keys_of_wrong_length_are_refused(provider: Provider) {
    for len in [0, 15, 17, 31, 33, 64] {
        let key = vec![0; len];
        for algorithm in [AeadAlgorithm::Aes128Gcm, AeadAlgorithm::Aes256Gcm, AeadAlgorithm::ChaCha20Poly1305]
        {
            assert_eq!(provider.aead(algorithm, &key).err(), Some(CryptoError::InvalidKey));
        }
        assert_eq!(provider.aes(&key).err(), Some(CryptoError::InvalidKey));
        assert_eq!(provider.aes_ctr(&key).err(), Some(CryptoError::InvalidKey));
    }
    assert_eq!(provider.aead(AeadAlgorithm::Aes128Gcm, &[0; 32]).err(), Some(CryptoError::InvalidKey));
}
