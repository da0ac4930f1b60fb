//! Key exchanges.

use crate::vectors::{bytes, has_flag, is_valid, load};
use sendrecv_core::Seed;
use sendrecv_crypto::{CryptoError, CryptoProvider, NamedGroup};

type Provider = &'static dyn CryptoProvider;

pub(crate) fn p256_agrees_with_wycheproof(provider: Provider) {
    check_points(provider, NamedGroup::Secp256r1, "wycheproof/ecdh_secp256r1_ecpoint.json");
}

pub(crate) fn p384_agrees_with_wycheproof(provider: Provider) {
    check_points(provider, NamedGroup::Secp384r1, "wycheproof/ecdh_secp384r1_ecpoint.json");
}

/// Compressed points are right on the curve, but TLS does not allow them.
fn check_points(provider: Provider, group: NamedGroup, path: &str) {
    for case in load(path) {
        let private = bytes(&case, "private");
        let padded = [vec![0; group.private_len()], private].concat();
        let private = &padded[padded.len() - group.private_len()..];
        let share = bytes(&case, "public");
        let shared = provider.key_exchange_from(group, private).unwrap().complete(&share);
        if is_valid(&case) && share.first() == Some(&4) {
            assert_eq!(shared.unwrap().expose(), bytes(&case, "shared"), "{case}");
        } else {
            assert_eq!(shared.err(), Some(CryptoError::InvalidKey), "{case}");
        }
    }
}

pub(crate) fn x25519_agrees_with_wycheproof(provider: Provider) {
    for case in load("wycheproof/x25519.json") {
        let ours = provider.key_exchange_from(NamedGroup::X25519, &bytes(&case, "private")).unwrap();
        let shared = ours.complete(&bytes(&case, "public"));
        if has_flag(&case, "ZeroSharedSecret") {
            assert_eq!(shared.err(), Some(CryptoError::InvalidKey), "{case}");
        } else {
            assert_eq!(shared.unwrap().expose(), bytes(&case, "shared"), "{case}");
        }
    }
}

/// Lengths of the client's share, the server's share and the secret.
const fn lengths(group: NamedGroup) -> (usize, usize, usize) {
    match group {
        NamedGroup::Secp256r1 => (65, 65, 32),
        NamedGroup::Secp384r1 => (97, 97, 48),
        NamedGroup::X25519 => (32, 32, 32),
        NamedGroup::X25519MlKem768 => (1216, 1120, 64),
    }
}

pub(crate) fn both_sides_of_every_group_agree(provider: Provider) {
    let mut rng = Seed::from_u64(1).rng();
    for &group in provider.groups() {
        let client = provider.key_exchange(group, &mut rng).unwrap();
        let (share, ours) = provider.key_exchange_answer(group, client.public_share(), &mut rng).unwrap();
        let lens = (client.public_share().len(), share.len(), ours.len());
        assert_eq!((client.group(), lens), (group, lengths(group)));
        assert_eq!(client.complete(&share).unwrap().expose(), ours.expose());
        // The other way round, for groups whose two shares look the same.
        if group != NamedGroup::X25519MlKem768 {
            let again = provider.key_exchange(group, &mut rng).unwrap();
            assert_ne!(again.public_share(), share);
        }
    }
}

pub(crate) fn every_group_refuses_malformed_shares(provider: Provider) {
    let mut rng = Seed::from_u64(2).rng();
    for &group in provider.groups() {
        let (client_len, server_len, _) = lengths(group);
        for len in [0, 1, client_len - 1, client_len + 1, server_len - 1, server_len + 1] {
            let share = vec![4; len];
            let client = provider.key_exchange(group, &mut rng).unwrap();
            assert_eq!(client.complete(&share).err(), Some(CryptoError::InvalidKey), "{group:?} {len}");
            let answer = provider.key_exchange_answer(group, &share, &mut rng);
            assert_eq!(answer.err(), Some(CryptoError::InvalidKey), "{group:?} {len}");
        }
        let client = provider.key_exchange(group, &mut rng).unwrap();
        assert_eq!(
            client.complete(&vec![0; server_len]).err(),
            Some(CryptoError::InvalidKey),
            "{group:?} of zeros"
        );
    }
}

