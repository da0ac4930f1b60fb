//! Recorded handshakes of OpenSSL and of browsers, damaged in every way that corpora of other stacks have: cut off, with
//! lying lengths, out of order, doubled, in overlapping fragments that contradict each other, in floods.
//!
//! Nothing may panic, hold more than it should, spin, or connect. `SENDRECV_DEEP=1` tries every position.

use crate::common::config;
use sendrecv_core::{Instant, Machine, PacketBuf, Rng, Seed};
use sendrecv_crypto::{HashAlgorithm, NamedGroup};
use sendrecv_dtls::wire::fragment::Fragment;
use sendrecv_dtls::{Config, ConnectionId, ConnectionState, Dtls, Fingerprint, Role, Version};
use std::time::Duration;

/// Bytes that one connection may hold for a peer that is not known.
const MAX_HELD: usize = 48 << 10;

type Datagrams = Vec<Vec<u8>>;

/// What each side sent, as `(to, datagrams)`.
fn recordings() -> Vec<(Role, Datagrams)> {
    let mut all = Vec::new();
    for json in [
        include_str!("../../../../tests/vectors/dtls/openssl12/ecdsa-aes128gcm-cookie.json"),
        include_str!("../../../../tests/vectors/dtls/openssl12/ecdsa-aes256gcm-p384-gcm256.json"),
        include_str!("../../../../tests/vectors/dtls/openssl12/rsa-aes128gcm-mtu300-fragments.json"),
        include_str!("../../../../tests/vectors/dtls/openssl12/rsa-aes128gcm-x25519-cm80.json"),
    ] {
        let recording: serde_json::Value = serde_json::from_str(json).unwrap();
        for (direction, to) in [("c2s", Role::Server), ("s2c", Role::Client)] {
            let datagrams = recording["datagrams"].as_array().unwrap().iter();
            let sent = datagrams.filter(|datagram| datagram["dir"] == direction);
            all.push((
                to,
                sent.map(|datagram| hex::decode(datagram["hex"].as_str().unwrap()).unwrap()).collect(),
            ));
        }
    }
    let browsers: serde_json::Value =
        serde_json::from_str(include_str!("../../../../tests/vectors/dtls/browser_hellos.json")).unwrap();
    for sides in browsers.as_object().unwrap().values().filter_map(serde_json::Value::as_object) {
        for (side, datagrams) in sides {
            let to = if side.contains("client") { Role::Server } else { Role::Client };
            let Some(datagrams) = datagrams.as_array() else { continue };
            let bytes = datagrams.iter().filter_map(|datagram| hex::decode(datagram.as_str()?).ok());
            all.push((to, bytes.collect()));
        }
    }
    all
}

fn step(few: usize) -> usize {
    if std::env::var("SENDRECV_DEEP").is_ok_and(|value| value == "1") { 1 } else { few }
}

/// Somebody who has all options on and has been told nobody's fingerprint that comes here.
struct Victim {
    dtls: Dtls,
    now: Instant,
}

impl Victim {
    fn new(role: Role, variant: usize) -> Self {
        let config = Config {
            groups: vec![NamedGroup::X25519, NamedGroup::Secp256r1],
            key_shares: 1,
            cookie: variant % 2 == 1,
            connection_id: (variant % 3 == 1).then(|| ConnectionId::new(b"id").unwrap()),
            max_version: if variant % 4 < 2 { Version::Dtls13 } else { Version::Dtls12 },
            require_extended_master_secret: !variant.is_multiple_of(5),
            ..config(role)
        };
        let now = Instant::from_millis(1);
        let mut dtls = Dtls::new(config, role, &Seed::from_u64(1), now);
        if !variant.is_multiple_of(7) {
            dtls.set_remote_fingerprints(
                now,
                vec![Fingerprint::new(HashAlgorithm::Sha256, &[1; 32]).unwrap()],
            );
        }
        let mut victim = Self { dtls, now };
        victim.drain();
        victim
    }

