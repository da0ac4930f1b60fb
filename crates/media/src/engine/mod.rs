//! The machine that the peer connection owns.

mod collision;
mod congestion;
mod inbound;
mod negotiate;
mod outbound;
mod rtcp_in;
mod rtcp_out;
mod streams;
mod tones;

use crate::config::MediaConfig;
use crate::discard::{Discard, MediaError};
use crate::event::Event;
use crate::inbound::{Inbound, KeptPacket};
use crate::parameters::{CodecParameters, SectionId, SenderId};
use crate::receive::ReceiveStream;
use crate::sections::Sections;
use crate::send::{NewPayload, Outgoing, Relayed, SendStream};
use crate::sources::RecentSource;
use crate::stats::MediaStats;
use crate::table::SsrcTable;
use crate::twcc::TwccFeedback;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use congestion::Congestion;
use core::time::Duration;
use rtcp_out::RtcpQueue;
use sendrecv_core::{Clock, Instant, Machine, PacketBuf, Rng, Seed, Transmit, earliest};
use sendrecv_rtp::extension::ExtensionMap;
use sendrecv_rtp::{NtpTime, RtpPacket};
use streams::Streams;

/// The round-trip time that is assumed before one was measured.
const INITIAL_RTT: Duration = Duration::from_millis(100);
/// Most events that wait to be taken.
const MAX_EVENTS: usize = 4096;

/// What [`MediaEngine::poll_packet`] wrote, and so which half of SRTP protects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// An RTP packet.
    Rtp,
    /// An RTCP compound.
    Rtcp,
}

/// All RTP streams of one transport: routes what arrives, keeps what was sent, and writes the RTCP that both need.
///
/// It is fed authenticated packets only. Work per RTP packet does not depend on the number of streams.
#[derive(Debug)]
pub struct MediaEngine {
    config: MediaConfig,
    clock: Clock,
    seed: Seed,
    rng: Rng,
    sections: Sections,
    streams: Streams,
    senders: Vec<Option<SendStream>>,
    /// Who speaks in RTCP where no sender does.
    local_ssrc: u32,
    table: SsrcTable,
    /// Senders with tones to send, each once.
    toning: Vec<usize>,
    /// When the peer last used an SSRC of ours.
    conflict_at: Option<Instant>,
    twcc: TwccFeedback,
    transport_sequence: u16,
    rtt: Duration,
    /// Senders with packets to send, each once.
    ready: VecDeque<usize>,
    /// The same for those that are not paced; without congestion control there are none.
    urgent: VecDeque<usize>,
    congestion: Option<Box<Congestion>>,
    rtcp: RtcpQueue,
    events: VecDeque<Event>,
    closed: bool,
    stats: MediaStats,
}

impl MediaEngine {
    /// An engine without sections or senders.
    pub fn new(config: MediaConfig, seed: &Seed, now: Instant) -> Self {
        let seed = seed.derive("media");
        let mut rng = seed.derive("wire").rng();
        let (local_ssrc, transport_sequence) = (rng.u32(), u16::try_from(rng.below(1 << 15)).unwrap_or(0));
        // A received stream may have two entries, and so has a sender.
        let entries = config.max_receive_streams.saturating_mul(4).saturating_add(64);
        let mut table = SsrcTable::new(entries, &seed);
        table.insert(local_ssrc, crate::table::Source::Ours(usize::MAX));
        Self {
            clock: Clock::new(now),
            rng,
            sections: Sections::new(),
            streams: Streams::new(config.max_receive_streams),
            senders: Vec::new(),
            local_ssrc,
            table,
            toning: Vec::new(),
            conflict_at: None,
            twcc: TwccFeedback::new(config.feedback_interval),
            transport_sequence,
            rtt: INITIAL_RTT,
            ready: VecDeque::new(),
            urgent: VecDeque::new(),
            congestion: config.congestion_control.map(|control| Box::new(Congestion::new(control, now))),
            rtcp: RtcpQueue::default(),
            events: VecDeque::new(),
            closed: false,
            stats: MediaStats::default(),
            seed,
            config,
        }
    }

