//! Arbitrary bytes as a STUN message: everything in it is read, and what parses is written back to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sendrecv_core::PacketBuf;
use sendrecv_crypto::rustcrypto;
use sendrecv_stun::attribute::{
    AddressErrorCode, ErrorCode, PasswordAlgorithms, UnknownAttributes, Username, XorMappedAddress, XorPeerAddress,
};
use sendrecv_stun::{BindingServer, Credentials, IntegrityKey, LongTermAuth, Message, MessageBuilder};

fuzz_target!(|data: &[u8]| {
    let Ok(message) = Message::parse(data) else { return };
    let key = IntegrityKey::short_term(rustcrypto(), "password").unwrap();
    let _ = (message.verify_integrity(&key), message.verify_fingerprint(), format!("{message:?}"));
    let _ = (message.attribute::<ErrorCode>(), message.attribute::<AddressErrorCode>());
    let _ = (message.attribute::<XorMappedAddress>(), message.attribute::<XorPeerAddress>());
    let _ = message.attribute::<Username>();
    let _ = message.attribute::<UnknownAttributes>().map(|unknown| unknown.iter().count());
    let _ = message.attribute::<PasswordAlgorithms>().map(|offered| offered.iter().count());
    let _ = LongTermAuth::new(rustcrypto(), Credentials::new("user", "secret")).challenge(&message, 0);

    let mut slab = [0; 256];
    let mut out = PacketBuf::new(&mut slab, 0, 0);
    let _ = BindingServer::default().handle_datagram("192.0.2.1:9".parse().unwrap(), data, &mut out);

    let mut again = Vec::new();
    let mut builder =
        MessageBuilder::new(&mut again, message.class(), message.method(), message.transaction_id()).unwrap();
    for attribute in message.attributes() {
        builder.raw(attribute.kind, attribute.value).unwrap();
    }
    let attributes = Message::parse(&again).unwrap().attributes();
    assert!(attributes.eq(message.attributes()));
});
