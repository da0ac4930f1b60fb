//! A peer that has the keys and sends every message of the handshake malformed, once each: cut off, longer, with other
//! bytes and lying lengths. The other side must notice, say so, and never connect.

use super::tests::{carry, ends};
use super::*;
use crate::handshake::flight::Flight;

/// What can be done to a message's body.
#[derive(Clone, Copy, Debug)]
enum Damage {
    CutTo(usize),
    Longer,
    Overwrite(usize, &'static [u8]),
}

impl Damage {
    fn apply(self, body: &mut Vec<u8>) {
        match self {
            Self::CutTo(len) => body.truncate(len),
            Self::Longer => body.extend_from_slice(&[0; 5]),
            Self::Overwrite(at, bytes) => {
                for (to, from) in body.iter_mut().skip(at).zip(bytes) {
                    *to = *from;
                }
            }
        }
    }
}

/// Every kind of damage to a body of this length, at some of the places.
fn damages(len: usize) -> Vec<Damage> {
    let step = if std::env::var("SENDRECV_DEEP").is_ok() { 1 } else { (len / 8).max(1) };
    let places = (0..len).filter(|at| at % step == 0 || *at < 4);
    let mut damages: Vec<_> = places.clone().map(Damage::CutTo).collect();
    damages.push(Damage::Longer);
    for at in places {
        let lies: [&[u8]; 3] = [&[0xff, 0xff, 0xff], &[0], &[0x01, 0x80]];
        damages.extend(lies.map(|bytes| Damage::Overwrite(at, bytes)));
    }
    damages
}

/// Runs a handshake in which the `index`-th message of `liar` is damaged; `false` when there is no such message, or it
/// stays what it was.
fn shake(version: Version, liar: Role, index: usize, damage: Damage) -> bool {
    let (mut client, mut server) = ends(version, None);
    let mut seen = 0;
    let mut changed = None;
    for _ in 0..3 {
        for sender in [Role::Client, Role::Server] {
            let (from, to) = match sender {
                Role::Client => (&mut client, &mut server),
                Role::Server => (&mut server, &mut client),
            };
            if sender == liar && changed.is_none() && from.session.flight.is_sending() {
                changed = damage_one(&mut from.session.flight, index, &mut seen, damage);
            }
            carry(from, to);
        }
    }
    let victim = if liar == Role::Client { &server } else { &client };
    if changed == Some(true) {
        assert_ne!(victim.state(), ConnectionState::Connected, "{version:?} {liar:?} {index} {damage:?}");
    }
    changed == Some(true)
}

fn damage_one(flight: &mut Flight, index: usize, seen: &mut usize, damage: Damage) -> Option<bool> {
    for body in flight.bodies_mut() {
        *seen += 1;
        if *seen == index + 1 {
            let before = body.clone();
            damage.apply(body);
            return Some(*body != before);
        }
    }
    None
}

/// Lengths of the messages of one side, in order.
fn lengths(version: Version, side: Role) -> Vec<usize> {
    let (mut client, mut server) = ends(version, None);
    let mut lengths = Vec::new();
    for _ in 0..3 {
        for sender in [Role::Client, Role::Server] {
            let (from, to) = match sender {
                Role::Client => (&mut client, &mut server),
                Role::Server => (&mut server, &mut client),
            };
            if sender == side && from.session.flight.is_sending() {
                lengths.extend(from.session.flight.bodies_mut().map(|body| body.len()));
            }
            carry(from, to);
        }
    }
    lengths
}

#[test]
fn malformed_messages_of_a_peer_with_keys_never_connect() {
    for version in [Version::Dtls12, Version::Dtls13] {
        for liar in [Role::Client, Role::Server] {
            let lengths = lengths(version, liar);
            assert!(lengths.len() >= 4, "{version:?} {liar:?} {lengths:?}");
            for (index, len) in lengths.into_iter().enumerate() {
                let tried =
                    damages(len).into_iter().filter(|damage| shake(version, liar, index, *damage)).count();
                assert!(tried > 0 || len == 0, "{version:?} {liar:?} {index}");
            }
        }
    }
}
