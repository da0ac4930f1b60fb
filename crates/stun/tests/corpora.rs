//! Hostile messages: every vector of RFC 5769 and RFC 8489 and every attribute, cut short, lengthened, with lies in every
//! length, bytes changed, attributes left out, doubled and moved. Nothing panics, nothing is read beyond the message,
//! and what was changed is never taken for authentic.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may panic")]

use sendrecv_crypto::rustcrypto;
use sendrecv_stun::attribute::{
    AddressErrorCode, AlternateDomain, AlternateServer, AttributeType, ChannelNumber, Data, ErrorCode,
    IceControlled, IceControlling, Icmp, Lifetime, MappedAddress, NetworkInfo, Nomination, Nonce,
    PasswordAlgorithm, PasswordAlgorithms, Priority, Realm, RequestedAddressFamily, RequestedTransport,
    ReservationToken, Software, UnknownAttributes, UseCandidate, UserHash, Username, XorMappedAddress,
    XorPeerAddress, XorRelayedAddress,
};
use sendrecv_stun::{
    Class, Integrity, IntegrityKey, Message, MessageBuilder, Method, TransactionId, is_stun,
};
use serde_json::Value;
use std::hint::black_box;

const VECTORS: &str = include_str!("../../../tests/vectors/stun/rfc5769_rfc8489.json");
const HEADER: usize = 20;

fn keys() -> [IntegrityKey; 2] {
    [Integrity::Sha1, Integrity::Sha256]
        .map(|integrity| IntegrityKey::new(rustcrypto(), b"some key", integrity).unwrap())
}

/// A message with as many attributes as there are types here, signed in all ways.
fn everything() -> Vec<u8> {
    let address = "192.0.2.1:32853".parse().unwrap();
    let mut out = Vec::new();
    let mut message =
        MessageBuilder::new(&mut out, Class::Request, Method::ALLOCATE, TransactionId([3; 12])).unwrap();
    message.attribute(&Username("some:body")).unwrap().attribute(&Realm("example.org")).unwrap();
    message.attribute(&Nonce("obMatJos2AAAA//499k")).unwrap().attribute(&Software("x")).unwrap();
    message.attribute(&ErrorCode { code: 438, reason: "Stale" }).unwrap();
    message.attribute(&PasswordAlgorithms::SHA256_MD5).unwrap();
    message.attribute(&MappedAddress(address)).unwrap().attribute(&XorMappedAddress(address)).unwrap();
    message.attribute(&XorPeerAddress("[2001:db8::1]:1".parse().unwrap())).unwrap();
    message.attribute(&Data(b"data")).unwrap().attribute(&Lifetime(600)).unwrap();
    message.attribute(&RequestedTransport::UDP).unwrap().attribute(&ChannelNumber(0x4000)).unwrap();
    message.attribute(&Priority(1)).unwrap().attribute(&IceControlling(2)).unwrap();
    message.attribute(&UseCandidate).unwrap().attribute(&Nomination(3)).unwrap();
    message.raw(AttributeType(0x7777), &[1, 2, 3]).unwrap();
    let [sha1, sha256] = keys();
    message.integrity(&sha1).unwrap().integrity(&sha256).unwrap().fingerprint().unwrap();
    out
}

/// The vectors of the RFCs, but for the one that is misprinted, and our own.
fn corpus() -> Vec<Vec<u8>> {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let texts = vectors.iter().filter_map(|vector| vector["hex"].as_str());
    let vectors = texts.map(|text| hex::decode(text).unwrap());
    let corpus: Vec<Vec<u8>> =
        vectors.chain([everything()]).filter(|bytes| Message::parse(bytes).is_ok()).collect();
    assert!(corpus.len() >= 6, "{}", corpus.len());
    corpus
}

/// Reads all that can be read of a message.
fn devour(bytes: &[u8]) {
    black_box(is_stun(bytes));
    let Ok(message) = Message::parse(bytes) else { return };
    black_box((message.class(), message.method(), message.integrity(), format!("{message:?}")));
    for attribute in message.attributes() {
        let start = attribute.value.as_ptr().addr() - bytes.as_ptr().addr();
        assert!(start + attribute.value.len() <= bytes.len(), "a value lies within the message");
        let place = message.position(attribute.kind).unwrap();
        assert!(bytes.get(place).is_some());
    }
    macro_rules! read {
        ($($kind:ty),*) => { $(black_box(message.attribute::<$kind>());)* };
    }
    read!(
        Username<'_>,
        Realm<'_>,
        Nonce<'_>,
        Software<'_>,
        ErrorCode<'_>,
        PasswordAlgorithm,
        MappedAddress,
        XorMappedAddress,
        XorPeerAddress,
        XorRelayedAddress,
        Data<'_>,
        Lifetime,
        RequestedTransport,
        ChannelNumber,
        Priority,
        IceControlling,
        IceControlled,
        UseCandidate,
        Nomination,
        NetworkInfo,
        Icmp,
        AddressErrorCode<'_>,
        AlternateServer,
        AlternateDomain<'_>,
        RequestedAddressFamily,
        ReservationToken,
        UserHash
    );
    if let Some(algorithms) = message.attribute::<PasswordAlgorithms<'_>>() {
        black_box(algorithms.iter().count());
    }
    if let Some(unknown) = message.attribute::<UnknownAttributes<'_>>() {
        black_box(unknown.iter().count());
    }
    black_box(message.unknown_required(AttributeType::is_known).count());
    black_box(message.verify_fingerprint().is_ok());
    for key in keys() {
        black_box(message.verify_integrity(&key).is_ok());
    }
}

