//! sendrecv-stun.

use crate::{BATCH, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};
use sendrecv_benches::Contender;
use sendrecv_core::PacketBuf;
use sendrecv_crypto::{CryptoProvider, rustcrypto};
use sendrecv_stun::attribute::{IceControlling, Priority, UseCandidate, Username};
use sendrecv_stun::{Class, IntegrityKey, Message, MessageBuilder, Method, TransactionId};
use std::hint::black_box;

fn key(provider: &dyn CryptoProvider) -> IntegrityKey {
    IntegrityKey::short_term(provider, PASSWORD).expect("the provider has SHA-1")
}

fn write(out: &mut PacketBuf<'_>, id: TransactionId, key: &IntegrityKey) {
    let mut write = || {
        MessageBuilder::new(out, Class::Request, Method::BINDING, id)?
            .attribute(&Username(USERNAME))?
            .attribute(&Priority(PRIORITY))?
            .attribute(&IceControlling(TIE_BREAKER))?
            .attribute(&UseCandidate)?
            .integrity(key)?
            .fingerprint()
            .map(|_| ())
    };
    write().expect("room");
}

/// The check that all contenders read.
pub fn check() -> Vec<u8> {
    let mut slab = [0; 256];
    let mut packet = PacketBuf::new(&mut slab, 0, 0);
    write(&mut packet, TransactionId([7; 12]), &key(rustcrypto()));
    packet.bytes().to_vec()
}

pub fn parse(provider: &'static dyn CryptoProvider, check: &[u8]) -> Contender<'static> {
    let (check, key) = (check.to_vec(), key(provider));
    Contender::new(&format!("sendrecv-{}", provider.name()), move || {
        for _ in 0..BATCH {
            let message = Message::parse(black_box(&check)).expect("well-formed");
            message.verify_fingerprint().expect("intact");
            let Username(username) = message.attribute().expect("there");
            let Priority(priority) = message.attribute().expect("there");
            let IceControlling(tie_breaker) = message.attribute().expect("there");
            let nominates = message.attribute::<UseCandidate>().is_some();
            message.verify_integrity(&key).expect("authentic");
            black_box((username, priority, tie_breaker, nominates));
        }
        BATCH
    })
}

pub fn build(provider: &'static dyn CryptoProvider) -> Contender<'static> {
    let (mut slab, mut number, key) = ([0; 256], 0u64, key(provider));
    Contender::new(&format!("sendrecv-{}", provider.name()), move || {
        for _ in 0..BATCH {
            number += 1;
            let mut id = [7; 12];
            id[..8].copy_from_slice(&number.to_be_bytes());
            let mut packet = PacketBuf::new(&mut slab, 0, 0);
            write(&mut packet, TransactionId(id), &key);
            black_box(packet.bytes());
        }
        BATCH
    })
}
