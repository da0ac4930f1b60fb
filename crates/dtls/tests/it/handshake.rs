//! Whole handshakes between two of ours.

use crate::common::{Link, Pair, config, only};
use sendrecv_crypto::NamedGroup;
use sendrecv_dtls::{CipherSuite, Config, Role, SrtpProfile, Version};

fn pair(change: impl Fn(Config) -> Config) -> Pair {
    Pair::new(change(config(Role::Client)), change(config(Role::Server)), 1, Link::PERFECT)
}

#[test]
fn version_1_3_with_post_quantum_keys_is_the_default() {
    let mut pair = pair(|config| config);
    assert!(pair.connect(), "{:?} {:?}", pair.client.events, pair.server.events);
    let info = pair.client.connected.clone().unwrap();
    assert_eq!((info.version, info.group), (Version::Dtls13, NamedGroup::X25519MlKem768));
    assert_eq!(info.srtp_profile, Some(SrtpProfile::AeadAes128Gcm));
    assert_eq!(info.peer_certificate, crate::common::certificate(Role::Server).der());
    assert_eq!(
        pair.server.connected.as_ref().unwrap().peer_certificate,
        crate::common::certificate(Role::Client).der()
    );
    pair.assert_works();
}

#[test]
fn every_suite_and_group_works() {
    for suite in CipherSuite::ALL.iter().filter(|suite| suite.suits(sendrecv_dtls::KeyKind::EcdsaP256)) {
        for group in crate::common::provider().groups() {
            if suite.version() == Version::Dtls12 && *group == NamedGroup::X25519MlKem768 {
                continue;
            }
            let change = |config| {
                let config = only(suite.version(), config);
                Config { cipher_suites: vec![*suite], groups: vec![*group], ..config }
            };
            let mut pair = pair(change);
            assert!(pair.connect(), "{suite:?} {group:?} {:?} {:?}", pair.client.events, pair.server.events);
            let info = pair.server.connected.clone().unwrap();
            assert_eq!((info.cipher_suite, info.group), (*suite, *group));
            pair.assert_works();
        }
    }
}
