//! Hellos recorded from real browsers.

use crate::common::config;
use sendrecv_core::{Instant, Machine, PacketBuf, Reader, Seed};
use sendrecv_crypto::{HashAlgorithm, NamedGroup};
use sendrecv_dtls::wire::fragment::Fragment;
use sendrecv_dtls::wire::record::RecordHeader;
use sendrecv_dtls::wire::server_hello::ServerHello;
use sendrecv_dtls::wire::{extension, key_share};
use sendrecv_dtls::{ConnectionState, Dtls, Fingerprint, Role, Version};

fn recorded(name: &str, side: &str) -> Vec<Vec<u8>> {
    let json = include_str!("../../../../tests/vectors/dtls/browser_hellos.json");
    let all: serde_json::Value = serde_json::from_str(json).unwrap();
    let datagrams = all[name][side].as_array().unwrap();
    datagrams.iter().map(|datagram| hex::decode(datagram.as_str().unwrap()).unwrap()).collect()
}

/// Hands the datagrams to a server and returns it with the plaintext handshake messages it answers.
fn answer(datagrams: impl Iterator<Item = Vec<u8>>) -> (Dtls, Vec<u8>) {
    let now = Instant::from_millis(1);
    let mut server = Dtls::new(config(Role::Server), Role::Server, &Seed::from_u64(1), now);
    server.set_remote_fingerprints(now, vec![Fingerprint::new(HashAlgorithm::Sha256, &[0; 32]).unwrap()]);
    for mut datagram in datagrams {
        assert!(server.handle_datagram(now, &mut datagram).is_ok());
    }
    let mut hello = Vec::new();
    loop {
        let mut slab = [0; 1500];
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        if server.poll_transmit(now, &mut out).is_none() {
            return (server, hello);
        }
        append_server_hello(out.bytes(), &mut hello);
    }
}

/// Collects the body of the first plaintext ServerHello.
fn append_server_hello(datagram: &[u8], hello: &mut Vec<u8>) {
    let mut reader = Reader::new(datagram);
    while let Ok(Some(header)) = RecordHeader::parse(&mut reader, 0) {
        let mut content = reader.sub(usize::from(header.length)).unwrap();
        let fragment = Fragment::parse(&mut content).unwrap();
        if fragment.kind.0 == 2 {
            hello.extend_from_slice(fragment.data);
        }
    }
}

fn group(hello: &ServerHello<'_>) -> Option<NamedGroup> {
    let content = hello.extensions.get(extension::KEY_SHARE)?;
    NamedGroup::from_code(key_share::KeyShareEntry::parse(content).unwrap().group)
}

#[test]
fn hellos_of_browsers_are_answered_with_what_they_prefer() {
    let pq = Some(NamedGroup::X25519MlKem768);
    let classic = Some(NamedGroup::X25519);
    for (name, version, expected) in [
        ("chromium-datachannel", Version::Dtls13, pq),
        ("chromium-dtls12-client", Version::Dtls13, pq),
        ("chromium-nopqc", Version::Dtls13, classic),
        ("chromium-dtls12-server", Version::Dtls12, None),
        ("firefox-datachannel", Version::Dtls13, pq),
        ("firefox-nopq", Version::Dtls13, classic),
        ("firefox-nopqshare", Version::Dtls13, classic),
        ("firefox-dtls12", Version::Dtls12, None),
    ] {
        let datagrams = recorded(name, "client");
        for order in [datagrams.clone(), datagrams.into_iter().rev().collect()] {
            let (server, hello) = answer(order.into_iter());
            assert_eq!(
                (server.version(), server.state()),
                (Some(version), ConnectionState::Connecting),
                "{name}"
            );
            assert_eq!(group(&ServerHello::parse(&hello).unwrap()), expected, "{name}");
        }
    }
}

#[test]
fn server_hellos_of_browsers_are_read() {
    for name in ["chromium-datachannel", "chromium-nopqc", "firefox-datachannel", "firefox-nopq"] {
        let mut body = Vec::new();
        for datagram in recorded(name, "server") {
            append_server_hello(&datagram, &mut body);
        }
        let hello = ServerHello::parse(&body).unwrap();
        assert!(hello.session_id.is_empty() && !hello.is_retry() && !hello.is_downgrade());
        let version =
            extension::selected_version(hello.extensions.get(extension::SUPPORTED_VERSIONS).unwrap());
        assert_eq!(version, Ok(Version::Dtls13.code()));
        assert!(group(&hello).is_some());
    }
}
