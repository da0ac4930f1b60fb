#![no_main]
//! Two connections under a list of operations: descriptions good and bad, rollbacks, candidates, datagrams, time.

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sendrecv::{
    Configuration, DataChannelInit, Direction, IceCandidateInit, LocalSocket, Message, OfferOptions,
    PeerConnection, RtpEncodingParameters, SdpType, SessionDescription, Settings, TrackKind, TransceiverInit,
};
use sendrecv_core::{Ecn, Instant, Path, Seed};
use std::net::SocketAddr;
use std::time::Duration;

#[derive(Arbitrary, Debug)]
enum Op {
    Channel,
    Transceiver { video: bool, sends: bool },
    Stop { index: u8 },
    Restart,
    Offer { restart: bool },
    Answer,
    Rollback { remote: bool },
    Signal,
    Describe { kind: u8, sdp: String },
    Patch { at: u16, with: String },
    Candidate { line: String },
    Send { len: u16 },
    Carry { count: u8 },
    Forge { at: u16, patch: Vec<u8> },
    Datagram { bytes: Vec<u8> },
    Wait { millis: u16 },
    Close,
    Swap,
}

struct End {
    pc: PeerConnection,
    address: SocketAddr,
}

fn end(number: u8) -> End {
    let address = SocketAddr::from(([10, 0, 0, number], 4000));
    let now = Instant::ZERO;
    let settings = Settings { receive_simulcast: true, ..Settings::default() };
    let configuration = Configuration { settings, ..Configuration::default() };
    let mut pc = PeerConnection::new(configuration, Seed::from_u64(number.into()), now).unwrap();
    pc.add_local_socket(now, LocalSocket::udp(address)).unwrap();
    End { pc, address }
}

fn poll(end: &mut End, now: Instant) -> Option<Vec<u8>> {
    let mut slab = [0; 2048];
    end.pc.poll_transmit(now, &mut slab).map(|sent| slab[..sent.len].to_vec())
}

fn feed(to: &mut End, from: SocketAddr, now: Instant, mut bytes: Vec<u8>) {
    let _ = to.pc.handle_datagram(now, Path::udp(to.address, from), Ecn::NotEct, &mut bytes);
}

fn describe(a: &mut End, b: &mut End, now: Instant, at: u16, with: &str) {
    if let Some(mut description) = a.pc.local_description() {
        let at = usize::from(at).min(description.sdp.len());
        let at = if with.is_empty() || !description.sdp.is_char_boundary(at) { description.sdp.len() } else { at };
        description.sdp.insert_str(at, with);
        let _ = b.pc.set_remote_description(now, description);
    }
}

fn run(a: &mut End, b: &mut End, now: &mut Instant, op: Op) {
    let at = *now;
    match op {
        Op::Channel => drop(a.pc.create_data_channel(at, "x", DataChannelInit::default())),
        Op::Transceiver { video, sends } => {
            let kind = if video { TrackKind::Video } else { TrackKind::Audio };
            let init = TransceiverInit {
                direction: Direction::new(sends, true),
                send_encodings: vec![RtpEncodingParameters::default(); 1 + usize::from(sends)],
                ..TransceiverInit::default()
            };
            let _ = a.pc.add_transceiver(at, kind, init);
        }
        Op::Stop { index } => {
            if let Some(id) = a.pc.transceivers().get(usize::from(index)).map(|own| own.id()) {
                let _ = a.pc.stop_transceiver(at, id);
            }
        }
        Op::Restart => a.pc.restart_ice(at),
        Op::Offer { restart } => {
            let options = OfferOptions { ice_restart: restart, ..OfferOptions::default() };
            if let Ok(offer) = a.pc.create_offer(options) {
                let _ = a.pc.set_local_description(at, Some(offer));
            }
        }
        Op::Answer => drop(a.pc.set_local_description(at, None)),
        Op::Rollback { remote: true } => {
            drop(a.pc.set_remote_description(at, SessionDescription::rollback()));
        }
        Op::Rollback { remote: false } => {
            drop(a.pc.set_local_description(at, Some(SessionDescription::rollback())));
        }
        Op::Signal => describe(a, b, at, 0, ""),
        Op::Patch { at: place, with } => describe(a, b, at, place, &with),
        Op::Describe { kind, sdp } => {
            let kinds = [SdpType::Offer, SdpType::Answer, SdpType::Pranswer];
            let kind = kinds[usize::from(kind) % kinds.len()];
            let _ = a.pc.set_remote_description(at, SessionDescription { kind, sdp });
        }
        Op::Candidate { line } => {
            let init = IceCandidateInit { candidate: line, sdp_m_line_index: Some(0), ..Default::default() };
            let _ = a.pc.add_ice_candidate(at, Some(init));
        }
        Op::Send { len } => {
            let first = a.pc.data_channels().next().map(|channel| channel.handle());
            if let Some(id) = first {
                let _ = a.pc.send(at, id, Message::Binary(vec![0; usize::from(len)].into()));
            }
        }
        Op::Carry { count } => {
            for _ in 0..count {
                let Some(bytes) = poll(a, at) else { break };
                feed(b, a.address, at, bytes);
            }
        }
        Op::Forge { at: place, patch } => {
            if let Some(mut bytes) = poll(a, at) {
                let place = usize::from(place) % (bytes.len() + 1);
                bytes.splice(place.., patch);
                feed(b, a.address, at, bytes);
            }
        }
        Op::Datagram { bytes } => feed(b, a.address, at, bytes),
        Op::Wait { millis } => {
            *now += Duration::from_millis(millis.into());
            a.pc.handle_timeout(*now);
            b.pc.handle_timeout(*now);
        }
        Op::Close => a.pc.close(at),
        Op::Swap => std::mem::swap(a, b),
    }
}

fuzz_target!(|ops: Vec<Op>| {
    let (mut a, mut b, mut now) = (end(1), end(2), Instant::ZERO);
    for op in ops.into_iter().take(100) {
        run(&mut a, &mut b, &mut now, op);
        while a.pc.poll_event().is_some() {}
        while b.pc.poll_event().is_some() {}
    }
});