    fn drain(&mut self) {
        for _ in 0..64 {
            let mut slab = [0; 1500];
            let mut out = PacketBuf::new(&mut slab, 0, 0);
            if self.dtls.poll_transmit(self.now, &mut out).is_none() {
                break;
            }
        }
        let mut slab = [0; 1500];
        let silent = self.dtls.poll_transmit(self.now, &mut PacketBuf::new(&mut slab, 0, 0)).is_none();
        assert!(silent, "polling ends");
        while self.dtls.poll_event().is_some() {}
        assert!(self.dtls.poll_timeout().is_none_or(|deadline| deadline > self.now));
        assert!(self.dtls.buffered_bytes() <= MAX_HELD);
        assert_ne!(self.dtls.state(), ConnectionState::Connected);
    }

    fn take(&mut self, datagram: &[u8]) {
        let mut datagram = datagram.to_vec();
        assert_eq!(self.dtls.handle_datagram(self.now, &mut datagram).map_or(0, Iterator::count), 0);
        self.drain();
        self.now += Duration::from_millis(7);
        self.dtls.handle_timeout(self.now);
        self.drain();
    }
}

/// Hands over the datagrams, the `at`-th of them changed.
fn play(to: Role, datagrams: &[Vec<u8>], at: usize, changed: &[u8], variant: usize) {
    let mut victim = Victim::new(to, variant);
    for datagram in datagrams.iter().take(at) {
        victim.take(datagram);
    }
    victim.take(changed);
    for datagram in datagrams.iter().skip(at) {
        victim.take(datagram);
    }
}

/// Where in a datagram the headers and first fields of messages are, which matter most, and then some.
fn positions(datagram: &[u8], few: usize) -> impl Iterator<Item = usize> + '_ {
    let step = step(few);
    (0..datagram.len()).filter(move |at| *at % step == 0 || *at < 27 && *at % 3 == 0)
}

#[test]
fn recordings_cut_off_anywhere() {
    let mut variant = 0;
    for (to, datagrams) in recordings() {
        for (at, datagram) in datagrams.iter().enumerate() {
            for len in positions(datagram, 67) {
                variant += 1;
                play(to, &datagrams, at, &datagram[..len], variant);
            }
        }
    }
}

#[test]
fn recordings_with_changed_bytes_and_lying_lengths() {
    let mut variant = 0;
    for (to, datagrams) in recordings() {
        for (at, datagram) in datagrams.iter().enumerate() {
            for position in positions(datagram, 73) {
                for lie in [&[0xff, 0xff, 0xff][..], &[0, 0], &[0, 0, 1], &[0x7f]] {
                    variant += 1;
                    let mut changed = datagram.clone();
                    for (to, from) in changed.iter_mut().skip(position).zip(lie) {
                        *to = *from;
                    }
                    play(to, &datagrams, at, &changed, variant);
                }
            }
        }
    }
}

#[test]
fn recordings_out_of_order_doubled_and_mixed() {
    let all = recordings();
    let mut rng = Seed::from_u64(4).rng();
    for variant in 0..200 {
        let mut victim = Victim::new(if variant % 2 == 0 { Role::Client } else { Role::Server }, variant);
        for _ in 0..20 {
            let (_, datagrams) = &all[rng.below(all.len() as u64) as usize];
            if !datagrams.is_empty() {
                let datagram = &datagrams[rng.below(datagrams.len() as u64) as usize];
                (0..=rng.below(3)).for_each(|_| victim.take(datagram));
            }
        }
    }
}

/// Plaintext handshake messages of a recording, whole, with kind and number.
fn messages(datagrams: &[Vec<u8>]) -> Vec<(u8, u16, Vec<u8>)> {
    let mut messages: Vec<(u8, u16, Vec<u8>)> = Vec::new();
    for datagram in datagrams {
        let mut at = 0;
        while at + 25 <= datagram.len() && (20..26).contains(&datagram[at]) {
            let len = usize::from(u16::from_be_bytes([datagram[at + 11], datagram[at + 12]]));
            let mut reader = sendrecv_core::Reader::new(&datagram[at + 13..at + 13 + len]);
            if datagram[at] == 22
                && datagram[at + 4] == 0
                && let Ok(fragment) = Fragment::parse(&mut reader)
            {
                let seq = fragment.message_seq;
                if messages.iter().all(|message| message.1 != seq) {
                    messages.push((fragment.kind.0, seq, vec![0; fragment.length as usize]));
                }
                let body = &mut messages.iter_mut().find(|message| message.1 == seq).unwrap().2;
                body[fragment.offset as usize..][..fragment.data.len()].copy_from_slice(fragment.data);
            }
            at += 13 + len;
        }
    }
    messages
}

