//! The test vectors of RFC 5769 and RFC 8489, appendix B.1.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::as_conversions)]

use sendrecv_crypto::rustcrypto;
use sendrecv_stun::attribute::{
    Attribute, IceControlled, Nonce, PasswordAlgorithm, Priority, Realm, Software, UserHash, Username,
    XorMappedAddress,
};
use sendrecv_stun::{
    Class, Credentials, Integrity, IntegrityKey, Message, MessageBuilder, ParseError, VerifyError,
    long_term_key, short_term_key, user_hash,
};
use serde_json::Value;

const VECTORS: &str = include_str!("../../../tests/vectors/stun/rfc5769_rfc8489.json");

struct Vector(Value);

impl Vector {
    fn named(name: &str) -> Self {
        let all: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
        Self(all.into_iter().find(|vector| vector["name"] == name).unwrap())
    }

    fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap()
    }

    fn bytes(&self, field: &str) -> Vec<u8> {
        hex::decode(self.text(field)).unwrap()
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(self.text("username"), self.text("password"))
    }

    fn short_term(&self) -> IntegrityKey {
        IntegrityKey::short_term(rustcrypto(), self.text("password")).unwrap()
    }

    fn long_term(&self, algorithm: PasswordAlgorithm) -> Vec<u8> {
        let key = long_term_key(rustcrypto(), algorithm, &self.credentials(), self.text("realm")).unwrap();
        key.expose().to_vec()
    }
}

fn get<'a, T: Attribute<'a>>(message: &Message<'a>) -> T {
    message.attribute().unwrap()
}

#[test]
fn the_sample_request_verifies_and_reads() {
    let vector = Vector::named("request");
    let bytes = vector.bytes("hex");
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.class(), Class::Request);
    assert_eq!(message.verify_integrity(&vector.short_term()), Ok(()));
    assert_eq!(message.verify_fingerprint(), Ok(()));
    assert_eq!(get::<Username<'_>>(&message).0, vector.text("username"));
    assert_eq!(get::<Software<'_>>(&message).0, vector.text("software"));
    assert_eq!(u64::from(get::<Priority>(&message).0), vector.0["priority"].as_u64().unwrap());
    assert_eq!(get::<IceControlled>(&message).0.to_be_bytes().to_vec(), vector.bytes("ice_controlled"));
}

#[test]
fn the_sample_responses_verify_and_give_their_addresses() {
    for name in ["response-ipv4", "response-ipv6"] {
        let vector = Vector::named(name);
        let bytes = vector.bytes("hex");
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.class(), Class::Success);
        assert_eq!(message.verify_integrity(&vector.short_term()), Ok(()));
        assert_eq!(message.verify_fingerprint(), Ok(()));
        assert_eq!(get::<XorMappedAddress>(&message).0, vector.text("xor_mapped").parse().unwrap());
    }
}

#[test]
fn the_long_term_request_verifies_with_its_md5_key() {
    let vector = Vector::named("request-long-term");
    let bytes = vector.bytes("hex");
    let message = Message::parse(&bytes).unwrap();
    let key = vector.long_term(PasswordAlgorithm::Md5);
    assert_eq!(key, vector.bytes("key_md5"));
    let key = IntegrityKey::new(rustcrypto(), &key, Integrity::Sha1).unwrap();
    assert_eq!(message.verify_integrity(&key), Ok(()));
    assert_eq!(message.verify_fingerprint(), Err(VerifyError::Missing));
    assert_eq!(get::<Username<'_>>(&message).0, vector.text("username"));
    assert_eq!(get::<Realm<'_>>(&message).0, vector.text("realm"));
    assert_eq!(get::<Nonce<'_>>(&message).0, vector.text("nonce"));
}

#[test]
fn the_corrected_sha256_request_verifies() {
    let vector = Vector::named("request-long-term-sha256-userhash");
    let bytes = vector.bytes("hex");
    let message = Message::parse(&bytes).unwrap();
    let key = vector.long_term(PasswordAlgorithm::Sha256);
    assert_eq!(key, vector.bytes("key_sha256"));
    let key = IntegrityKey::new(rustcrypto(), &key, Integrity::Sha256).unwrap();
    assert_eq!(message.verify_integrity(&key), Ok(()));
    assert_eq!(message.integrity(), Some(Integrity::Sha256));
    assert_eq!(get::<PasswordAlgorithm>(&message), PasswordAlgorithm::Sha256);
    let hash = user_hash(rustcrypto(), vector.text("username"), vector.text("realm")).unwrap();
    assert_eq!(hash.to_vec(), vector.bytes("userhash"));
    assert_eq!(get::<UserHash>(&message).0, hash);
}

#[test]
fn the_sha256_request_as_printed_is_refused() {
    let bytes = Vector::named("request-long-term-sha256-userhash-as-printed").bytes("hex");
    assert_eq!(Message::parse(&bytes).unwrap_err(), ParseError::BadLength);
}

#[test]
fn the_key_of_rfc_8489_section_9_2_2_comes_out() {
    let key = long_term_key(rustcrypto(), PasswordAlgorithm::Md5, &Credentials::new("user", "pass"), "realm");
    assert_eq!(hex::encode(key.unwrap().expose()), "8493fbc53ba582fb4c044c456bdc40eb");
    assert_eq!(short_term_key("pass").expose(), b"pass");
}

#[test]
fn the_corrected_sha256_request_is_rebuilt_byte_by_byte() {
    let vector = Vector::named("request-long-term-sha256-userhash");
    let bytes = vector.bytes("hex");
    let original = Message::parse(&bytes).unwrap();
    let key = vector.long_term(PasswordAlgorithm::Sha256);
    let key = IntegrityKey::new(rustcrypto(), &key, Integrity::Sha256).unwrap();

    let mut rebuilt = Vec::new();
    let (class, method, id) = (original.class(), original.method(), original.transaction_id());
    let mut builder = MessageBuilder::new(&mut rebuilt, class, method, id).unwrap();
    builder.attribute(&get::<UserHash>(&original)).unwrap();
    builder.attribute(&Nonce(vector.text("nonce"))).unwrap();
    builder.attribute(&Realm(vector.text("realm"))).unwrap();
    builder.attribute(&PasswordAlgorithm::Sha256).unwrap();
    builder.integrity(&key).unwrap();
    assert_eq!(rebuilt, bytes);
}
