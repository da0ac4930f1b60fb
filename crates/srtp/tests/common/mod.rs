//! What the tests share: packets, sessions, and protecting into a vector.
#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used)]

use sendrecv_core::{PacketBuf, Writer};
use sendrecv_crypto::default_provider;
use sendrecv_srtp::{MasterKey, Options, ProtectError, Session, SrtpProfile, TAILROOM};

pub(crate) const SSRC: u32 = 0xcafe_babe;

/// The keys of a side named by a number.
pub(crate) fn master_key(profile: SrtpProfile, side: u8) -> MasterKey {
    MasterKey::new(&vec![side; profile.key_len()], &vec![!side; profile.salt_len()])
}

/// Two sessions with each other's keys.
pub(crate) fn pair(profile: SrtpProfile, options: &Options) -> (Session, Session) {
    let (a, b) = (master_key(profile, 1), master_key(profile, 2));
    let session = |local, remote| Session::new(default_provider(), profile, local, remote, options).unwrap();
    (session(&a, &b), session(&b, &a))
}

pub(crate) fn rtp(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.put_u16(sequence).unwrap();
    packet.put_u32(0x1234_5678).unwrap();
    packet.put_u32(ssrc).unwrap();
    packet.put(payload).unwrap();
    packet
}

pub(crate) fn rtcp(ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 1];
    packet.put_u32(ssrc).unwrap();
    packet.put(payload).unwrap();
    packet
}

pub(crate) fn protect(session: &mut Session, plain: &[u8]) -> Result<Vec<u8>, ProtectError> {
    sealed(plain, |packet| session.protect(packet))
}

pub(crate) fn protect_rtcp(session: &mut Session, plain: &[u8]) -> Result<Vec<u8>, ProtectError> {
    sealed(plain, |packet| session.protect_rtcp(packet))
}

fn sealed(
    plain: &[u8],
    seal: impl FnOnce(&mut PacketBuf<'_>) -> Result<(), ProtectError>,
) -> Result<Vec<u8>, ProtectError> {
    let mut slab = vec![0; plain.len() + TAILROOM + 7];
    let mut packet = PacketBuf::new(&mut slab, 7, TAILROOM);
    packet.put(plain).unwrap();
    seal(&mut packet)?;
    Ok(packet.bytes().to_vec())
}
