//! Nonces and key limits, over long random lives of connections.
//!
//! `SENDRECV_DEEP=1` tries a thousand lives.

use crate::common::{Link, Pair, config, only};
use crate::watch;
use proptest::prelude::*;
use sendrecv_crypto::NamedGroup;
use sendrecv_dtls::{CipherSuite, Config, ConnectionId, ConnectionIdUsage, Role, Version};
use std::time::Duration;

/// What may happen to a connection.
#[derive(Clone, Debug)]
enum Op {
    Send(bool, usize),
    Update(bool),
    Run(u64),
    LoseEverything,
    Mtu(bool, usize),
    OfferId(bool, u8),
    Again(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => (any::<bool>(), 0usize..300).prop_map(|(client, len)| Op::Send(client, len)),
        1 => any::<bool>().prop_map(Op::Update),
        6 => (1u64..120).prop_map(Op::Run),
        1 => Just(Op::LoseEverything),
        1 => (any::<bool>(), 200usize..1400).prop_map(|(client, mtu)| Op::Mtu(client, mtu)),
        1 => (any::<bool>(), any::<u8>()).prop_map(|(client, id)| Op::OfferId(client, id)),
        2 => any::<usize>().prop_map(Op::Again),
    ]
}

fn role(client: bool) -> Role {
    if client { Role::Client } else { Role::Server }
}

fn cases(few: u32) -> ProptestConfig {
    let deep = std::env::var("SENDRECV_DEEP").is_ok_and(|value| value == "1");
    ProptestConfig::with_cases(if deep { 1000 } else { few })
}

fn apply(pair: &mut Pair, op: &Op) {
    let now = pair.now;
    match op {
        Op::Send(client, len) => {
            if let Some(datagram) = pair.try_seal(role(*client), &vec![7; *len]) {
                pair.post(role(*client).peer(), datagram);
            }
        }
        Op::Update(client) => pair.end(role(*client)).dtls.update_key(now),
        Op::Run(millis) => pair.run(Duration::from_millis(*millis)),
        Op::LoseEverything => pair.lose_everything_in_flight(),
        Op::Mtu(client, mtu) => pair.end(role(*client)).dtls.set_mtu(*mtu),
        Op::OfferId(client, id) => {
            let id = ConnectionId::new(&[*id, *id]).unwrap();
            let _ =
                pair.end(role(*client)).dtls.offer_connection_ids(now, &[id], ConnectionIdUsage::Immediate);
        }
        // What was on the wire once comes again.
        Op::Again(at) => {
            let at = at % pair.copies.len().max(1);
            if let Some((copy, to)) = pair.copies.get(at).cloned().zip(pair.copies_to.get(at).copied()) {
                pair.deliver(to, copy);
            }
        }
    }
    pair.drain();
}

proptest! {
    #![proptest_config(cases(32))]

    /// The provider asserts at every seal that this key has not seen this nonce.
    #[test]
    fn no_key_ever_sees_a_nonce_twice(
        is_13: bool,
        with_ids: bool,
        suite in 0usize..3,
        update_after in 2u64..40,
        loss in 0u64..35,
        seed: u64,
        ops in prop::collection::vec(op(), 1..250),
    ) {
        watch::reset();
        let version = if is_13 { Version::Dtls13 } else { Version::Dtls12 };
        let suites = [
            [CipherSuite::Aes128GcmSha256, CipherSuite::EcdheEcdsaAes128GcmSha256],
            [CipherSuite::Aes256GcmSha384, CipherSuite::EcdheEcdsaAes256GcmSha384],
            [CipherSuite::ChaCha20Poly1305Sha256, CipherSuite::EcdheEcdsaChaCha20Poly1305Sha256],
        ];
        let end = |role| Config {
            provider: watch::provider(),
            groups: vec![NamedGroup::X25519],
            cipher_suites: suites[suite].to_vec(),
            key_update_after: update_after,
            connection_id: with_ids.then(|| ConnectionId::new(b"id").unwrap()),
            mtu: 400,
            ..only(version, config(role))
        };
        let link = Link { loss, reorder: 20, duplication: 20, ..Link::PERFECT };
        let mut pair = Pair::new(end(Role::Client), end(Role::Server), seed, link);
        pair.keep_copies = true;
        for op in &ops {
            apply(&mut pair, op);
        }
        prop_assert!(pair.connect());
        pair.assert_works();
        prop_assert!(watch::sealed_per_key().len() >= 2);
    }

    #[test]
    fn keys_are_changed_when_they_are_due(update_after in 1u64..60, step in 1u64..20) {
        watch::reset();
        let end = |role| Config {
            provider: watch::provider(),
            groups: vec![NamedGroup::X25519],
            key_update_after: update_after,
            ..only(Version::Dtls13, config(role))
        };
        let mut pair = Pair::new(end(Role::Client), end(Role::Server), 1, Link::PERFECT);
        prop_assert!(pair.connect());
        for _ in 0..40 {
            for _ in 0..step {
                pair.send(Role::Client, b"data");
            }
            // The KeyUpdate and its acknowledgement.
            pair.run(Link::PERFECT.delay * 3);
        }
        // What is sent until the acknowledgement comes, and the KeyUpdate, acknowledgements and the like.
        let most = update_after.max(4) + step + 4;
        prop_assert!(watch::sealed_per_key().iter().all(|sealed| *sealed <= most), "{:?}", watch::sealed_per_key());
        prop_assert!(pair.client.dtls.stats().key_updates_sent >= 40 * step / (most + step));
        pair.assert_works();
    }
}
