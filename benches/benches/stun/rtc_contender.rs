//! `rtc-stun`, on ring.

use crate::{BATCH, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};
use rtc_stun::attributes::{
    ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME, AttrType,
};
use rtc_stun::crypto::providers::RingCrypto;
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, Message, Setter, TransactionId};
use sendrecv_benches::Contender;
use std::hint::black_box;

fn attribute(message: &Message, kind: AttrType) -> Vec<u8> {
    message.get(kind).expect("there")
}

pub fn parse(check: &[u8]) -> Contender<'static> {
    let (check, mut message) = (check.to_vec(), Message::new());
    Contender::new("rtc-stun", move || {
        for _ in 0..BATCH {
            message.unmarshal_binary(black_box(&check)).expect("well-formed");
            FINGERPRINT.check(&message).expect("intact");
            let read = [ATTR_USERNAME, ATTR_PRIORITY, ATTR_ICE_CONTROLLING, ATTR_USE_CANDIDATE]
                .map(|kind| attribute(&message, kind));
            MessageIntegrity::check(&mut message, PASSWORD.as_bytes(), &RingCrypto).expect("authentic");
            black_box(read);
        }
        BATCH
    })
}

pub fn build() -> Contender<'static> {
    let (mut message, mut number) = (Message::new(), 0u64);
    let integrity =
        MessageIntegrity::new_short_term_integrity_with_provider(PASSWORD.to_owned(), &RingCrypto);
    Contender::new("rtc-stun", move || {
        for _ in 0..BATCH {
            number += 1;
            let mut id = [7; 12];
            id[..8].copy_from_slice(&number.to_be_bytes());
            message.reset();
            message.write_header();
            BINDING_REQUEST.add_to(&mut message).expect("room");
            TransactionId(id).add_to(&mut message).expect("room");
            message.add(ATTR_USERNAME, USERNAME.as_bytes());
            message.add(ATTR_PRIORITY, &PRIORITY.to_be_bytes());
            message.add(ATTR_ICE_CONTROLLING, &TIE_BREAKER.to_be_bytes());
            message.add(ATTR_USE_CANDIDATE, &[]);
            integrity.add_to(&mut message).expect("room");
            FINGERPRINT.add_to(&mut message).expect("room");
            black_box(&message.raw);
        }
        BATCH
    })
}