/// A record with one fragment; every lie is possible.
fn piece(kind: u8, seq: u16, length: u32, offset: u32, claimed: u32, data: &[u8], number: u32) -> Vec<u8> {
    let three = |value: u32| [(value >> 16) as u8, (value >> 8) as u8, value as u8];
    let header = [&[kind][..], &three(length), &seq.to_be_bytes(), &three(offset), &three(claimed)].concat();
    let content_len = u16::try_from(header.len() + data.len()).unwrap().to_be_bytes();
    let front = [&[22, 0xfe, 0xfd, 0, 0, 0, 0][..], &number.to_be_bytes(), &content_len].concat();
    [front, header, data.to_vec()].concat()
}

fn lying_piece(rng: &mut Rng, (kind, seq, body): &(u8, u16, Vec<u8>), number: u32) -> Vec<u8> {
    let len = body.len() as u64;
    let offset = rng.below(len.max(1));
    let data = &body[offset as usize..(offset + rng.below(60)).min(len) as usize];
    let mut data = data.to_vec();
    if rng.chance(1, 3) {
        data.iter_mut().for_each(|byte| *byte ^= 0x55);
    }
    let lie = |rng: &mut Rng, honest: u64| match rng.below(12) {
        0 => 0,
        1 => 0xff_ffff,
        2 => honest as u32 + 1,
        _ => honest as u32,
    };
    let (length, claimed) = (lie(rng, len), lie(rng, data.len() as u64));
    let offset = lie(rng, offset);
    let kind = if rng.chance(1, 10) { rng.below(25) as u8 } else { *kind };
    let seq = if rng.chance(1, 10) { rng.below(65_536) as u16 } else { *seq };
    piece(kind, seq, length, offset, claimed, &data, number)
}

#[test]
fn messages_in_overlapping_fragments_that_contradict_each_other() {
    let mut rng = Seed::from_u64(5).rng();
    for (variant, (to, datagrams)) in recordings().into_iter().enumerate() {
        let messages = messages(&datagrams);
        for round in 0..step(24).clamp(1, 8) * 2 {
            let mut victim = Victim::new(to, variant + round);
            for number in 0..150 {
                if let Some(message) = messages.get(rng.below(messages.len().max(1) as u64) as usize) {
                    let several = (0..=rng.below(4)).flat_map(|_| lying_piece(&mut rng, message, number));
                    let several: Vec<u8> = several.collect();
                    victim.take(&several);
                }
            }
        }
    }
}

/// Overlaps that agree, in any order, give the messages: the first answer is what it would be for whole ones.
#[test]
fn overlapping_fragments_that_agree_are_as_good_as_whole_messages() {
    let mut rng = Seed::from_u64(6).rng();
    for (to, datagrams) in recordings().into_iter().filter(|(to, _)| *to == Role::Server) {
        let messages = messages(&datagrams);
        let Some((kind, seq, body)) = messages.iter().find(|message| message.0 == 1 && message.1 == 0) else {
            continue;
        };
        let mut victim = Victim::new(to, 0);
        let mut starts: Vec<usize> = (0..body.len()).step_by(23).collect();
        for at in (1..starts.len()).rev() {
            starts.swap(at, rng.below(at as u64 + 1) as usize);
        }
        for start in starts {
            let data = &body[start..body.len().min(start + 40)];
            let len = data.len() as u32;
            victim.take(&piece(*kind, *seq, body.len() as u32, start as u32, len, data, 0));
        }
        assert!(victim.dtls.version().is_some(), "the hello was understood");
    }
}

#[test]
fn floods_of_records() {
    let mut rng = Seed::from_u64(7).rng();
    for role in [Role::Client, Role::Server] {
        let mut victim = Victim::new(role, 1);
        for _ in 0..2000 {
            let kind = rng.below(64) as u8;
            let records = (0..rng.below(100)).flat_map(|_| {
                [&[kind, 0xfe, 0xfd, 0, (kind & 1), 0, 0, 0, 0, 0, 0, 0, 2][..], &[rng.below(256) as u8, 0]]
                    .concat()
            });
            let records: Vec<u8> = records.collect();
            victim.take(&records);
        }
    }
}
