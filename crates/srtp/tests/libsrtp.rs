//! Our packets and libsrtp's are the same bytes.
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod common;

use sendrecv_crypto::default_provider;
use sendrecv_srtp::{MasterKey, Options, Session, SrtpProfile};
use serde_json::Value;

fn bytes(case: &Value, field: &str) -> Vec<u8> {
    hex::decode(case[field].as_str().unwrap()).unwrap()
}

fn profile(case: &Value) -> SrtpProfile {
    match case["profile"].as_str().unwrap() {
        "AES128_CM_SHA1_80" => SrtpProfile::Aes128CmSha1_80,
        "AES128_CM_SHA1_32" => SrtpProfile::Aes128CmSha1_32,
        "AEAD_AES_128_GCM" => SrtpProfile::AeadAes128Gcm,
        "AEAD_AES_256_GCM" => SrtpProfile::AeadAes256Gcm,
        other => panic!("{other}"),
    }
}

fn session(case: &Value) -> Session {
    let ids = case["encrypted_ids"].as_array().unwrap().iter();
    let encrypted_extensions = ids.map(|id| u8::try_from(id.as_u64().unwrap()).unwrap()).collect();
    let options = Options { encrypted_extensions, ..Options::default() };
    let master = MasterKey::new(&bytes(case, "key"), &bytes(case, "salt"));
    let mut session = Session::new(default_provider(), profile(case), &master, &master, &options).unwrap();
    // libsrtp begins with SRTCP index 1, RFC 3711 with 0.
    common::protect_rtcp(&mut session, &common::rtcp(common::SSRC, &[])).unwrap();
    session
}

/// The cases, grouped by the session that made them.
fn sessions() -> Vec<Vec<Value>> {
    let text = include_str!("../../../tests/vectors/srtp/libsrtp.json");
    let cases: Vec<Value> = serde_json::from_str(text).unwrap();
    let of_one_session = |a: &Value, b: &Value| (&a["key"], &a["profile"]) == (&b["key"], &b["profile"]);
    cases.chunk_by(of_one_session).map(<[_]>::to_vec).collect()
}

#[test]
fn we_protect_as_libsrtp_does() {
    for cases in sessions() {
        let mut session = session(&cases[0]);
        for case in cases {
            let plain = bytes(&case, "plain");
            let protected = if case["kind"] == "rtp" {
                common::protect(&mut session, &plain)
            } else {
                common::protect_rtcp(&mut session, &plain)
            };
            assert_eq!(hex::encode(protected.unwrap()), case["protected"].as_str().unwrap(), "{case}");
        }
    }
}

#[test]
fn we_unprotect_what_libsrtp_protected() {
    for cases in sessions() {
        let mut session = session(&cases[0]);
        for case in cases {
            let mut datagram = bytes(&case, "protected");
            let plain = if case["kind"] == "rtp" {
                session.unprotect(&mut datagram)
            } else {
                session.unprotect_rtcp(&mut datagram)
            };
            assert_eq!(plain.unwrap(), bytes(&case, "plain"), "{case}");
        }
    }
}
