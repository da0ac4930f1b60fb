//! Nonsense never panics and never gets the engine stuck.

use crate::line::*;
use proptest::prelude::*;
use sendrecv_core::{Instant, Machine, PacketBuf, Seed};
use sendrecv_media::{MediaConfig, MediaEngine, MediaKind, Outgoing, Payload, SenderId};

#[derive(Clone, Debug)]
enum Input {
    Rtp { ssrc: u32, payload_type: u8, sequence: u16, timestamp: u32, mid: bool, rest: Vec<u8> },
    Rtcp { kind: u8, count: u8, ours: bool, body: Vec<u8> },
    Bytes(Vec<u8>),
    Write,
    Wait(u64),
    Section(bool),
    Keyframe(u32),
}

fn input() -> impl Strategy<Value = Input> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let payload_type = prop::sample::select(vec![VP8, RTX, OPUS, 50]);
    prop_oneof![
        8 => (0u32..6, payload_type, any::<u16>(), any::<u32>(), any::<bool>(), bytes()).prop_map(
            |(ssrc, payload_type, sequence, timestamp, mid, rest)| Input::Rtp {
                ssrc, payload_type, sequence, timestamp, mid, rest
            }
        ),
        4 => (200u8..208, 0u8..32, any::<bool>(), bytes()).prop_map(|(kind, count, ours, body)| Input::Rtcp {
            kind, count, ours, body
        }),
        1 => bytes().prop_map(Input::Bytes),
        4 => Just(Input::Write),
        4 => prop_oneof![0u64..50, 0u64..100_000].prop_map(Input::Wait),
        1 => any::<bool>().prop_map(Input::Section),
        1 => (0u32..6).prop_map(Input::Keyframe),
    ]
}

struct Rig {
    engine: MediaEngine,
    sender: SenderId,
    now: Instant,
    sent: Vec<Vec<u8>>,
}

impl Rig {
    fn new() -> Self {
        let config = MediaConfig { max_receive_streams: 4, ..Default::default() };
        let mut engine = MediaEngine::new(config, &Seed::from_u64(1), Instant::ZERO);
        let sender = engine.add_sender(Instant::ZERO, MediaKind::Video);
        engine.set_section(Instant::ZERO, video_section("0", Some(sender), Vec::new())).unwrap();
        Self { engine, sender, now: Instant::ZERO, sent: Vec::new() }
    }

    fn feed(&mut self, input: &Input) {
        let now = self.now;
        match input {
            Input::Rtp { ssrc, payload_type, sequence, timestamp, mid, rest } => {
                let flags = if *mid { 0x90 } else { 0x80 };
                let mut bytes = vec![flags, *payload_type];
                bytes.extend(sequence.to_be_bytes());
                bytes.extend(timestamp.to_be_bytes());
                bytes.extend(ssrc.to_be_bytes());
                if *mid {
                    bytes.extend([0xbe, 0xde, 0, 1, 0x40, b'0', 0, 0]);
                }
                bytes.extend(rest);
                if let Ok(Some(inbound)) = self.engine.handle_rtp(now, &mut bytes) {
                    self.engine.forward(now, self.sender, &inbound).unwrap_or_default();
                }
            }
            Input::Rtcp { kind, count, ours, body } => {
                let ssrc = self.engine.sender(self.sender).unwrap().ssrc();
                let mut bytes = vec![0x80 | count, *kind];
                let words = body.len() + if *ours { 2 } else { 0 };
                bytes.extend(u16::try_from(words).unwrap().to_be_bytes());
                if *ours {
                    bytes.extend([0, 0, 0, 1]);
                    bytes.extend(ssrc.to_be_bytes());
                }
                bytes.extend(body.iter().flat_map(|byte| [*byte, byte.wrapping_mul(29), 0, *byte >> 4]));
                self.engine.handle_rtcp(now, &bytes).unwrap_or_default();
            }
            Input::Bytes(bytes) => {
                self.engine.handle_rtcp(now, bytes).unwrap_or_default();
                self.engine.handle_rtp(now, &mut bytes.clone()).map(drop).unwrap_or_default();
            }
            Input::Write => {
                let packet = Outgoing {
                    payload_type: VP8,
                    marker: true,
                    timestamp: 0,
                    extensions: &[],
                    payload: Payload::Pieces(&[b"frame"]),
                };
                self.engine.write(now, self.sender, &packet).unwrap_or_default();
            }
            Input::Wait(millis) => self.now += std::time::Duration::from_millis(*millis),
            Input::Section(receives) => {
                let mut section = video_section("0", Some(self.sender), Vec::new());
                section.receive = section.receive.filter(|_| *receives);
                self.engine.set_section(now, section).unwrap();
            }
            Input::Keyframe(ssrc) => self.engine.request_keyframe(now, *ssrc).unwrap_or_default(),
        }
    }

    /// Polls until nothing comes; both the number of packets and that of events must be modest.
    fn drain(&mut self) {
        self.engine.handle_timeout(self.now);
        let mut polls = 0;
        while self.engine.poll_event().is_some() {
            polls += 1;
        }
        loop {
            let mut slab = [0; 1200];
            let mut out = PacketBuf::new(&mut slab, 0, 0);
            if self.engine.poll_packet(self.now, &mut out).is_none() {
                break;
            }
            polls += 1;
            self.sent.push(out.bytes().to_vec());
        }
        assert!(polls < 2000, "{polls} polls");
        assert!(self.engine.poll_timeout().is_none_or(|deadline| deadline > self.now));
    }
}

proptest! {
    #[test]
    fn any_input_is_survived_and_answered_deterministically(inputs in prop::collection::vec(input(), 0..80)) {
        let run = || {
            let mut rig = Rig::new();
            for input in &inputs {
                rig.feed(input);
                rig.drain();
            }
            rig.sent
        };
        let sent = run();
        prop_assert_eq!(&sent, &run());
        for bytes in sent {
            if sendrecv_rtp::is_rtcp(&bytes) {
                let packets: Vec<_> = sendrecv_rtp::rtcp::Compound::parse(&bytes).unwrap().collect();
                prop_assert!(packets.iter().all(Result::is_ok), "{:?}", packets);
            } else {
                prop_assert!(sendrecv_rtp::RtpPacket::parse(&bytes).is_ok());
            }
        }
    }
}