/// The attributes as they lie there: header, value and padding.
fn attributes(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut found) = (&bytes[HEADER..], Vec::new());
    while !rest.is_empty() {
        let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        let (attribute, later) = rest.split_at(4 + length.next_multiple_of(4));
        found.push(attribute);
        rest = later;
    }
    found
}

/// The message with other attributes, its length true.
fn with_attributes(bytes: &[u8], attributes: &[&[u8]]) -> Vec<u8> {
    let mut out = [&bytes[..HEADER], &attributes.concat()].concat();
    let length = u16::try_from(out.len() - HEADER).unwrap();
    out[2..4].copy_from_slice(&length.to_be_bytes());
    out
}

#[test]
fn messages_cut_short_or_lengthened_are_refused() {
    for bytes in corpus() {
        for length in 0..bytes.len() {
            assert!(Message::parse(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
            devour(&bytes[..length]);
            // The same with a header that does not give it away.
            let mut cut = bytes[..length].to_vec();
            if length >= HEADER {
                let body = u16::try_from(length - HEADER).unwrap();
                cut[2..4].copy_from_slice(&body.to_be_bytes());
                devour(&cut);
            }
        }
        for more in [1, 3, 4, 60_000] {
            let mut long = bytes.clone();
            long.resize(bytes.len() + more, 0);
            assert!(Message::parse(&long).is_err());
            devour(&long);
        }
    }
}

#[test]
fn lies_in_lengths_are_found_out_or_harmless() {
    for bytes in corpus() {
        let mut place = HEADER;
        let mut places = vec![2];
        for attribute in attributes(&bytes) {
            places.push(place + 2);
            place += attribute.len();
        }
        for place in places {
            for lie in (0..=300).chain([0x7fff, 0x8000, 0xfff0, 0xfffc, 0xfffd, 0xffff]) {
                let mut liar = bytes.clone();
                liar[place..place + 2].copy_from_slice(&u16::to_be_bytes(lie));
                devour(&liar);
            }
        }
    }
}

#[test]
fn no_changed_byte_goes_unnoticed() {
    let bytes = everything();
    let [sha1, sha256] = keys();
    // What the integrity attributes cover: all before them, but not the length, which is theirs.
    let before_integrity = bytes.len() - 8 - 36 - 24;
    for place in 0..bytes.len() {
        for change in [1u8, 0x10, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            devour(&changed);
            let Ok(message) = Message::parse(&changed) else { continue };
            if place < before_integrity && !(2..4).contains(&place) {
                assert!(message.verify_integrity(&sha1).is_err(), "byte {place}");
                assert!(message.verify_integrity(&sha256).is_err(), "byte {place}");
            }
            assert!(message.verify_fingerprint().is_err(), "byte {place}");
        }
    }
}

#[test]
fn attributes_left_out_doubled_or_moved_break_the_integrity() {
    for bytes in corpus() {
        let whole = attributes(&bytes);
        for index in 0..whole.len() {
            let mut without = whole.clone();
            let taken = without.remove(index);
            devour(&with_attributes(&bytes, &without));
            for place in 0..=without.len() {
                let mut moved = without.clone();
                moved.insert(place, taken);
                let message = with_attributes(&bytes, &moved);
                devour(&message);
                moved.insert(place, taken);
                devour(&with_attributes(&bytes, &moved));
            }
        }
    }
    // Nothing moves into or out of what is protected.
    let bytes = everything();
    let (whole, [sha1, _]) = (attributes(&bytes), keys());
    let integrity = whole.len() - 3;
    for from in 0..integrity {
        for to in (0..=integrity).filter(|to| *to != from) {
            let mut moved = whole.clone();
            let taken = moved.remove(from);
            moved.insert(to, taken);
            let moved = with_attributes(&bytes, &moved);
            if let Ok(message) = Message::parse(&moved) {
                assert!(message.verify_integrity(&sha1).is_err(), "from {from} to {to}");
            }
        }
    }
}

#[test]
fn every_value_of_every_short_length_is_read_without_harm() {
    let kinds = (0..=0x30).chain(0x8000..=0x8030).chain([0xc001, 0xc057, 0xc070, 0xffff]);
    for kind in kinds {
        for length in 0..=40u8 {
            for fill in [0, 1, 2, 0x7f, 0xff] {
                let mut bytes =
                    vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
                bytes.extend(u16::to_be_bytes(kind));
                bytes.extend([0, length]);
                bytes.resize(bytes.len() + usize::from(length).next_multiple_of(4), fill);
                let body = u16::try_from(bytes.len() - HEADER).unwrap();
                bytes[2..4].copy_from_slice(&body.to_be_bytes());
                devour(&bytes);
            }
        }
    }
}
