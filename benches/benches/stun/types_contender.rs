//! `stun-types`, the codec of librice. ICE's attributes are raw ones to it.

use crate::{BATCH, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};
use sendrecv_benches::Contender;
use std::hint::black_box;
use stun_types::attribute::{Attribute, AttributeType, RawAttribute, Username};
use stun_types::message::{
    BINDING, IntegrityAlgorithm, IntegrityKey, Message, MessageClass, MessageType, MessageWrite,
    MessageWriteExt, MessageWriteMutSlice, ShortTermCredentials, TransactionId,
};

const KINDS: [AttributeType; 3] =
    [AttributeType::new(0x24), AttributeType::new(0x802a), AttributeType::new(0x25)];

fn key() -> IntegrityKey {
    ShortTermCredentials::new(PASSWORD.to_owned()).make_key()
}

pub fn parse(check: &[u8]) -> Contender<'static> {
    let (check, key) = (check.to_vec(), key());
    Contender::new("stun-types", move || {
        for _ in 0..BATCH {
            let message = Message::from_bytes(black_box(&check)).expect("well-formed");
            let username: Username = message.attribute().expect("there");
            let read = KINDS.map(|kind| message.raw_attribute(kind).expect("there").length());
            message.validate_integrity_with_key(&key).expect("authentic");
            black_box((username, read));
        }
        BATCH
    })
}

pub fn build() -> Contender<'static> {
    let (mut slab, mut number, key) = ([0; 256], 0u128, key());
    Contender::new("stun-types", move || {
        for _ in 0..BATCH {
            number += 1;
            let kind = MessageType::from_class_method(MessageClass::Request, BINDING);
            let id = TransactionId::from(number);
            let mut message = Message::builder(kind, id, MessageWriteMutSlice::new(&mut slab));
            let [priority, controlling, candidate] = KINDS;
            message.add_attribute(&Username::new(USERNAME).expect("short")).expect("room");
            message.add_attribute(&RawAttribute::new(priority, &PRIORITY.to_be_bytes())).expect("room");
            message.add_attribute(&RawAttribute::new(controlling, &TIE_BREAKER.to_be_bytes())).expect("room");
            message.add_attribute(&RawAttribute::new(candidate, &[])).expect("room");
            message.add_message_integrity_with_key(&key, IntegrityAlgorithm::Sha1).expect("room");
            message.add_fingerprint().expect("room");
            black_box(message.finish());
        }
        BATCH
    })
}
