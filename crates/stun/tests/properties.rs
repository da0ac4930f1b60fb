//! Properties of the codec, over generated messages and over arbitrary bytes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use proptest::collection::vec;
use proptest::prelude::*;
use sendrecv_core::PacketBuf;
use sendrecv_crypto::rustcrypto;
use sendrecv_stun::attribute::{
    AdditionalAddressFamily, AddressErrorCode, AddressFamily, AlternateDomain, AlternateServer, Attribute,
    AttributeType, ChangeRequest, ChannelNumber, Data, DontFragment, DtlsInStun, DtlsInStunAck, ErrorCode,
    EvenPort, IceControlled, IceControlling, Icmp, Lifetime, MappedAddress, NetworkInfo, Nomination,
    OtherAddress, Padding, PasswordAlgorithm, Priority, RawAttribute, RequestedAddressFamily,
    RequestedTransport, ReservationToken, ResponseOrigin, ResponsePort, Software, UnknownAttributes,
    UseCandidate, UserHash, Username, XorMappedAddress, XorPeerAddress, XorRelayedAddress,
};
use sendrecv_stun::{
    Class, Integrity, IntegrityKey, Message, MessageBuilder, Method, TransactionId, VerifyError,
};
use std::fmt::Debug;
use std::net::{IpAddr, SocketAddr};

fn key(integrity: Integrity) -> IntegrityKey {
    IntegrityKey::new(rustcrypto(), b"a password", integrity).unwrap()
}

fn any_integrity() -> impl Strategy<Value = Integrity> {
    prop_oneof![Just(Integrity::Sha1), Just(Integrity::Sha256)]
}

fn any_class() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Request), Just(Class::Indication), Just(Class::Success), Just(Class::Error)]
}

/// A type that is not one of the checks.
fn any_type() -> impl Strategy<Value = AttributeType> {
    any::<u16>()
        .prop_filter("checks are appended separately", |kind| ![0x0008, 0x001c, 0x8028].contains(kind))
        .prop_map(AttributeType)
}

fn any_address() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip, port))
}

fn check(integrity: Integrity) -> Vec<u8> {
    let mut packet = Vec::new();
    let id = TransactionId(*b"transaction.");
    let mut builder = MessageBuilder::new(&mut packet, Class::Request, Method::BINDING, id).unwrap();
    builder.attribute(&Username("evtj:h6vY")).unwrap();
    builder.attribute(&Priority(0x6e00_01ff)).unwrap();
    builder.attribute(&IceControlling(0x932f_f9b1_5126_3b36)).unwrap();
    builder.attribute(&UseCandidate).unwrap();
    builder.integrity(&key(integrity)).unwrap();
    builder.fingerprint().unwrap();
    packet
}

