//! A peer that knows everything it needs to do harm.

use super::played::fragment;
use super::{Link, Pair, payload};
use sendrecv_sctp::wire::{CommonHeader, kind};
use sendrecv_sctp::{Association, Config, SendOptions};
use std::time::Duration;
use std::vec::Vec;

/// Tags and next TSNs as they are on the wire, learnt from packets.
pub struct Insider {
    pub tag_of_b: u32,
    pub next_tsn: u32,
}

/// A pair whose a is played by the test from now on.
pub fn infiltrated(config: &Config) -> (Pair<Association>, Insider) {
    let mut pair = Pair::connected(config, Link::default(), 1);
    pair.log = Some(Vec::new());
    pair.a.send(pair.now, 0, 51, payload(0, 8), SendOptions::default()).unwrap();
    pair.run(Duration::from_secs(1));
    let log = pair.log.take().unwrap();
    let packet = &log
        .iter()
        .find(|(from_a, packet)| *from_a && matches!(packet[12], kind::DATA | kind::I_DATA))
        .unwrap()
        .1;
    let (header, body) = CommonHeader::parse(packet).unwrap();
    let tsn = u32::from_be_bytes(body[4..8].try_into().unwrap());
    pair.b_events.clear();
    (pair, Insider { tag_of_b: header.verification_tag, next_tsn: tsn.wrapping_add(1) })
}

/// A fragment of four bytes on stream 0.
pub fn data(tsn: u32, interleaved: bool, ends: (bool, bool), message_id: u32, number: u32) -> Vec<u8> {
    fragment(interleaved, (tsn, 0, message_id, number), ends)
}
