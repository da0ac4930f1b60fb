//! After the handshake, sealing and opening allocate nothing.
#![cfg(test)]
#![allow(clippy::as_conversions)]

use sendrecv_core::{Instant, Machine, PacketBuf, Seed, Writer};
use sendrecv_crypto::{HashAlgorithm, rustcrypto};
use sendrecv_dtls::{Certificate, Config, ConnectionState, Dtls, HEADROOM, Role, TAILROOM, Version};
use sendrecv_sim::{Allocations, Counting};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn connect(version: Version) -> (Dtls, Dtls) {
    let now = Instant::from_millis(1);
    let make = |role, seed| {
        let certificate = Certificate::generate(rustcrypto(), &Seed::from_u64(seed), 0, 31).unwrap();
        let fingerprint = certificate.fingerprint(rustcrypto(), HashAlgorithm::Sha256).unwrap();
        let mut config = Config::new(rustcrypto(), Arc::new(certificate));
        (config.min_version, config.max_version) = (version, version);
        (Dtls::new(config, role, &Seed::from_u64(seed), now), fingerprint)
    };
    let ((mut client, of_client), (mut server, of_server)) = (make(Role::Client, 1), make(Role::Server, 2));
    client.set_remote_fingerprints(now, vec![of_server]);
    server.set_remote_fingerprints(now, vec![of_client]);
    for _ in 0..10 {
        exchange(now, &mut client, &mut server);
        exchange(now, &mut server, &mut client);
    }
    while client.poll_event().is_some() || server.poll_event().is_some() {}
    assert_eq!((client.state(), server.state()), (ConnectionState::Connected, ConnectionState::Connected));
    (client, server)
}

fn exchange(now: Instant, from: &mut Dtls, to: &mut Dtls) {
    let mut slab = [0; 1500];
    loop {
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        if from.poll_transmit(now, &mut out).is_none() {
            return;
        }
        let _ = to.handle_datagram(now, out.finish()).map(Iterator::count);
    }
}

#[test]
fn sealing_and_opening_allocate_nothing() {
    for version in [Version::Dtls12, Version::Dtls13] {
        let (mut client, mut server) = connect(version);
        let mut slab = [0; 1500];
        let allocations = Allocations::start();
        for i in 0..1000 {
            let now = Instant::from_millis(10 + i);
            let mut packet = PacketBuf::new(&mut slab, HEADROOM, TAILROOM);
            packet.put(&[7; 1200]).unwrap();
            client.seal(now, &mut packet).unwrap();
            let received = server
                .handle_datagram(now, packet.finish())
                .unwrap()
                .map(|payload| payload.len())
                .sum::<usize>();
            assert_eq!(received, 1200);
            server.handle_timeout(now);
            let mut out = PacketBuf::new(&mut slab, 0, 0);
            assert!(server.poll_transmit(now, &mut out).is_none() && server.poll_event().is_none());
        }
        assert_eq!(allocations.count(), 0, "{version:?}");
    }
}
