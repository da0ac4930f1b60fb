#![no_main]
//! Whatever answers and offers come in, separated by `---`, negotiation goes on: each is refused, or leads to answers
//! that parse.

use libfuzzer_sys::fuzz_target;
use sendrecv::jsep::{
    Negotiation, NegotiationConfig, OfferOptions, SessionDescription, TrackKind, TransportDescription,
};
use sendrecv_core::Seed;

fuzz_target!(|input: &str| {
    let transport = TransportDescription {
        ice_ufrag: "ufrag".into(),
        ice_pwd: "password-of-22-letters".into(),
        fingerprints: "sha-256 00:01".parse().into_iter().collect(),
        ..TransportDescription::default()
    };
    let config = NegotiationConfig { receive_simulcast: true, ..NegotiationConfig::default() };
    let mut peer = Negotiation::new(config, &Seed::from_u64(1));
    let _added = peer.add_track(TrackKind::Video, "camera", &["stream"]);
    for text in input.split("---") {
        let offer = peer.create_offer(&OfferOptions::default(), &transport).expect("stable");
        peer.set_local(&offer).expect("just made");
        let _refused = peer.set_remote(&SessionDescription::answer(text.into()));
        if peer.set_remote(&SessionDescription::offer(text.into())).is_ok() {
            let answer = peer.create_answer(&transport).expect("an offer is pending");
            sendrecv_sdp::SessionDescription::parse(&answer.sdp).expect("what is written parses");
            peer.set_local(&answer).expect("just made");
        }
        if peer.pending_local_description().is_some() {
            peer.set_local(&SessionDescription::rollback()).expect("an offer is pending");
        }
    }
});
