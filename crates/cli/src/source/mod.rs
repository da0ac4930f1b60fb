//! Synthetic media for a peer without camera and microphone: a moving mosaic or a file's frames, and a tone.

mod bool_encoder;
mod ivf;
mod mosaic;
mod tone;
mod vp8;
mod vp8_tables;

use crate::peer::Source;
use ivf::IvfLoop;
use mosaic::Mosaic;
use sendrecv::{MediaPacket, Payload, PeerConnection, TrackKind, TransceiverId};
use sendrecv_core::Instant;
use sendrecv_rtp::payload::vp8::Vp8Packets;
use std::time::Duration;
use tone::{OPUS_SILENCE, Tone};

const VIDEO_INTERVAL: Duration = Duration::from_millis(40);
const AUDIO_INTERVAL: Duration = Duration::from_millis(20);
const VIDEO_CLOCK: u32 = 90_000;
/// Longest VP8 payload, so that packets pass through any tunnel.
const MAX_PAYLOAD: usize = 1100;

/// What is sent on the transceivers of our own offers.
#[derive(Debug)]
pub(crate) struct Sources {
    video: Video,
    tone: Tone,
    next_video: Option<Instant>,
    next_audio: Option<Instant>,
    frames: u32,
    audio_packets: u32,
}

#[derive(Debug)]
enum Video {
    Mosaic(Mosaic),
    File(IvfLoop),
}

impl Sources {
    /// The source asked for; none for an echo.
    pub(crate) fn open(source: &Source) -> Result<Option<Self>, String> {
        let video = match source {
            Source::Echo => return Ok(None),
            Source::Synthetic => Video::Mosaic(Mosaic::default()),
            Source::Ivf(file) => Video::File(IvfLoop::open(file)?),
        };
        Ok(Some(Self {
            video,
            tone: Tone::default(),
            next_video: Some(Instant::ZERO),
            next_audio: Some(Instant::ZERO),
            frames: 0,
            audio_packets: 0,
        }))
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        sendrecv_core::earliest(self.next_video, self.next_audio)
    }

    pub(crate) fn handle_timeout(&mut self, pc: &mut PeerConnection, now: Instant) {
        if self.next_video.is_some_and(|at| at <= now) {
            self.next_video = Some(now + VIDEO_INTERVAL);
            self.send_frame(pc, now);
        }
        if self.next_audio.is_some_and(|at| at <= now) {
            self.next_audio = Some(
                self.next_audio.map_or(now, |at| at.max(now.saturating_sub(AUDIO_INTERVAL))) + AUDIO_INTERVAL,
            );
            self.send_audio(pc, now);
        }
    }

    fn send_frame(&mut self, pc: &mut PeerConnection, now: Instant) {
        let Some((id, payload_type)) = sender_of(pc, TrackKind::Video, "VP8") else { return };
        let frame = match &mut self.video {
            Video::Mosaic(mosaic) => mosaic.next_frame(),
            Video::File(file) => file.next_frame().to_vec(),
        };
        self.frames = self.frames.wrapping_add(1);
        let timestamp = self.frames.wrapping_mul(VIDEO_CLOCK / 1000 * 40);
        for packet in Vp8Packets::new(&frame, MAX_PAYLOAD, None) {
            let mut descriptor = Vec::new();
            if packet.descriptor.write(&mut descriptor).is_err() {
                return;
            }
            let payload = [descriptor.as_slice(), packet.data];
            send(
                pc,
                now,
                id,
                &MediaPacket {
                    payload_type,
                    marker: packet.last,
                    timestamp,
                    extensions: &[],
                    payload: Payload::Pieces(&payload),
                },
            );
        }
    }

    fn send_audio(&mut self, pc: &mut PeerConnection, now: Instant) {
        self.audio_packets = self.audio_packets.wrapping_add(1);
        let marker = self.audio_packets == 1;
        if let Some((id, payload_type)) = sender_of(pc, TrackKind::Audio, "PCMU") {
            let (timestamp, samples) = (self.audio_packets.wrapping_mul(160), self.tone.next_packet());
            send(
                pc,
                now,
                id,
                &MediaPacket {
                    payload_type,
                    marker,
                    timestamp,
                    extensions: &[],
                    payload: Payload::Pieces(&[&samples]),
                },
            );
        } else if let Some((id, payload_type)) = sender_of(pc, TrackKind::Audio, "opus") {
            let timestamp = self.audio_packets.wrapping_mul(960);
            send(
                pc,
                now,
                id,
                &MediaPacket {
                    payload_type,
                    marker,
                    timestamp,
                    extensions: &[],
                    payload: Payload::Pieces(&[&OPUS_SILENCE]),
                },
            );
        }
    }
}

/// Before the connection is up, and when its queue is full, a packet of a source is simply not sent.
fn send(pc: &mut PeerConnection, now: Instant, id: TransceiverId, packet: &MediaPacket<'_>) {
    let _ = pc.send_rtp(now, id, packet);
}

/// The first transceiver that may send `codec`, and the codec's payload type there.
fn sender_of(pc: &PeerConnection, kind: TrackKind, codec: &str) -> Option<(TransceiverId, u8)> {
    pc.transceivers().iter().filter(|transceiver| transceiver.kind() == kind).find_map(|transceiver| {
        let codecs = pc.send_codecs(transceiver.id());
        let found = codecs.iter().find(|known| known.name.eq_ignore_ascii_case(codec))?;
        Some((transceiver.id(), found.payload_type))
    })
}
