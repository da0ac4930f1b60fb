//! The packets of RFC 7714, sections 16 and 17, which give session keys instead of master keys.

use super::{Cipher, Trailer};
use alloc::vec::Vec;
use sendrecv_core::{PacketBuf, Writer};
use sendrecv_crypto::{AeadAlgorithm, default_provider};
use serde_json::Value;

const SALT: &[u8] = b"Quid pro quo";
const RTP_SSRC: u32 = 0x5501_a0b2;
const RTP_INDEX: u64 = 0xf17b;
const RTCP_SSRC: u32 = 0x4d61_7273;
const RTCP_INDEX: u32 = 0x5d4;

fn bytes(case: &Value, field: &str) -> Vec<u8> {
    hex::decode(case[field].as_str().unwrap()).unwrap()
}

/// The cases of a section whose number and title contain `section` and `title`.
fn cases(section: &str, title: &str) -> Vec<Value> {
    let text = include_str!("../../../../tests/vectors/srtp/srtp_gcm_rfc7714.json");
    let mut cases: Vec<Value> = serde_json::from_str(text).unwrap();
    let contains = |case: &Value, field: &str, text| case[field].as_str().unwrap().contains(text);
    cases.retain(|case| contains(case, "section", section) && contains(case, "title", title));
    assert!(!cases.is_empty());
    cases
}

fn cipher(case: &Value) -> Cipher {
    let key = bytes(case, "key");
    let algorithm = if key.len() == 16 { AeadAlgorithm::Aes128Gcm } else { AeadAlgorithm::Aes256Gcm };
    Cipher::aead(default_provider().aead(algorithm, &key).unwrap(), SALT)
}

/// Tagging without encryption is encryption with nothing behind the header.
fn header_len(case: &Value, packet: &[u8]) -> usize {
    if case["title"].as_str().unwrap().contains("Tag") { packet.len() } else { 12 }
}

#[test]
fn rtp_is_sealed_as_in_rfc7714() {
    for case in cases(" 16.", "cryption").iter().chain(&cases(" 16.", "Tag")) {
        let Some(output) = case["output"].as_str() else { continue };
        let input = bytes(case, "input");
        let mut slab = [0; 128];
        let mut packet = PacketBuf::new(&mut slab, 0, 0);
        packet.put(&input).unwrap();
        cipher(case).seal_rtp((RTP_SSRC, RTP_INDEX), header_len(case, &input), &mut packet).unwrap();
        assert_eq!(hex::encode(packet.bytes()), output, "{case}");
    }
}

#[test]
fn rtp_is_opened_as_in_rfc7714() {
    for case in cases(" 16.", "Decryption").iter().chain(&cases(" 16.", "Verification")) {
        let mut packet = bytes(case, "input");
        let header_len = header_len(case, &packet[16..]);
        let plain = cipher(case).open_rtp((RTP_SSRC, RTP_INDEX), header_len, &mut packet);
        assert_eq!(plain.unwrap(), bytes(case, "plain_packet"), "{case}");
    }
}

#[test]
fn rtcp_is_sealed_as_in_rfc7714() {
    for (case, encrypted) in [(&cases(" 17.1", "")[0], true), (&cases(" 17.3", "")[0], false)] {
        let mut slab = [0; 128];
        let mut packet = PacketBuf::new(&mut slab, 0, 0);
        packet.put(&bytes(case, "input")).unwrap();
        cipher(case).seal_rtcp(RTCP_SSRC, Trailer { encrypted, index: RTCP_INDEX }, &mut packet).unwrap();
        assert_eq!(hex::encode(packet.bytes()), case["output"].as_str().unwrap(), "{case}");
    }
}

#[test]
fn rtcp_is_opened_as_in_rfc7714() {
    for (case, encrypted) in [(&cases(" 17.2", "")[0], true), (&cases(" 17.4", "")[0], false)] {
        let mut packet = bytes(case, "input");
        let cipher = cipher(case);
        let trailer = cipher.trailer(&packet).unwrap();
        assert_eq!(trailer, Trailer { encrypted, index: RTCP_INDEX });
        let plain = cipher.open_rtcp(RTCP_SSRC, trailer, &mut packet);
        assert_eq!(plain.unwrap(), bytes(case, "plain_packet"), "{case}");
    }
}
