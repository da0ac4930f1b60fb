//! Ours, with either provider.

use super::{Pair, Stack};
use sendrecv_core::{Instant, Machine, PacketBuf, Seed, Writer};
use sendrecv_crypto::{CryptoProvider, HashAlgorithm, NamedGroup};
use sendrecv_dtls::{Certificate, Config, Dtls, Event, Fingerprint, HEADROOM, Role, TAILROOM, Version};
use std::sync::Arc;

const NOW: Instant = Instant::from_millis(1);

struct Ours {
    client: Dtls,
    server: Dtls,
    slab: Box<[u8; 2048]>,
}

pub(crate) fn stack(provider: &'static dyn CryptoProvider, version: Version, group: NamedGroup) -> Stack {
    let make = |seed| {
        let certificate =
            Certificate::generate(provider, &Seed::from_u64(seed), 1_795_305_600, 31).expect("a key");
        let fingerprint = certificate.fingerprint(provider, HashAlgorithm::Sha256).expect("a hash");
        (Arc::new(certificate), fingerprint)
    };
    let ends = [(Role::Client, make(1)), (Role::Server, make(2))];
    let mut seed = 0;
    Stack::new(&format!("sendrecv-{}", provider.name()), move || {
        seed += 2;
        let end = |own: usize, number| {
            let (role, (certificate, _)) = &ends[own];
            let config = Config {
                min_version: version,
                max_version: version,
                groups: vec![group],
                ..Config::new(provider, certificate.clone())
            };
            let other: Fingerprint = ends[1 - own].1.1.clone();
            let mut dtls = Dtls::new(config, *role, &Seed::from_u64(number), NOW);
            dtls.set_remote_fingerprints(NOW, vec![other]);
            dtls
        };
        let mut pair = Ours { client: end(0, seed), server: end(1, seed + 1), slab: Box::new([0; 2048]) };
        let datagrams = pair.connect();
        (Box::new(pair), datagrams)
    })
}

impl Ours {
    fn connect(&mut self) -> usize {
        let (mut datagrams, mut connected) = (0, 0);
        while connected < 2 {
            for (from, to) in [(&mut self.client, &mut self.server)] {
                datagrams += flow(from, to, &mut self.slab[..]);
                datagrams += flow(to, from, &mut self.slab[..]);
                for end in [from, to] {
                    while let Some(event) = end.poll_event() {
                        assert!(matches!(event, Event::Connected(_)), "{event:?}");
                        connected += 1;
                    }
                }
            }
        }
        datagrams + flow(&mut self.client, &mut self.server, &mut self.slab[..])
    }
}

/// Everything one end has to send.
fn flow(from: &mut Dtls, to: &mut Dtls, slab: &mut [u8]) -> usize {
    let mut datagrams = 0;
    loop {
        let mut out = PacketBuf::new(slab, 0, 0);
        if from.poll_transmit(NOW, &mut out).is_none() {
            return datagrams;
        }
        datagrams += 1;
        to.handle_datagram(NOW, out.finish()).expect("of the peer");
    }
}

impl Pair for Ours {
    fn carry(&mut self, payload: &[u8]) -> usize {
        let mut packet = PacketBuf::new(&mut self.slab[..], HEADROOM, TAILROOM);
        packet.put(payload).expect("room");
        self.client.seal(NOW, &mut packet).expect("connected");
        let records = self.server.handle_datagram(NOW, packet.finish()).expect("authentic");
        records.map(|record| record.len()).sum()
    }
}
