use super::*;
use crate::attribute::AttributeType;
use crate::{Class, Method, TransactionId};
use sendrecv_crypto::rustcrypto;

const ID: TransactionId = TransactionId(*b"transaction.");

fn auth() -> LongTermAuth {
    LongTermAuth::new(rustcrypto(), Credentials::new("user", "pass"))
}

fn challenge(code: u16, realm: &str, nonce: &str, offered: Option<PasswordAlgorithms<'_>>) -> Vec<u8> {
    let mut packet = Vec::new();
    let mut builder = MessageBuilder::new(&mut packet, Class::Error, Method::ALLOCATE, ID).unwrap();
    builder.attribute(&ErrorCode { code, reason: "" }).unwrap();
    builder.attribute(&Realm(realm)).unwrap();
    builder.attribute(&Nonce(nonce)).unwrap();
    if let Some(offered) = offered {
        builder.attribute(&offered).unwrap();
    }
    packet
}

fn request(auth: &LongTermAuth) -> Vec<u8> {
    let mut packet = Vec::new();
    let mut builder = MessageBuilder::new(&mut packet, Class::Request, Method::ALLOCATE, ID).unwrap();
    auth.authenticate(&mut builder).unwrap();
    packet
}

#[test]
fn the_first_request_is_bare() {
    assert_eq!(request(&auth()).len(), crate::HEADER_LEN);
}

#[test]
fn an_old_server_gets_md5_and_message_integrity() {
    let mut auth = auth();
    let response = challenge(401, "realm", "nonce", None);
    auth.challenge(&Message::parse(&response).unwrap(), 0).unwrap();
    let request = request(&auth);
    let request = Message::parse(&request).unwrap();
    assert_eq!(request.attribute(), Some(Username("user")));
    assert_eq!(request.attribute(), Some(Nonce("nonce")));
    assert_eq!(request.integrity(), Some(Integrity::Sha1));
    assert!(!request.has(AttributeType::PASSWORD_ALGORITHM));
    assert_eq!(auth.verify(&request), Ok(()));
}

#[test]
fn a_new_server_gets_sha256_its_list_back_and_a_hashed_user_name() {
    let features = SecurityFeatures { password_algorithms: true, username_anonymity: true };
    let mut auth = auth();
    let offered = PasswordAlgorithms::SHA256_MD5;
    let response = challenge(401, "realm", features.cookie(), Some(offered));
    auth.challenge(&Message::parse(&response).unwrap(), 0).unwrap();
    let request = request(&auth);
    let request = Message::parse(&request).unwrap();
    assert_eq!(request.attribute(), Some(offered));
    assert_eq!(request.attribute(), Some(PasswordAlgorithm::Sha256));
    assert_eq!(request.integrity(), Some(Integrity::Sha256));
    assert_eq!(request.attribute(), Some(UserHash(user_hash(rustcrypto(), "user", "realm").unwrap())));
    assert!(!request.has(AttributeType::USERNAME));
}

#[test]
fn bidding_down_is_noticed() {
    let features = SecurityFeatures { password_algorithms: true, username_anonymity: false };
    let response = challenge(401, "realm", features.cookie(), None);
    let refused = auth().challenge(&Message::parse(&response).unwrap(), 0);
    assert_eq!(refused, Err(ChallengeError::BidDown));
}

#[test]
fn bidding_down_is_noticed_in_signed_responses_too() {
    let features = SecurityFeatures { password_algorithms: true, username_anonymity: false };
    let mut auth = auth();
    let offered = Some(PasswordAlgorithms::SHA256_MD5);
    let response = challenge(401, "realm", features.cookie(), offered);
    auth.challenge(&Message::parse(&response).unwrap(), 0).unwrap();
    let mut signed = Vec::new();
    let mut builder = MessageBuilder::new(&mut signed, Class::Error, Method::ALLOCATE, ID).unwrap();
    builder.attribute(&Nonce(features.cookie())).unwrap();
    builder.integrity(&auth.session.as_ref().unwrap().key).unwrap();
    assert_eq!(auth.verify(&Message::parse(&signed).unwrap()), Err(VerifyError::Mismatch));
}

#[test]
fn the_same_credentials_are_not_tried_twice() {
    let mut auth = auth();
    let response = challenge(401, "realm", "one", None);
    let response = Message::parse(&response).unwrap();
    auth.challenge(&response, 0).unwrap();
    assert_eq!(auth.challenge(&response, auth.generation()), Err(ChallengeError::CredentialsRefused));
    auth.set_credentials(Credentials::new("user", "another")).unwrap();
    auth.challenge(&response, 1).unwrap();
}

#[test]
fn a_stale_nonce_is_replaced() {
    let mut auth = auth();
    auth.challenge(&Message::parse(&challenge(401, "realm", "one", None)).unwrap(), 0).unwrap();
    auth.challenge(&Message::parse(&challenge(438, "realm", "two", None)).unwrap(), 1).unwrap();
    let request = request(&auth);
    assert_eq!(Message::parse(&request).unwrap().attribute(), Some(Nonce("two")));
}

#[test]
fn cookies_are_read_as_they_are_written() {
    for (password_algorithms, username_anonymity) in
        [(false, false), (false, true), (true, false), (true, true)]
    {
        let features = SecurityFeatures { password_algorithms, username_anonymity };
        assert_eq!(SecurityFeatures::of(features.cookie()), Some(features));
    }
    assert_eq!(SecurityFeatures::of("a nonce from before"), None);
    assert_eq!(SecurityFeatures::of("obMatJos2AA"), None);
}
