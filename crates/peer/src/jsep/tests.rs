#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

mod answers;
mod browsers;
mod codecs;
mod exchange;
mod random;
mod refusals;
mod restart;
mod simulcast;
mod traps;

use super::*;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use sendrecv_core::Seed;
use sendrecv_sdp as sdp;

pub(crate) fn transport(name: &str) -> TransportDescription {
    TransportDescription {
        ice_ufrag: format!("ufrag{name}"),
        ice_pwd: format!("password{name}0123456789abcdef"),
        fingerprints: vec!["sha-256 01:23:45".parse().unwrap()],
        candidates: vec![format!("1 1 udp 2113937151 192.0.2.1 {} typ host", 1000 + name.len())],
        ..TransportDescription::default()
    }
}

pub(crate) fn peer(number: u64) -> Negotiation {
    Negotiation::new(NegotiationConfig::default(), &Seed::from_u64(number))
}

pub(crate) fn parse(description: &SessionDescription) -> sdp::SessionDescription {
    sdp::SessionDescription::parse(&description.sdp).unwrap()
}

pub(crate) fn offer(from: &mut Negotiation) -> SessionDescription {
    from.create_offer(&OfferOptions::default(), &transport("a")).unwrap()
}

/// One whole exchange; returns what it changed here and there.
pub(crate) fn negotiate(from: &mut Negotiation, to: &mut Negotiation) -> (Changes, Changes) {
    let offer = offer(from);
    from.set_local(&offer).unwrap();
    to.set_remote(&offer).unwrap();
    let answer = to.create_answer(&transport("b")).unwrap();
    let there = to.set_local(&answer).unwrap();
    (from.set_remote(&answer).unwrap(), there)
}

/// A remote offer made of `sections`, in one BUNDLE.
pub(crate) fn remote_offer(sections: &str) -> SessionDescription {
    let mids: Vec<&str> = sections.lines().filter_map(|line| line.strip_prefix("a=mid:")).collect();
    let mut text = String::from("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
    text +=
        "a=fingerprint:sha-256 0A:0B\r\na=ice-ufrag:remote\r\na=ice-pwd:remote-password-of-22-or-more\r\n";
    text += &format!("a=group:BUNDLE {}\r\n", mids.join(" "));
    text += &sections.lines().map(|line| format!("{}\r\n", line.trim_start())).collect::<String>();
    SessionDescription::offer(text)
}

pub(crate) fn answer_to(offer: &SessionDescription) -> sdp::SessionDescription {
    let mut peer = peer(7);
    peer.set_remote(offer).unwrap_or_else(|error| panic!("{error}\n{}", offer.sdp));
    let answer = peer.create_answer(&transport("b")).unwrap();
    peer.set_local(&answer).unwrap();
    parse(&answer)
}

pub(crate) fn payload_types(media: &sdp::MediaSection) -> Vec<u8> {
    media.formats.payload_types().collect()
}

#[test]
fn descriptions_read_and_print_as_in_the_browser() {
    let json = serde_json::to_string(&SessionDescription::rollback()).unwrap();
    assert_eq!(json, r#"{"type":"rollback","sdp":""}"#);
    let parsed: SessionDescription = serde_json::from_str(r#"{"type":"rollback"}"#).unwrap();
    assert_eq!(parsed, SessionDescription::rollback());
    assert_eq!(SignalingState::HaveLocalPranswer.to_string(), "have-local-pranswer");
}
