//! Two engines and a line between them.

use sendrecv_core::{Instant, Machine, PacketBuf, Rng, Seed};
use sendrecv_media::{
    CodecFeedback, CodecParameters, Event, Inbound, MediaConfig, MediaEngine, MediaKind, Outgoing,
    PacketKind, Payload, ReceiveParameters, SectionParameters, SendParameters, SenderId, SignalledSource,
};
use sendrecv_rtp::extension::{ExtensionKind, ExtensionMap};
use std::time::Duration;

pub(crate) const VP8: u8 = 96;
pub(crate) const RTX: u8 = 97;
pub(crate) const OPUS: u8 = 111;

pub(crate) fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

pub(crate) fn video_codec() -> CodecParameters {
    let feedback = CodecFeedback { nack: true, pli: true, fir: true, transport_cc: true, remb: false };
    CodecParameters { rtx_payload_type: Some(RTX), feedback, ..CodecParameters::new(VP8, "VP8", 90_000) }
}

pub(crate) fn extensions() -> ExtensionMap {
    [
        (1, ExtensionKind::AudioLevel),
        (2, ExtensionKind::AbsSendTime),
        (3, ExtensionKind::TransportSequenceNumber),
        (4, ExtensionKind::Mid),
        (10, ExtensionKind::RtpStreamId),
        (11, ExtensionKind::RepairedRtpStreamId),
    ]
    .into_iter()
    .collect()
}

pub(crate) fn video_section(
    mid: &str,
    sender: Option<SenderId>,
    sources: Vec<SignalledSource>,
) -> SectionParameters {
    SectionParameters {
        mid: mid.into(),
        kind: MediaKind::Video,
        extensions: extensions(),
        receive: Some(ReceiveParameters { codecs: vec![video_codec()], sources, ..Default::default() }),
        send: sender
            .map(|sender| SendParameters { encodings: vec![sender.into()], codecs: vec![video_codec()] }),
    }
}

pub(crate) fn audio_section(mid: &str, sender: Option<SenderId>) -> SectionParameters {
    let codec = CodecParameters { channels: 2, ..CodecParameters::new(OPUS, "opus", 48_000) };
    SectionParameters {
        mid: mid.into(),
        kind: MediaKind::Audio,
        extensions: extensions(),
        receive: Some(ReceiveParameters { codecs: vec![codec.clone()], ..Default::default() }),
        send: sender.map(|sender| SendParameters { encodings: vec![sender.into()], codecs: vec![codec] }),
    }
}

/// The seed of a simulation, from `SENDRECV_SEED` or fixed; printed, so that a failure can be run again.
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("SENDRECV_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    println!("SENDRECV_SEED={seed}");
    seed
}

/// What one engine received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) ssrc: u32,
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) payload: Vec<u8>,
    pub(crate) repaired: bool,
    pub(crate) marker: bool,
}

impl Received {
    fn from(inbound: &Inbound<'_>) -> Self {
        Self {
            ssrc: inbound.packet.ssrc(),
            sequence: inbound.sequence,
            timestamp: inbound.packet.timestamp(),
            payload: inbound.packet.payload().to_vec(),
            repaired: inbound.repaired,
            marker: inbound.packet.marker(),
        }
    }
}

/// Two engines, `a` and `b`, a line with a delay that loses RTP packets, and everything that came out.
pub(crate) struct Pair {
    pub(crate) a: MediaEngine,
    pub(crate) b: MediaEngine,
    pub(crate) now: Instant,
    pub(crate) delay: Duration,
    /// Lost RTP packets in 1/100.
    pub(crate) loss: u64,
    rng: Rng,
    flying: Vec<(Instant, bool, PacketKind, Vec<u8>)>,
    pub(crate) received: Vec<Received>,
    pub(crate) events_a: Vec<Event>,
    pub(crate) events_b: Vec<Event>,
    pub(crate) log: Vec<(bool, PacketKind, Vec<u8>)>,
}