/// FIPS 203, section 7.2: every coefficient must be below the modulus.
pub(crate) fn the_hybrid_refuses_an_encapsulation_key_out_of_range(provider: Provider) {
    let group = NamedGroup::X25519MlKem768;
    let mut rng = Seed::from_u64(3).rng();
    let mut share = provider.key_exchange(group, &mut rng).unwrap().public_share().to_vec();
    assert!(provider.key_exchange_answer(group, &share, &mut rng).is_ok());
    share[..2].fill(0xff);
    assert_eq!(provider.key_exchange_answer(group, &share, &mut rng).err(), Some(CryptoError::InvalidKey));
}

#[cfg(feature = "aws-lc-rs")]
pub(crate) fn equal_seeds_give_other_shares(provider: Provider) {
    for &group in provider.groups() {
        let share = || {
            let mut rng = Seed::from_u64(7).rng();
            provider.key_exchange(group, &mut rng).unwrap().public_share().to_vec()
        };
        assert_ne!(share(), share(), "{group:?}");
    }
}

#[cfg(feature = "aws-lc-rs")]
pub(crate) fn its_shares_agree_with_those_of_the_others(provider: Provider) {
    let mut rng = Seed::from_u64(8).rng();
    for &group in provider.groups() {
        for (client, server) in
            [(provider, sendrecv_crypto::rustcrypto()), (sendrecv_crypto::rustcrypto(), provider)]
        {
            let ours = client.key_exchange(group, &mut rng).unwrap();
            let (share, secret) = server.key_exchange_answer(group, ours.public_share(), &mut rng).unwrap();
            assert_eq!(ours.complete(&share).unwrap().expose(), secret.expose(), "{group:?}");
        }
    }
}

pub(crate) fn equal_seeds_give_equal_shares(provider: Provider) {
    for &group in provider.groups() {
        let run = |seed| {
            let mut rng = Seed::from_u64(seed).rng();
            let client = provider.key_exchange(group, &mut rng).unwrap();
            let (share, secret) =
                provider.key_exchange_answer(group, client.public_share(), &mut rng).unwrap();
            (client.public_share().to_vec(), share, secret.expose().to_vec())
        };
        assert_eq!(run(4), run(4));
        assert_ne!(run(4), run(5));
    }
}

pub(crate) fn every_provider_draws_the_same_shares(provider: Provider) {
    for &group in provider.groups() {
        let (mut ours, mut reference) = (Seed::from_u64(6).rng(), Seed::from_u64(6).rng());
        let client = provider.key_exchange(group, &mut ours).unwrap();
        let other = sendrecv_crypto::rustcrypto().key_exchange(group, &mut reference).unwrap();
        assert_eq!(client.public_share(), other.public_share());
        let answer = provider.key_exchange_answer(group, client.public_share(), &mut ours).unwrap();
        let theirs =
            sendrecv_crypto::rustcrypto().key_exchange_answer(group, client.public_share(), &mut reference);
        assert_eq!(answer.0, theirs.unwrap().0);
        assert_eq!(other.complete(&answer.0).unwrap().expose(), answer.1.expose());
    }
}

pub(crate) fn private_shares_out_of_range_are_refused(provider: Provider) {
    for group in [NamedGroup::Secp256r1, NamedGroup::Secp384r1] {
        for byte in [0, 0xff] {
            let private = vec![byte; group.private_len()];
            assert_eq!(provider.key_exchange_from(group, &private).err(), Some(CryptoError::InvalidKey));
        }
    }
    for &group in provider.groups() {
        for len in [0, group.private_len() - 1, group.private_len() + 1] {
            let made = provider.key_exchange_from(group, &vec![1; len]);
            assert_eq!(made.err(), Some(CryptoError::InvalidKey), "{group:?} {len}");
        }
    }
}