#[test]
fn every_single_bit_flip_is_noticed() {
    for integrity in [Integrity::Sha1, Integrity::Sha256] {
        let mut packet = check(integrity);
        let key = key(integrity);
        for bit in 0..packet.len() * 8 {
            packet[bit / 8] ^= 1 << (bit % 8);
            let accepted = Message::parse(&packet).is_ok_and(|message| {
                message.verify_integrity(&key).is_ok() && message.verify_fingerprint().is_ok()
            });
            assert!(!accepted, "bit {bit} of {integrity:?}");
            packet[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn attributes_behind_the_integrity_are_not_seen() {
    let mut packet = Vec::new();
    let id = TransactionId([7; 12]);
    let mut builder = MessageBuilder::new(&mut packet, Class::Request, Method::BINDING, id).unwrap();
    builder.integrity(&key(Integrity::Sha1)).unwrap();
    builder.attribute(&UseCandidate).unwrap();
    builder.fingerprint().unwrap();
    let message = Message::parse(&packet).unwrap();
    assert_eq!(message.verify_integrity(&key(Integrity::Sha1)), Ok(()));
    assert_eq!(message.attribute::<UseCandidate>(), None);
}

#[test]
fn truncated_sha256_passes_only_where_allowed() {
    let whole = check(Integrity::Sha256);
    let whole = Message::parse(&whole).unwrap();
    for (len, allowed) in [(12, None), (16, Some(16)), (18, None), (28, Some(20)), (32, Some(32))] {
        // The header counts the truncated attribute, so the MAC is over another message: sign it by hand.
        let mut packet = Vec::new();
        let id = whole.transaction_id();
        let mut builder = MessageBuilder::new(&mut packet, Class::Request, Method::BINDING, id).unwrap();
        builder.raw(AttributeType::MESSAGE_INTEGRITY_SHA256, &vec![0; len]).unwrap();
        let mac = rustcrypto().hmac(sendrecv_crypto::HashAlgorithm::Sha256, b"a password").unwrap();
        let mac = mac.mac(&[&packet[..20]]);
        packet[24..24 + len].copy_from_slice(&mac.as_bytes()[..len]);

        let parsed = Message::parse(&packet);
        assert_eq!(parsed.is_ok(), allowed.is_some(), "{len} bytes");
        if let (Ok(message), Some(min_len)) = (parsed, allowed) {
            let strict = message.verify_integrity(&key(Integrity::Sha256));
            assert_eq!(strict.is_ok(), len == 32);
            assert_eq!(message.verify_integrity(&key(Integrity::Sha256).accept_truncated(min_len)), Ok(()));
        }
    }
}

#[test]
fn a_wrong_key_and_a_missing_check_are_told_apart() {
    let packet = check(Integrity::Sha1);
    let message = Message::parse(&packet).unwrap();
    let wrong = IntegrityKey::short_term(rustcrypto(), "another password").unwrap();
    assert_eq!(message.verify_integrity(&wrong), Err(VerifyError::Mismatch));
    assert_eq!(message.verify_integrity(&key(Integrity::Sha256)), Err(VerifyError::Missing));
}

#[test]
fn a_packet_without_room_keeps_a_well_formed_message() {
    let key = key(Integrity::Sha1);
    for room in 20..96 {
        let mut slab = vec![0; room];
        let mut packet = PacketBuf::new(&mut slab, 0, 0);
        let id = TransactionId([1; 12]);
        let mut builder = MessageBuilder::new(&mut packet, Class::Request, Method::BINDING, id).unwrap();
        let _ = builder.attribute(&Username("evtj:h6vY"));
        let _ = builder.attribute(&Priority(1));
        let _ = builder.integrity(&key);
        let _ = builder.fingerprint();
        assert!(Message::parse(packet.bytes()).is_ok(), "with room for {room}");
    }
}

#[test]
fn a_message_longer_than_the_length_field_is_refused() {
    let mut packet = Vec::new();
    let id = TransactionId([1; 12]);
    let mut builder = MessageBuilder::new(&mut packet, Class::Request, Method::BINDING, id).unwrap();
    assert!(builder.raw(AttributeType::DATA, &[0; 65_535]).is_err());
    builder.raw(AttributeType::DATA, &[0; 60_000]).unwrap();
    assert!(builder.raw(AttributeType::DATA, &[0; 6_000]).is_err());
    assert!(Message::parse(&packet).is_ok());
}

#[test]
fn a_value_is_found_where_it_lies() {
    let mut packet = Vec::new();
    let id = TransactionId([1; 12]);
    let mut builder = MessageBuilder::new(&mut packet, Class::Indication, Method::SEND, id).unwrap();
    builder.attribute(&Username("odd")).unwrap();
    builder.raw(AttributeType::DATA, b"payload").unwrap();
    builder.attribute(&Priority(1)).unwrap();
    let message = Message::parse(&packet).unwrap();
    assert_eq!(&packet[message.position(AttributeType::DATA).unwrap()], b"payload");
    assert_eq!(message.position(AttributeType::REALM), None);
}

/// Writes an attribute, reads it back and compares.
fn comes_back<T: for<'a> Attribute<'a> + PartialEq + Debug>(attribute: &T) {
    let mut packet = Vec::new();
    MessageBuilder::new(&mut packet, Class::Request, Method::BINDING, TransactionId(*b"transaction."))
        .unwrap()
        .attribute(attribute)
        .unwrap();
    assert_eq!(Message::parse(&packet).unwrap().attribute::<T>().as_ref(), Some(attribute));
}

#[test]
fn every_attribute_comes_back() {
    for address in ["192.0.2.1:9", "[2001:db8::1]:65535"].map(|text| text.parse().unwrap()) {
        comes_back(&MappedAddress(address));
        comes_back(&XorPeerAddress(address));
        comes_back(&XorRelayedAddress(address));
        comes_back(&AlternateServer(address));
        comes_back(&ResponseOrigin(address));
        comes_back(&OtherAddress(address));
    }
    for family in [AddressFamily::V4, AddressFamily::V6] {
        comes_back(&RequestedAddressFamily(family));
        comes_back(&AdditionalAddressFamily(family));
    }
    for flag in [false, true] {
        comes_back(&EvenPort { reserve: flag });
        comes_back(&ChangeRequest { ip: flag, port: !flag });
    }
    comes_back(&IceControlled(u64::MAX));
    comes_back(&Nomination(7));
    comes_back(&NetworkInfo(0x0001_0032));
    comes_back(&Lifetime(600));
    comes_back(&DontFragment);
    comes_back(&RequestedTransport::UDP);
    comes_back(&ReservationToken(42));
    comes_back(&ChannelNumber(0x4abc));
    comes_back(&ResponsePort(3479));
    comes_back(&Icmp { kind: 3, code: 4, data: [0, 0, 5, 0] });
    comes_back(&PasswordAlgorithm::Md5);
    comes_back(&UserHash([7; 32]));
}

#[test]
fn texts_and_lists_come_back() {
    let mut packet = Vec::new();
    let id = TransactionId([1; 12]);
    let unknown = UnknownAttributes::from_wire(&[0x70, 0x01, 0x70, 0x02]);
    let refused = AddressErrorCode { family: AddressFamily::V6, code: 440, reason: "no IPv6" };
    let mut builder = MessageBuilder::new(&mut packet, Class::Error, Method::ALLOCATE, id).unwrap();
    builder.attribute(&ErrorCode { code: 420, reason: "what?" }).unwrap();
    builder.attribute(&unknown).unwrap().attribute(&refused).unwrap();
    builder.attribute(&Software("sendrecv")).unwrap().attribute(&AlternateDomain("turn.example")).unwrap();
    builder
        .attribute(&DtlsInStun(b"\x16\xfe\xfd"))
        .unwrap()
        .attribute(&DtlsInStunAck(&[1, 2, 3, 4]))
        .unwrap();
    builder.attribute(&Padding(&[0; 13])).unwrap().attribute(&Data(b"")).unwrap();
    let message = Message::parse(&packet).unwrap();
    assert_eq!(message.attribute(), Some(ErrorCode { code: 420, reason: "what?" }));
    assert_eq!(message.attribute(), Some(refused));
    assert_eq!(message.attribute(), Some(Software("sendrecv")));
    assert_eq!(message.attribute(), Some(AlternateDomain("turn.example")));
    assert_eq!(message.attribute(), Some(DtlsInStun(b"\x16\xfe\xfd")));
    assert_eq!(message.attribute(), Some(DtlsInStunAck(&[1, 2, 3, 4])));
    assert_eq!(message.attribute(), Some(Padding(&[0; 13])));
    assert_eq!(message.attribute(), Some(Data(b"")));
    let listed: UnknownAttributes<'_> = message.attribute().unwrap();
    assert_eq!(listed.iter().collect::<Vec<_>>(), [AttributeType(0x7001), AttributeType(0x7002)]);
}

#[test]
fn of_two_alike_the_first_counts() {
    let mut packet = Vec::new();
    let mut builder =
        MessageBuilder::new(&mut packet, Class::Request, Method::BINDING, TransactionId([1; 12])).unwrap();
    builder.attribute(&Priority(1)).unwrap().attribute(&Priority(2)).unwrap();
    assert_eq!(Message::parse(&packet).unwrap().attribute(), Some(Priority(1)));
}

#[test]
fn unknown_required_attributes_are_listed_for_a_420() {
    let mut packet = Vec::new();
    let id = TransactionId([1; 12]);
    let mut builder = MessageBuilder::new(&mut packet, Class::Request, Method::BINDING, id).unwrap();
    builder.raw(AttributeType(0x7001), b"x").unwrap();
    builder.raw(AttributeType(0xf001), b"x").unwrap();
    builder.attribute(&Priority(1)).unwrap();
    let message = Message::parse(&packet).unwrap();
    let unknown: Vec<_> = message.unknown_required(AttributeType::is_known).collect();
    assert_eq!(unknown, [AttributeType(0x7001)]);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(mut bytes in vec(any::<u8>(), 0..200), as_stun: bool) {
        if as_stun && bytes.len() >= 20 {
            let len = bytes.len() as u16 - 20;
            bytes[..2].copy_from_slice(&[0, 1]);
            bytes[2..4].copy_from_slice(&len.to_be_bytes());
            bytes[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
        }
        if let Ok(message) = Message::parse(&bytes) {
            let _ = format!("{message:?}");
            let _ = message.attribute::<ErrorCode<'_>>();
            let _ = message.verify_integrity(&key(Integrity::Sha1));
            let _ = message.verify_fingerprint();
        }
    }

    #[test]
    fn what_is_built_parses_and_rebuilds_to_the_same_bytes(
        class in any_class(),
        method in 0u16..0x1000,
        id: [u8; 12],
        attributes in vec((any_type(), vec(any::<u8>(), 0..40)), 0..8),
        integrity in proptest::option::of(any_integrity()),
        with_fingerprint: bool,
    ) {
        let build = |attributes: &mut dyn Iterator<Item = RawAttribute<'_>>| {
            let mut packet = Vec::new();
            let mut builder =
                MessageBuilder::new(&mut packet, class, Method::new(method), TransactionId(id)).unwrap();
            for attribute in attributes {
                builder.raw(attribute.kind, attribute.value).unwrap();
            }
            if let Some(integrity) = integrity {
                builder.integrity(&key(integrity)).unwrap();
            }
            if with_fingerprint {
                builder.fingerprint().unwrap();
            }
            packet
        };
        let written = build(&mut attributes.iter().map(|(kind, value)| RawAttribute { kind: *kind, value }));
        let message = Message::parse(&written).unwrap();
        prop_assert_eq!((message.class(), message.method()), (class, Method::new(method)));
        prop_assert_eq!(message.transaction_id(), TransactionId(id));
        prop_assert_eq!(message.integrity(), integrity);
        if let Some(integrity) = integrity {
            prop_assert_eq!(message.verify_integrity(&key(integrity)), Ok(()));
        }
        prop_assert_eq!(message.verify_fingerprint().is_ok(), with_fingerprint);
        prop_assert_eq!(build(&mut message.attributes()), written);
    }

    #[test]
    fn addresses_come_back(address in any_address(), id: [u8; 12]) {
        let mut packet = Vec::new();
        MessageBuilder::new(&mut packet, Class::Success, Method::BINDING, TransactionId(id)).unwrap()
            .attribute(&XorMappedAddress(address)).unwrap();
        let message = Message::parse(&packet).unwrap();
        prop_assert_eq!(message.attribute::<XorMappedAddress>(), Some(XorMappedAddress(address)));
    }
}

#[test]
fn attributes_are_found_however_many_there_are() {
    let kinds = (0..20).map(|number| AttributeType(0xc100 + number)).collect::<Vec<_>>();
    let mut packet = Vec::new();
    let mut builder =
        MessageBuilder::new(&mut packet, Class::Indication, Method::BINDING, TransactionId([1; 12])).unwrap();
    for kind in &kinds {
        builder.raw(*kind, &kind.0.to_be_bytes()).unwrap();
    }
    builder.raw(kinds[0], b"again").unwrap().raw(kinds[19], b"again").unwrap();
    let message = Message::parse(&packet).unwrap();
    for kind in &kinds {
        let range = message.position(*kind).unwrap();
        assert_eq!(message.as_bytes()[range], kind.0.to_be_bytes(), "{kind:?}");
    }
    assert!(!message.has(AttributeType(0xc100 + 20)));
    assert!(!message.has(AttributeType(0)));
}
