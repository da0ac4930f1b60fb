//! One call: an encoder that follows the target, two engines.

use sendrecv_core::{Instant, Machine, PacketBuf, Rng, Seed, earliest};
use sendrecv_media::{
    CodecFeedback, CodecParameters, CongestionControl, Event, MediaConfig, MediaEngine, MediaKind, Outgoing,
    PacketKind, Payload, ReceiveParameters, SectionParameters, SendParameters, SenderId,
};
use sendrecv_rtp::extension::ExtensionKind;
use std::time::Duration;

const VP8: u8 = 96;
const OPUS: u8 = 111;
const FRAME: Duration = Duration::from_nanos(33_333_333);
const AUDIO: Duration = Duration::from_millis(20);
const AUDIO_BPS: u64 = 36_000;
const MTU: u64 = 1_100;

#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) sender: MediaEngine,
    pub(crate) receiver: MediaEngine,
    video: SenderId,
    audio: SenderId,
    rng: Rng,
    begin: Instant,
    next_frame: Instant,
    next_audio: Instant,
    frames: u64,
    /// What an encoder makes at most, in bits per second.
    most: u64,
    pub(crate) target: u64,
    /// Bytes of media that were received in each second, without what was received twice.
    pub(crate) per_second: Vec<u64>,
    /// Packets that found the queue full.
    pub(crate) refused: u64,
}

fn section(mid: &str, kind: MediaKind, sender: Option<SenderId>) -> SectionParameters {
    let feedback = CodecFeedback { nack: true, pli: true, fir: true, transport_cc: true, remb: false };
    let codec = match kind {
        MediaKind::Video => CodecParameters {
            rtx_payload_type: Some(97),
            feedback,
            ..CodecParameters::new(VP8, "VP8", 90_000)
        },
        MediaKind::Audio => CodecParameters {
            channels: 2,
            feedback: CodecFeedback { transport_cc: true, ..CodecFeedback::default() },
            ..CodecParameters::new(OPUS, "opus", 48_000)
        },
    };
    let extensions = [
        (3, ExtensionKind::TransportSequenceNumber),
        (4, ExtensionKind::Mid),
        (11, ExtensionKind::RepairedRtpStreamId),
    ];
    SectionParameters {
        mid: mid.into(),
        kind,
        extensions: extensions.into_iter().collect(),
        receive: Some(ReceiveParameters { codecs: vec![codec.clone()], ..ReceiveParameters::default() }),
        send: sender.map(|sender| SendParameters { encodings: vec![sender.into()], codecs: vec![codec] }),
    }
}

impl Flow {
    pub(crate) fn new(seed: &Seed, begin: Instant, most: u64, control: CongestionControl) -> Self {
        let config = MediaConfig { congestion_control: Some(control), ..MediaConfig::default() };
        let mut sender = MediaEngine::new(config, &seed.derive("sender"), Instant::ZERO);
        let mut receiver = MediaEngine::new(MediaConfig::default(), &seed.derive("receiver"), Instant::ZERO);
        let video = sender.add_sender(Instant::ZERO, MediaKind::Video);
        let audio = sender.add_sender(Instant::ZERO, MediaKind::Audio);
        for (mid, kind, id) in [("v", MediaKind::Video, video), ("a", MediaKind::Audio, audio)] {
            sender.set_section(Instant::ZERO, section(mid, kind, Some(id))).unwrap();
            receiver.set_section(Instant::ZERO, section(mid, kind, None)).unwrap();
        }
        let target = sender.target_bitrate().unwrap();
        let (per_second, rng) = (Vec::new(), seed.derive("encoder").rng());
        let (next_frame, next_audio, frames, refused) = (begin, begin, 0, 0);
        Self {
            sender,
            receiver,
            video,
            audio,
            rng,
            begin,
            next_frame,
            next_audio,
            frames,
            most,
            target,
            per_second,
            refused,
        }
    }

    pub(crate) fn next(&self) -> Instant {
        let engines = earliest(self.sender.poll_timeout(), self.receiver.poll_timeout());
        self.next_frame.min(self.next_audio).min(engines.unwrap_or(Instant::MAX))
    }

    /// Does what is due, and returns the packets that leave: whether by the receiver, what, and the bytes.
    pub(crate) fn advance(&mut self, now: Instant) -> Vec<(bool, PacketKind, Vec<u8>)> {
        if self.next_audio <= now {
            self.next_audio += AUDIO;
            self.write(now, self.audio, OPUS, AUDIO_BPS / 8 / 50, true);
        }
        if self.next_frame <= now {
            self.next_frame += FRAME;
            self.encode(now);
        }
        self.sender.handle_timeout(now);
        self.receiver.handle_timeout(now);
        while let Some(event) = self.sender.poll_event() {
            if let Event::TargetBitrate { bps } = event {
                self.target = bps;
            }
        }
        while self.receiver.poll_event().is_some() {}
        let mut out = Vec::new();
        for (back, engine) in [(false, &mut self.sender), (true, &mut self.receiver)] {
            loop {
                let mut slab = [0; 1500];
                let mut packet = PacketBuf::new(&mut slab, 0, 0);
                let Some(kind) = engine.poll_packet(now, &mut packet) else { break };
                out.push((back, kind, packet.bytes().to_vec()));
            }
            assert!(engine.poll_timeout().is_none_or(|at| at > now), "the deadline lies behind");
        }
        out
    }

    /// One frame: a fifth larger or smaller than the target asks for, the first three times as large.
    fn encode(&mut self, now: Instant) {
        let video = self.target.min(self.most).saturating_sub(AUDIO_BPS + AUDIO_BPS / 2);
        let mean = video / 8 / 30 * 97 / 100;
        let size = if self.frames == 0 { mean * 3 } else { mean * (80 + self.rng.below(41)) / 100 };
        self.frames += 1;
        let mut left = size.max(100);
        while left > 0 {
            let len = left.min(MTU);
            left -= len;
            self.write(now, self.video, VP8, len, left == 0);
        }
    }

    fn write(&mut self, now: Instant, sender: SenderId, payload_type: u8, len: u64, marker: bool) {
        let bytes = vec![0x10; usize::try_from(len).unwrap()];
        let timestamp = u32::try_from(now.as_micros() * 9 / 100 % (1 << 32)).unwrap();
        let payload = Payload::Pieces(&[&bytes]);
        let packet = Outgoing { payload_type, marker, timestamp, extensions: &[], payload };
        self.refused += u64::from(self.sender.write(now, sender, &packet).is_err());
    }

    fn second(&self, now: Instant) -> usize {
        usize::try_from(now.saturating_since(self.begin).as_secs()).unwrap()
    }

    /// Takes a packet that arrived.
    pub(crate) fn take(&mut self, now: Instant, back: bool, kind: PacketKind, mut bytes: Vec<u8>) {
        match (back, kind) {
            (false, PacketKind::Rtp) => {
                let second = self.second(now);
                let len = u64::try_from(bytes.len()).unwrap();
                if let Ok(Some(_)) = self.receiver.handle_rtp(now, &mut bytes) {
                    self.per_second.resize(self.per_second.len().max(second + 1), 0);
                    self.per_second[second] += len;
                }
            }
            (false, PacketKind::Rtcp) => drop(self.receiver.handle_rtcp(now, &bytes)),
            (true, PacketKind::Rtcp) => drop(self.sender.handle_rtcp(now, &bytes)),
            (true, PacketKind::Rtp) => {}
        }
    }
}
