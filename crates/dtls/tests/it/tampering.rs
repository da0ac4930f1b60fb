//! What somebody on the path may do to the plaintext of a handshake: nothing that both sides do not notice.
//!
//! Whoever connects although something was changed has agreed on what would have been agreed without it: the change hit
//! what has no meaning, or was repaired by sending again.

use crate::common::{Link, Pair, config, only};
use proptest::prelude::*;
use sendrecv_crypto::NamedGroup;
use sendrecv_dtls::{Config, ConnectedInfo, ConnectionId, Role, Version};

/// Ends that have a choice of everything.
fn pair(version: Version, cookie: bool) -> Pair {
    let end = |role| Config {
        groups: vec![NamedGroup::X25519, NamedGroup::Secp256r1, NamedGroup::Secp384r1],
        cookie,
        connection_id: ConnectionId::new(b"id"),
        max_version: version,
        ..config(role)
    };
    Pair::new(end(Role::Client), end(Role::Server), 1, Link::PERFECT)
}

fn baseline(version: Version, cookie: bool) -> (ConnectedInfo, ConnectedInfo) {
    let mut pair = pair(version, cookie);
    assert!(pair.connect());
    (pair.client.connected.unwrap(), pair.server.connected.unwrap())
}

/// Runs a handshake that was tampered with and judges it.
fn judge(mut pair: Pair, version: Version, cookie: bool) {
    let both = pair.connect();
    let (client, server) = baseline(version, cookie);
    if let Some(info) = &pair.client.connected {
        assert_eq!(*info, client);
    }
    if let Some(info) = &pair.server.connected {
        assert_eq!(*info, server);
    }
    if both {
        pair.assert_works();
    }
}

const BOTH: [Version; 2] = [Version::Dtls12, Version::Dtls13];

/// One code point of a list becomes one that nobody knows, or an extension's type does.
#[test]
fn taking_choices_away_is_noticed() {
    let unknown = [0x8a, 0x8a];
    let code_points: [&[u8]; 9] = [
        &[0x13, 0x01],             // the suite in 1.3
        &[0xc0, 0x2b],             // the suite in 1.2
        &[0x00, 0x1d],             // X25519
        &[0x00, 43, 0, 5],         // supported_versions
        &[0x00, 51],               // key_share
        &[0x00, 23, 0, 0],         // extended_master_secret
        &[0x00, 14, 0],            // use_srtp
        &[0x00, 54, 0, 3],         // connection_id
        &[0x00, 0x07, 0x00, 0x08], // the first SRTP profile
    ];
    for version in BOTH {
        for cookie in [false, true] {
            for code in code_points {
                let mut tampered = pair(version, cookie);
                let to = [&unknown[..], code.get(2..).unwrap_or_default()].concat();
                tampered.tamper = Some((code.to_vec(), to));
                judge(tampered, version, cookie);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var("SENDRECV_DEEP").is_ok() { 3000 } else { 96 }))]

    /// A byte of the plaintext of one side's datagrams, once or every time it is sent.
    #[test]
    fn changed_bytes_change_nothing_that_is_agreed(
        is_13: bool,
        cookie: bool,
        from_client: bool,
        at in 0usize..700,
        mask in 1u8..,
        nth in 0usize..4,
        always: bool,
    ) {
        let version = if is_13 { Version::Dtls13 } else { Version::Dtls12 };
        let mut pair = pair(version, cookie);
        let to = if from_client { Role::Server } else { Role::Client };
        pair.mangle = Some(Box::new(move |receiver, index, datagram| {
            let due = receiver == to && (always || index == nth);
            let plaintext = datagram.first() == Some(&22);
            if let Some(byte) = datagram.get_mut(at).filter(|_| due && plaintext) {
                *byte ^= mask;
            }
        }));
        judge(pair, version, cookie);
    }
}

#[test]
fn a_client_that_can_do_1_3_only_is_never_talked_down() {
    let mut tampered =
        Pair::new(only(Version::Dtls13, config(Role::Client)), config(Role::Server), 1, Link::PERFECT);
    tampered.tamper = Some((vec![0, 43, 0, 3, 2], vec![0xfa, 0xfa, 0, 3, 2]));
    assert!(!tampered.connect());
    assert!(tampered.client.connected.is_none() && tampered.server.connected.is_none());
}