impl Pair {
    pub(crate) fn new(config: &MediaConfig, seed: u64) -> Self {
        let engine =
            |name| MediaEngine::new(config.clone(), &Seed::from_u64(seed).derive(name), Instant::ZERO);
        Self {
            a: engine("a"),
            b: engine("b"),
            now: Instant::ZERO,
            delay: Duration::from_millis(20),
            loss: 0,
            rng: Seed::from_u64(seed).derive("line").rng(),
            flying: Vec::new(),
            received: Vec::new(),
            events_a: Vec::new(),
            events_b: Vec::new(),
            log: Vec::new(),
        }
    }

    /// A pair with one video section, sent by `a`.
    pub(crate) fn video(config: &MediaConfig, seed: u64) -> (Self, SenderId) {
        let mut pair = Self::new(config, seed);
        let sender = pair.a.add_sender(pair.now, MediaKind::Video);
        pair.a.set_section(pair.now, video_section("0", Some(sender), Vec::new())).unwrap();
        pair.b.set_section(pair.now, video_section("0", None, Vec::new())).unwrap();
        (pair, sender)
    }

    pub(crate) fn send_video(&mut self, sender: SenderId, number: u32) {
        let payload = number.to_be_bytes();
        let packet = Outgoing {
            payload_type: VP8,
            marker: true,
            timestamp: number.wrapping_mul(3000),
            extensions: &[],
            payload: Payload::Pieces(&[&[0x10, 0x01], &payload]),
        };
        self.a.write(self.now, sender, &packet).unwrap();
        self.drain();
    }

    /// Lets time pass, timers fire and packets arrive.
    pub(crate) fn run_until(&mut self, end: Instant) {
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
        self.step();
    }

    fn next(&self) -> Option<Instant> {
        let arrival = self.flying.iter().map(|(at, ..)| *at).min();
        [arrival, self.a.poll_timeout(), self.b.poll_timeout()].into_iter().flatten().min()
    }

    fn step(&mut self) {
        let now = self.now;
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.flying).into_iter().partition(|(at, ..)| *at <= now);
        self.flying = later;
        for (_, to_b, kind, mut bytes) in due {
            let engine = if to_b { &mut self.b } else { &mut self.a };
            match kind {
                PacketKind::Rtp => {
                    if let Ok(Some(inbound)) = engine.handle_rtp(now, &mut bytes) {
                        self.received.push(Received::from(&inbound));
                    }
                }
                PacketKind::Rtcp => {
                    let result = engine.handle_rtcp(now, &bytes);
                    assert!(result.is_ok() || engine.is_closed(), "{result:?}");
                }
            }
        }
        self.a.handle_timeout(now);
        self.b.handle_timeout(now);
        self.drain();
        for engine in [&self.a, &self.b] {
            assert!(engine.poll_timeout().is_none_or(|deadline| deadline > now), "the deadline lies behind");
        }
    }

    pub(crate) fn drain(&mut self) {
        self.events_a.extend(std::iter::from_fn(|| self.a.poll_event()));
        self.events_b.extend(std::iter::from_fn(|| self.b.poll_event()));
        for (to_b, engine) in [(true, &mut self.a), (false, &mut self.b)] {
            loop {
                let mut slab = [0; 1200];
                let mut out = PacketBuf::new(&mut slab, 0, 0);
                let Some(kind) = engine.poll_packet(self.now, &mut out) else { break };
                let bytes = out.bytes().to_vec();
                assert_eq!(sendrecv_rtp::is_rtcp(&bytes), kind == PacketKind::Rtcp);
                self.log.push((to_b, kind, bytes.clone()));
                if kind == PacketKind::Rtp && self.rng.chance(self.loss, 100) {
                    continue;
                }
                self.flying.push((self.now + self.delay, to_b, kind, bytes));
            }
        }
    }
}
