//! A handshake between two honest ends, with the fuzzer in the middle. Under `cfg(fuzzing)` every record authenticates, so
//! what it injects is read as if the peer had sent it.

use sendrecv_core::{Instant, Machine, PacketBuf, Seed};
use sendrecv_crypto::{HashAlgorithm, NamedGroup, default_provider};
use sendrecv_dtls::{Certificate, Config, ConnectionId, Dtls, Fingerprint, Role, Version};
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

fn certificate() -> (Arc<Certificate>, Fingerprint) {
    static ONE: OnceLock<(Arc<Certificate>, Fingerprint)> = OnceLock::new();
    let make = || {
        let certificate = Certificate::generate(default_provider(), &Seed::from_u64(1), 0, 31).unwrap();
        let fingerprint = certificate.fingerprint(default_provider(), HashAlgorithm::Sha256).unwrap();
        (Arc::new(certificate), fingerprint)
    };
    ONE.get_or_init(make).clone()
}

fn end(role: Role, flags: u8) -> Dtls {
    let (certificate, fingerprint) = certificate();
    let mut config = Config::new(default_provider(), certificate);
    config.groups = vec![NamedGroup::X25519, NamedGroup::Secp256r1];
    config.key_shares = 1;
    config.cookie = flags & 1 != 0;
    config.mtu = if flags & 2 != 0 { 200 } else { 1200 };
    if flags & 4 != 0 {
        config.max_version = Version::Dtls12;
    }
    config.connection_id = ConnectionId::new(b"id").filter(|_| flags & 16 != 0);
    config.key_update_after = if flags & 32 != 0 { 4 } else { 1 << 20 };
    let mut dtls = Dtls::new(config, role, &Seed::from_u64(u64::from(flags)), Instant::ZERO);
    if flags & 8 == 0 {
        dtls.set_remote_fingerprints(Instant::ZERO, vec![fingerprint]);
    }
    dtls
}

fn drain(now: Instant, from: &mut Dtls, wire: &mut VecDeque<Vec<u8>>) {
    let mut slab = [0; 1500];
    for _ in 0..64 {
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        if from.poll_transmit(now, &mut out).is_none() {
            break;
        }
        wire.push_back(out.finish().to_vec());
    }
    while from.poll_event().is_some() {}
    while from.poll_early_data().is_some() {}
    assert!(from.poll_timeout().is_none_or(|deadline| deadline > now));
}

/// `victim` gets what the fuzzer makes of the honest other end's datagrams.
pub fn run(victim: Role, data: &[u8]) {
    let Some((&flags, mut script)) = data.split_first() else { return };
    let (mut victim, mut honest) = (end(victim, flags), end(victim.peer(), flags));
    let (mut to_victim, mut to_honest) = (VecDeque::new(), VecDeque::new());
    let mut now = Instant::from_millis(1);
    for _ in 0..128 {
        drain(now, &mut victim, &mut to_honest);
        while let Some(mut datagram) = to_honest.pop_front() {
            let _ = honest.handle_datagram(now, &mut datagram).map(Iterator::count);
        }
        drain(now, &mut honest, &mut to_victim);
        let Some((&op, rest)) = script.split_first() else { break };
        script = rest;
        let datagram = match op % 6 {
            0 => to_victim.pop_front(),
            1 => to_victim.pop_front().and(None),
            2 => to_victim.pop_back(),
            3 => to_victim.pop_front().map(|mut datagram| {
                let (change, rest) = script.split_at(script.len().min(3));
                script = rest;
                if let [high, low, mask] = *change {
                    let at = usize::from(u16::from_be_bytes([high, low])) % datagram.len();
                    datagram[at] ^= mask;
                }
                datagram
            }),
            4 => {
                let len = script.first().map_or(0, |len| usize::from(*len));
                let (injected, rest) = script.split_at(script.len().min(len + 1));
                script = rest;
                Some(injected.get(1..).unwrap_or_default().to_vec())
            }
            _ => {
                now = now.saturating_add(std::time::Duration::from_millis(u64::from(op)));
                victim.handle_timeout(now);
                honest.handle_timeout(now);
                None
            }
        };
        if let Some(mut datagram) = datagram {
            let _ = victim.handle_datagram(now, &mut datagram).map(Iterator::count);
            assert!(victim.buffered_bytes() <= 48 << 10);
        }
    }
}
