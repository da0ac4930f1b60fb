//! `stun-rs`.

use crate::{BATCH, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};
use sendrecv_benches::Contender;
use std::hint::black_box;
use stun_rs::attributes::ice::{IceControlling, Priority, UseCandidate};
use stun_rs::attributes::stun::{Fingerprint, MessageIntegrity, UserName};
use stun_rs::methods::BINDING;
use stun_rs::{
    DecoderContextBuilder, HMACKey, MessageClass, MessageDecoderBuilder, MessageEncoderBuilder,
    StunMessageBuilder, TransactionId,
};

fn key() -> HMACKey {
    HMACKey::new_short_term(PASSWORD).expect("an ordinary password")
}

pub fn parse(check: &[u8]) -> Contender<'static> {
    let check = check.to_vec();
    let context = DecoderContextBuilder::default().with_key(key()).with_validation().build();
    let decoder = MessageDecoderBuilder::default().with_context(context).build();
    Contender::new("stun-rs", move || {
        for _ in 0..BATCH {
            let (message, _) = decoder.decode(black_box(&check)).expect("authentic");
            let read = (
                message.get::<UserName>().is_some(),
                message.get::<Priority>().is_some(),
                message.get::<IceControlling>().is_some(),
                message.get::<UseCandidate>().is_some(),
            );
            black_box(read);
        }
        BATCH
    })
}

pub fn build() -> Contender<'static> {
    let (mut slab, mut number, key) = ([0; 256], 0u64, key());
    let encoder = MessageEncoderBuilder::default().build();
    Contender::new("stun-rs", move || {
        for _ in 0..BATCH {
            number += 1;
            let mut id = [7; 12];
            id[..8].copy_from_slice(&number.to_be_bytes());
            let message = StunMessageBuilder::new(BINDING, MessageClass::Request)
                .with_transaction_id(TransactionId::from(id))
                .with_attribute(UserName::new(USERNAME).expect("short"))
                .with_attribute(Priority::from(PRIORITY))
                .with_attribute(IceControlling::from(TIE_BREAKER))
                .with_attribute(UseCandidate::default())
                .with_attribute(MessageIntegrity::new(key.clone()))
                .with_attribute(Fingerprint::default())
                .build();
            let length = encoder.encode(&mut slab, &message).expect("room");
            black_box(&slab[..length]);
        }
        BATCH
    })
}