    /// Takes an authenticated RTP packet. Retransmissions are unwrapped in place. `Ok(None)` means that there is nothing to
    /// hand up: a probe of padding only, or a packet that its stream had before.
    pub fn handle_rtp<'b>(
        &mut self,
        now: Instant,
        datagram: &'b mut [u8],
    ) -> Result<Option<Inbound<'b>>, Discard> {
        let now = self.clock.advance(now);
        let result = if self.closed { Err(Discard::Closed) } else { self.receive_rtp(now, datagram) };
        result.map_err(|reason| self.stats.discards.count(reason))
    }

    /// Takes an authenticated RTCP datagram. Packets in it that make no sense are skipped; when none makes sense, it is
    /// discarded.
    pub fn handle_rtcp(&mut self, now: Instant, datagram: &[u8]) -> Result<(), Discard> {
        let now = self.clock.advance(now);
        let result = if self.closed { Err(Discard::Closed) } else { self.receive_rtcp(now, datagram) };
        result.map_err(|reason| self.stats.discards.count(reason))
    }

    /// Queues a packet of our own.
    pub fn write(&mut self, now: Instant, sender: SenderId, packet: &Outgoing<'_>) -> Result<(), MediaError> {
        let now = self.command(now)?;
        self.sender_mut(sender)?.write(now, packet)?;
        self.enlist(sender);
        Ok(())
    }

    /// Queues a received packet, of this engine or another, to be sent by `sender` with its own SSRC, payload type, numbers
    /// and extension ids. Gaps of the source stay gaps; a packet of another source continues the numbers, and what that
    /// source sent before it is [stale](MediaError::Stale). See [`LayerSelector`](crate::LayerSelector) for when to change.
    pub fn forward(
        &mut self,
        now: Instant,
        sender: SenderId,
        inbound: &Inbound<'_>,
    ) -> Result<(), MediaError> {
        let Inbound { packet, sequence, origin, .. } = inbound;
        let payload = NewPayload::Pieces(&[packet.payload()]);
        self.relay(now, sender, &Relayed { packet: *packet, sequence: *sequence, origin, payload })
    }

    /// The same with a packet that was kept; its payload is not copied.
    pub fn forward_kept(
        &mut self,
        now: Instant,
        sender: SenderId,
        kept: &KeptPacket,
    ) -> Result<(), MediaError> {
        let KeptPacket { origin, sequence, bytes, .. } = kept;
        let packet = RtpPacket::parse(bytes).map_err(|_| MediaError::UnknownPayloadType)?;
        let start = packet.header_len();
        let payload = NewPayload::Shared(bytes, start..start + packet.payload().len());
        self.relay(now, sender, &Relayed { packet, sequence: *sequence, origin, payload })
    }

    fn relay(&mut self, now: Instant, sender: SenderId, relayed: &Relayed<'_>) -> Result<(), MediaError> {
        let now = self.command(now)?;
        self.sender_mut(sender)?.relay(now, relayed)?;
        self.enlist(sender);
        Ok(())
    }

    /// Asks the sender of a received stream for a keyframe, by PLI or FIR, at most every 300 ms. Does nothing where
    /// neither was negotiated.
    pub fn request_keyframe(&mut self, now: Instant, ssrc: u32) -> Result<(), MediaError> {
        let now = self.command(now)?;
        let position = self.stream_position(ssrc).ok_or(MediaError::UnknownStream)?;
        self.want_keyframe(now, position);
        Ok(())
    }

    /// The same for one simulcast stream of a section: the one heard last with this RtpStreamId.
    pub fn request_keyframe_of(
        &mut self,
        now: Instant,
        section: SectionId,
        rid: &str,
    ) -> Result<(), MediaError> {
        let now = self.command(now)?;
        let position = self.latest_with_rid(section, rid).ok_or(MediaError::UnknownStream)?;
        self.want_keyframe(now, position);
        Ok(())
    }

    /// Writes the next packet and says what it is. `None`, with `out` as it was, when there is nothing to send or no room.
    /// A media packet that is too long for an empty `out` is dropped and counted.
    pub fn poll_packet(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<PacketKind> {
        let now = self.clock.advance(now);
        if self.write_rtcp(now, out) {
            self.stats.rtcp_sent += 1;
            return Some(PacketKind::Rtcp);
        }
        let full_length = out.is_empty();
        self.write_rtp(now, out, full_length).then_some(PacketKind::Rtp)
    }

    /// Writes the next media packet if it fits: for an `out` that is shorter than others will be, as in a batch of
    /// datagrams of equal length. What has no room waits.
    pub fn poll_rtp_that_fits(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> bool {
        let now = self.clock.advance(now);
        self.write_rtp(now, out, false)
    }

    /// Says goodbye on all streams. Nothing is received or sent after that, apart from the goodbye itself.
    pub fn close(&mut self, now: Instant) {
        self.clock.advance(now);
        if core::mem::replace(&mut self.closed, true) {
            return;
        }
        let heard = self.senders.iter().flatten().filter(|sender| sender.stats.packets_sent > 0);
        let ssrcs: Vec<u32> = heard.map(SendStream::ssrc).collect();
        self.rtcp.close(ssrcs);
        self.twcc = TwccFeedback::new(self.config.feedback_interval);
        self.ready.clear();
        self.urgent.clear();
        self.toning.clear();
    }

    /// Whether [`close`](Self::close) was called.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// A sender; `None` when it was removed.
    pub fn sender(&self, id: SenderId) -> Option<&SendStream> {
        self.senders.get(index(id))?.as_ref()
    }

    /// All senders, oldest first.
    pub fn senders(&self) -> impl Iterator<Item = &SendStream> {
        self.senders.iter().flatten()
    }

    /// A received stream.
    pub fn stream(&self, ssrc: u32) -> Option<&ReceiveStream> {
        self.streams.get(self.stream_position(ssrc)?)
    }

    /// All received streams that packets arrived of.
    pub fn streams(&self) -> impl Iterator<Item = &ReceiveStream> {
        self.streams.iter().filter(|stream| stream.has_packets())
    }

    /// The codecs that a section may receive.
    pub fn receive_codecs(&self, id: SectionId) -> &[CodecParameters] {
        self.sections.get(id).map_or(&[], |section| &section.origin.codecs)
    }

    /// Who was mixed into what a section received in the last ten seconds (CSRCs), the latest first; at most 32.
    pub fn contributing_sources(&self, now: Instant, id: SectionId) -> Vec<RecentSource> {
        self.sections.get(id).map(|section| section.recent.contributing(now)).unwrap_or_default()
    }

    /// Whose streams a section received in the last ten seconds (SSRCs), the latest first.
    pub fn synchronization_sources(&self, now: Instant, id: SectionId) -> Vec<RecentSource> {
        let Some(section) = self.sections.get(id) else { return Vec::new() };
        let of_section = self.streams.iter().filter(|stream| stream.section == id);
        section.recent.synchronization(of_section.filter_map(|stream| stream.heard), now)
    }

    /// What all streams together should be sent with, in bits per second; `None` without congestion control.
    pub fn target_bitrate(&self) -> Option<u64> {
        self.congestion.as_ref().map(|congestion| congestion.estimator.target_bps())
    }

    /// The ids of header extensions in received packets.
    pub const fn extensions(&self) -> &ExtensionMap {
        self.sections.extensions()
    }

    /// Counters of the whole engine.
    pub fn stats(&self) -> MediaStats {
        MediaStats { time_ran_backwards: self.clock.backwards(), ..self.stats }
    }

    fn command(&mut self, now: Instant) -> Result<Instant, MediaError> {
        if self.closed { Err(MediaError::Closed) } else { Ok(self.clock.advance(now)) }
    }

    fn sender_mut(&mut self, id: SenderId) -> Result<&mut SendStream, MediaError> {
        self.senders.get_mut(index(id)).and_then(Option::as_mut).ok_or(MediaError::UnknownSender)
    }

    fn wall_clock(&self, now: Instant) -> NtpTime {
        let since_zero = now.saturating_since(Instant::ZERO);
        NtpTime::from_unix(self.config.wall_clock_at_zero.saturating_add(since_zero))
    }
}

impl Machine for MediaEngine {
    type Event = Event;

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        if !self.closed {
            self.rtcp_timeout(now);
            self.advance_tones(now);
            self.congestion_timeout(now);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.closed {
            return None;
        }
        let feedback = earliest(self.rtcp.deadline(), self.twcc.deadline());
        earliest(feedback, earliest(self.tones_deadline(), self.congestion_deadline()))
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        self.poll_packet(now, out).map(|_| Transmit::selected())
    }

    fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        if let Event::KeyframeRequested { sender, .. } = event
            && let Ok(stream) = self.sender_mut(sender)
        {
            stream.keyframe_event_waits = false;
        }
        Some(event)
    }
}

fn index(id: SenderId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}
