//! A stream that is sent.

mod budget;
mod cache;
mod relay;
mod resend;
mod stamp;
mod tones;

use crate::config::MediaConfig;
use crate::congestion::SentPacket;
use crate::discard::MediaError;
use crate::inbound::Origin;
use crate::parameters::{CodecParameters, MediaKind, SectionId, SectionParameters, SenderId};
use crate::receive::units;
use crate::stats::{OutboundStats, RemoteInboundStats};
use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use budget::Budget;
pub(crate) use cache::NewPayload;
pub use cache::Payload;
use cache::{Cache, NewPacket, Slot};
use core::time::Duration;
use relay::Relay;
use resend::Padding;
use sendrecv_core::{Instant, NoSpace, PacketBuf, Seed};
use sendrecv_rtp::extension::{ExtensionKind, ExtensionMap};
use sendrecv_rtp::rtcp::{ReportBlock, SenderInfo};
use sendrecv_rtp::{NtpTime, RtpHeader, RtpPacket};
use stamp::Stamper;
pub use tones::ToneTiming;
use tones::{Report, Tones};

/// A packet of our own to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// A payload type that was negotiated for sending.
    pub payload_type: u8,
    /// The marker bit: the last packet of a video frame.
    pub marker: bool,
    /// Media time in units of the codec's clock; a random offset is added.
    pub timestamp: u32,
    /// Header extensions; those the peer did not agree to are left out.
    pub extensions: &'a [(ExtensionKind, &'a [u8])],
    /// What it carries.
    pub payload: Payload<'a>,
}

/// A received packet to be sent as our own.
pub(crate) struct Relayed<'a> {
    pub(crate) packet: RtpPacket<'a>,
    /// Its sequence number, extended.
    pub(crate) sequence: u64,
    pub(crate) origin: &'a Arc<Origin>,
    pub(crate) payload: NewPayload<'a>,
}

/// One stream that is sent: its numbers, the packets kept for retransmission, what the peer says about it.
#[derive(Debug)]
pub struct SendStream {
    id: SenderId,
    kind: MediaKind,
    ssrc: u32,
    rtx_ssrc: u32,
    negotiated: Option<Negotiated>,
    cache: Cache,
    /// Numbers of packets to be sent, oldest first; at most the cache's capacity.
    pending: VecDeque<u64>,
    /// Numbers of packets to be sent again; a bounded number.
    resends: VecDeque<u64>,
    /// Whether the sender is in the engine's list of those with packets to send.
    pub(crate) queued: bool,
    next_sequence: u64,
    next_rtx_sequence: u16,
    padding: Padding,
    timestamp_offset: u32,
    /// The last timestamp written, when, and its clock rate.
    clock: Option<(u32, Instant, u32)>,
    relay: Relay,
    /// Their payload type and ours for the packets of one origin.
    relayed_type: Option<(Arc<Origin>, u8, u8)>,
    budget: Budget,
    max_payload_len: usize,
    /// Whether the peer was heard to receive the stream, and so knows its MID and RtpStreamId.
    acknowledged: bool,
    last_fir: Option<(u32, u8)>,
    pub(crate) keyframe_event_waits: bool,
    pub(crate) stats: OutboundStats,
    remote: RemoteInboundStats,
    /// Payload bytes and packets of the stream itself, for sender reports.
    media_sent: (u32, u32),
    tones: Tones,
}

/// What sending needs to know of the section.
#[derive(Debug)]
struct Negotiated {
    section: SectionId,
    stamper: Stamper,
    extensions: ExtensionMap,
    codecs: Vec<CodecParameters>,
}

impl Negotiated {
    fn codec(&self, payload_type: u8) -> Option<&CodecParameters> {
        self.codecs.iter().find(|codec| codec.payload_type == payload_type)
    }
}

/// What stamping a packet needs.
pub(crate) struct Stamps<'t> {
    pub(crate) now: Instant,
    /// The next transport-wide sequence number; taken when the packet has one.
    pub(crate) transport_sequence: &'t mut u16,
    /// Whether a packet that finds no room now would never find any.
    pub(crate) full_length: bool,
    /// Whether congestion control is there, which has use for what is written.
    watched: bool,
    /// What was written, if watched; not set for a packet that is repeated to the last bit.
    pub(crate) written: Option<SentPacket>,
}

impl<'t> Stamps<'t> {
    pub(crate) const fn new(
        now: Instant,
        transport_sequence: &'t mut u16,
        full_length: bool,
        watched: bool,
    ) -> Self {
        Self { now, transport_sequence, full_length, watched, written: None }
    }
}

/// What became of an attempt to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A packet was written.
    Packet,
    /// There was nothing to send.
    Nothing,
    /// The datagram has no room for the packet.
    NoRoom,
}

impl SendStream {
    pub(crate) fn new(
        now: Instant,
        id: SenderId,
        kind: MediaKind,
        ssrcs: (u32, u32),
        config: &MediaConfig,
        seed: &Seed,
    ) -> Self {
        let mut rng = seed.rng();
        let capacity = match kind {
            MediaKind::Audio => config.audio_cache_packets,
            MediaKind::Video => config.video_cache_packets,
        };
        // Below 2^15, so that the rollover counter cannot be guessed wrong by a receiver that misses the first packets.
        let mut first = || u16::try_from(rng.below(1 << 15)).unwrap_or(0);
        let (sequence, next_rtx_sequence) = (first(), first());
        Self {
            id,
            kind,
            ssrc: ssrcs.0,
            rtx_ssrc: ssrcs.1,
            negotiated: None,
            cache: Cache::new(capacity),
            pending: VecDeque::new(),
            resends: VecDeque::new(),
            queued: false,
            // One cycle up, so that a forwarded packet from before the first has a number too.
            next_sequence: 0x1_0000 | u64::from(sequence),
            next_rtx_sequence,
            padding: Padding::default(),
            timestamp_offset: rng.u32(),
            clock: None,
            relay: Relay::default(),
            relayed_type: None,
            budget: Budget::new(now, config.max_retransmit_bps),
            max_payload_len: config.max_payload_len,
            acknowledged: false,
            last_fir: None,
            keyframe_event_waits: false,
            stats: OutboundStats::default(),
            remote: RemoteInboundStats::default(),
            media_sent: (0, 0),
            tones: Tones::default(),
        }
    }

    /// The sender's name.
    pub const fn id(&self) -> SenderId {
        self.id
    }

    /// Audio or video.
    pub const fn kind(&self) -> MediaKind {
        self.kind
    }

    /// The synchronization source.
    pub const fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The synchronization source of retransmissions.
    pub const fn rtx_ssrc(&self) -> u32 {
        self.rtx_ssrc
    }

    /// Gives its retransmissions another source.
    pub(crate) const fn set_rtx_ssrc(&mut self, ssrc: u32) {
        self.rtx_ssrc = ssrc;
    }

    /// Counters for `outbound-rtp`.
    pub const fn stats(&self) -> OutboundStats {
        self.stats
    }

    /// Counters for `remote-inbound-rtp`; `None` before the first report.
    pub fn remote_stats(&self) -> Option<RemoteInboundStats> {
        (self.remote.reports > 0).then_some(self.remote)
    }

    /// The codecs that may be sent, in order of preference; none before negotiation.
    pub fn codecs(&self) -> &[CodecParameters] {
        self.negotiated.as_ref().map_or(&[], |negotiated| &negotiated.codecs)
    }

    /// The ids of header extensions that may be sent; `None` before negotiation.
    pub fn extensions(&self) -> Option<&ExtensionMap> {
        self.negotiated.as_ref().map(|negotiated| &negotiated.extensions)
    }

    /// Takes what was negotiated for the section it sends in, or that it does not send any more.
    pub(crate) fn negotiate(&mut self, section: Option<(SectionId, &SectionParameters, Option<Arc<str>>)>) {
        self.relayed_type = None;
        self.negotiated = section.and_then(|(id, parameters, rid)| {
            Some(Negotiated {
                section: id,
                stamper: Stamper::new(parameters, rid),
                extensions: parameters.extensions.clone(),
                codecs: parameters.send.as_ref()?.codecs.clone(),
            })
        });
        if self.negotiated.is_none() {
            self.pending.clear();
            self.resends.clear();
            self.padding = Padding::default();
        }
    }

    /// Its RtpStreamId, where it is one of several encodings.
    pub fn rid(&self) -> Option<&str> {
        self.negotiated.as_ref().and_then(|negotiated| negotiated.stamper.rid())
    }

    /// The section it sends in.
    pub fn section(&self) -> Option<SectionId> {
        self.negotiated.as_ref().map(|negotiated| negotiated.section)
    }

    /// Stores a packet of our own, to be sent next. While a tone sounds, that is what is heard: audio is left out.
    pub(crate) fn write(&mut self, now: Instant, packet: &Outgoing<'_>) -> Result<(), MediaError> {
        let negotiated = self.negotiated.as_ref().ok_or(MediaError::NotNegotiated)?;
        let codec = negotiated.codec(packet.payload_type).ok_or(MediaError::UnknownPayloadType)?;
        check_room(packet.payload.len(), self.max_payload_len, self.pending.len(), self.cache.capacity())?;
        if self.tones.sounds(now) && !tones::is_event(codec) {
            return Ok(());
        }
        let header = RtpHeader {
            marker: packet.marker,
            payload_type: packet.payload_type,
            sequence_number: wire(self.next_sequence),
            timestamp: packet.timestamp.wrapping_add(self.timestamp_offset),
            ssrc: self.ssrc,
        };
        let ids = &negotiated.extensions;
        let extensions = packet.extensions.iter().filter_map(|(kind, data)| Some((ids.id(*kind)?, *data)));
        let packet =
            NewPacket { header, csrcs: core::iter::empty(), extensions, payload: packet.payload.into() };
        let clock = (header.timestamp, now, codec.clock_rate);
        let sequence = self.next_sequence;
        if !self.cache.store(now, sequence, packet) {
            return Err(MediaError::Stale);
        }
        self.stored(sequence, clock, header.marker);
        Ok(())
    }

    /// Stores a received packet to be sent as our own: other SSRC, payload type, numbers and extension ids.
    pub(crate) fn relay(&mut self, now: Instant, relayed: &Relayed<'_>) -> Result<(), MediaError> {
        let Relayed { packet, sequence, origin, payload } = relayed;
        check_room(packet.payload().len(), self.max_payload_len, self.pending.len(), self.cache.capacity())?;
        let payload_type = self.relayed_payload_type(origin, packet.payload_type())?;
        let negotiated = self.negotiated.as_ref().ok_or(MediaError::NotNegotiated)?;
        let clock_rate = negotiated.codec(payload_type).map_or(0, |codec| codec.clock_rate);
        let (clock, offset) = (self.clock, self.timestamp_offset);
        // Two pictures with one timestamp would be one to the receiver.
        let later = |(last, ..): (u32, Instant, u32), timestamp: u32| {
            timestamp.wrapping_add(u32::from(timestamp == last))
        };
        let fresh = || clock.map_or(offset, |clock| later(clock, extrapolate(clock, now)));
        let (sequence, timestamp) = self
            .relay
            .translate(packet.ssrc(), *sequence, packet.timestamp(), self.next_sequence, fresh)
            .ok_or(MediaError::Stale)?;
        let header = RtpHeader {
            marker: packet.marker(),
            payload_type,
            sequence_number: wire(sequence),
            timestamp,
            ssrc: self.ssrc,
        };
        let ids = &negotiated.extensions;
        let extensions = packet.extensions().filter_map(|(id, data)| {
            let kind = origin.extensions.kind(id).filter(|kind| !kind.is_hop_by_hop())?;
            Some((ids.id(kind)?, data))
        });
        let packet = NewPacket { header, csrcs: packet.csrcs(), extensions, payload: payload.clone() };
        let reach = u64::try_from(self.cache.capacity()).unwrap_or(0);
        if sequence.saturating_add(reach) <= self.next_sequence || !self.cache.store(now, sequence, packet) {
            return Err(MediaError::Stale);
        }
        self.stored(sequence, (timestamp, now, clock_rate), header.marker);
        Ok(())
    }

    /// Notes a packet that was put into the cache.
    fn stored(&mut self, sequence: u64, clock: (u32, Instant, u32), marker: bool) {
        self.pending.push_back(sequence);
        if sequence >= self.next_sequence {
            self.next_sequence = sequence + 1;
            self.clock = Some(clock);
        }
        self.stats.frames_sent += u64::from(self.kind == MediaKind::Video && marker);
    }

    /// Our payload type for one of others.
    fn relayed_payload_type(&mut self, origin: &Arc<Origin>, theirs: u8) -> Result<u8, MediaError> {
        if let Some((known, payload_type, ours)) = &self.relayed_type
            && *payload_type == theirs
            && Arc::ptr_eq(known, origin)
        {
            return Ok(*ours);
        }
        let codec = origin.codec(theirs).ok_or(MediaError::UnknownPayloadType)?;
        let negotiated = self.negotiated.as_ref().ok_or(MediaError::NotNegotiated)?;
        let same = || negotiated.codecs.iter().filter(|ours| ours.same_encoding(codec));
        let exact = same().find(|ours| ours.format_parameters == codec.format_parameters);
        let ours = exact.or_else(|| same().next()).ok_or(MediaError::UnknownPayloadType)?.payload_type;
        self.relayed_type = Some((Arc::clone(origin), theirs, ours));
        Ok(ours)
    }

    /// The tones that were not begun yet.
    pub fn tone_buffer(&self) -> &str {
        self.tones.buffer()
    }

    /// Whether telephone events (RFC 4733) may be sent.
    pub fn can_send_tones(&self) -> bool {
        self.tone_codec().is_some()
    }

    /// The telephone events to use: those with the clock of the audio, so that timestamps and durations are in one unit.
    fn tone_codec(&self) -> Option<&CodecParameters> {
        let codecs = &self.negotiated.as_ref()?.codecs;
        let rate = self.clock.map(|(.., rate)| rate).or_else(|| Some(codecs.first()?.clock_rate));
        let events = || codecs.iter().filter(|codec| tones::is_event(codec));
        events().find(|codec| Some(codec.clock_rate) == rate).or_else(|| events().next())
    }

    /// Replaces the tones to be sent.
    pub(crate) fn insert_tones(
        &mut self,
        now: Instant,
        tones: &str,
        timing: ToneTiming,
    ) -> Result<(), MediaError> {
        if !self.can_send_tones() {
            return Err(MediaError::NotNegotiated);
        }
        self.tones.insert(now, tones, timing)
    }

    /// Drops the tones to be sent, and the one that sounds.
    pub(crate) fn stop_tones(&mut self) {
        self.tones = Tones::default();
    }

    /// When [`advance_tones`](Self::advance_tones) is due.
    pub(crate) fn tones_deadline(&self) -> Option<Instant> {
        self.tones.deadline()
    }

    /// Does what is due of the tones: reports on the one that sounds, or goes on to the next, which it returns.
    pub(crate) fn advance_tones(&mut self, now: Instant) -> Option<Option<char>> {
        if let Some(report) = self.tones.report(now) {
            self.store_report(now, &report);
            return None;
        }
        let Some(codec) = self.tone_codec() else {
            self.stop_tones();
            return None;
        };
        let (payload_type, clock_rate) = (codec.payload_type, codec.clock_rate);
        let timestamp = self.clock.map_or(self.timestamp_offset, |clock| extrapolate(clock, now));
        let stream_rate = self.clock.map_or(clock_rate, |(.., rate)| rate);
        self.tones.next(now, tones::Clocks { payload_type, clock_rate, timestamp, stream_rate })
    }

    /// Stores a telephone event to be sent. One that finds no room is left out: the next one says all that it said.
    fn store_report(&mut self, now: Instant, report: &Report) {
        if self.pending.len() >= self.cache.capacity() || self.negotiated.is_none() {
            return;
        }
        let header = RtpHeader {
            marker: report.first,
            payload_type: report.payload_type,
            sequence_number: wire(self.next_sequence),
            timestamp: report.timestamp,
            ssrc: self.ssrc,
        };
        let payload = report.payload();
        let pieces: [&[u8]; 1] = [&payload];
        let packet = NewPacket {
            header,
            csrcs: core::iter::empty(),
            extensions: core::iter::empty(),
            payload: NewPayload::Pieces(&pieces),
        };
        if self.cache.store(now, self.next_sequence, packet) {
            let clock = self.clock.unwrap_or((report.timestamp, report.begun, report.clock_rate));
            self.stored(self.next_sequence, clock, false);
        }
    }

    /// Whether there is something to send.
    pub(crate) fn has_work(&self) -> bool {
        !self.pending.is_empty() || !self.resends.is_empty()
    }

    /// Writes the next packet: retransmissions first, they are the most urgent. What has no room in an empty datagram of
    /// full length never will, and is dropped.
    pub(crate) fn transmit(&mut self, stamps: &mut Stamps<'_>, out: &mut PacketBuf<'_>) -> Sent {
        loop {
            let (sequence, again) = match (self.resends.front(), self.pending.front()) {
                (Some(sequence), _) => (*sequence, true),
                (None, Some(sequence)) => (*sequence, false),
                (None, None) => return Sent::Nothing,
            };
            let result = self.transmit_one(sequence, again, stamps, out);
            if result == Err(NoSpace) && !stamps.full_length {
                return Sent::NoRoom;
            }
            if again {
                self.resends.pop_front()
            } else {
                self.pending.pop_front()
            };
            match result {
                Ok(true) => return Sent::Packet,
                Ok(false) => {}
                Err(NoSpace) => self.stats.packets_too_long += 1,
            }
        }
    }

    /// Writes one packet of the cache; `Ok(false)` when it is not there any more.
    fn transmit_one(
        &mut self,
        sequence: u64,
        again: bool,
        stamps: &mut Stamps<'_>,
        out: &mut PacketBuf<'_>,
    ) -> Result<bool, NoSpace> {
        let Some(negotiated) = &self.negotiated else { return Ok(false) };
        let Some(slot) = self.cache.get_mut(sequence) else { return Ok(false) };
        let rtx_type = if again { rtx_payload_type(negotiated, slot) } else { None };
        let (header, original) = match rtx_type {
            Some(payload_type) => {
                let sequence_number = self.next_rtx_sequence;
                let ssrc = self.rtx_ssrc;
                let header = RtpHeader { payload_type, sequence_number, ssrc, ..slot.header };
                (header, Some(slot.header.sequence_number))
            }
            None => (slot.header, None),
        };
        let named = rtx_type.is_some() || !self.acknowledged;
        let fresh = negotiated.stamper.fresh(stamps.now, *stamps.transport_sequence, named);
        // Without a stream of its own a retransmission is the same packet again, to the last bit.
        let repeats = again && rtx_type.is_none();
        let stamped = slot.stamped.filter(|_| repeats).unwrap_or(fresh);
        let start = out.len();
        if let Err(error) =
            slot.write(&header, &mut negotiated.stamper.block(stamped, rtx_type.is_some()), original, out)
        {
            out.truncate(start);
            return Err(error);
        }
        slot.stamped = if again { slot.stamped } else { Some(stamped) };
        let counted = negotiated.stamper.counts() && !repeats;
        let payload_len = slot.payload().len();
        stamps.written = (stamps.watched && !repeats).then(|| SentPacket {
            transport_sequence: counted.then_some(*stamps.transport_sequence),
            ssrc: header.ssrc,
            sequence_number: header.sequence_number,
            len: out.len().saturating_sub(start),
            is_repair: again,
        });
        if stamps.watched && !again && rtx_payload_type(negotiated, slot).is_some() {
            self.padding.offer(sequence, payload_len);
        }
        slot.note_sent(stamps.now);
        if again {
            slot.note_resent(stamps.now);
        }
        *stamps.transport_sequence = stamps.transport_sequence.wrapping_add(u16::from(counted));
        self.next_rtx_sequence = self.next_rtx_sequence.wrapping_add(u16::from(rtx_type.is_some()));
        self.count(out.len() - start, payload_len, again, rtx_type.is_some());
        Ok(true)
    }

    fn count(&mut self, total: usize, payload_len: usize, again: bool, rtx: bool) {
        let bytes = u64::try_from(payload_len).unwrap_or(0);
        let stats = &mut self.stats;
        stats.packets_sent += 1;
        stats.bytes_sent += bytes;
        stats.header_bytes_sent += u64::try_from(total.saturating_sub(payload_len)).unwrap_or(0);
        stats.retransmitted_packets_sent += u64::from(again);
        stats.retransmitted_bytes_sent += if again { bytes } else { 0 };
        if !rtx {
            let (packets, octets) = &mut self.media_sent;
            *packets = packets.wrapping_add(1);
            *octets = octets.wrapping_add(u32::try_from(payload_len).unwrap_or(0));
        }
    }

    /// Takes a FIR; `false` when it repeats the last one.
    pub(crate) fn full_intra_request(&mut self, from: u32, sequence_number: u8) -> bool {
        self.stats.fir_count += 1;
        self.last_fir.replace((from, sequence_number)) != Some((from, sequence_number))
    }

    /// Takes what a receiver says about the stream; returns the round-trip time when it tells it.
    pub(crate) fn report(&mut self, now: Instant, ntp: NtpTime, block: &ReportBlock) -> Option<Duration> {
        self.acknowledged = true;
        let remote = &mut self.remote;
        remote.packets_lost = block.cumulative_lost;
        remote.fraction_lost = block.fraction_lost;
        remote.jitter = block.jitter;
        remote.reports = remote.reports.saturating_add(1);
        remote.last_report = Some(now);
        let rtt = sendrecv_rtp::CompactNtp::round_trip(
            ntp.middle(),
            block.last_sender_report,
            block.delay_since_last,
        )?;
        remote.round_trip_time = Some(rtt);
        remote.total_round_trip_time = remote.total_round_trip_time.saturating_add(rtt);
        remote.round_trip_time_measurements += 1;
        Some(rtt)
    }

    /// What to say about the stream in a sender report; `None` before the first packet.
    pub(crate) fn sender_info(&self, now: Instant, ntp_time: NtpTime) -> Option<SenderInfo> {
        let (packet_count, octet_count) = self.media_sent;
        let clock = self.clock.filter(|_| packet_count > 0)?;
        self.negotiated.as_ref()?;
        Some(SenderInfo { ntp_time, rtp_timestamp: extrapolate(clock, now), packet_count, octet_count })
    }
}

fn rtx_payload_type(negotiated: &Negotiated, slot: &Slot) -> Option<u8> {
    negotiated.codec(slot.header.payload_type)?.rtx_payload_type
}

fn check_room(payload_len: usize, longest: usize, waiting: usize, capacity: usize) -> Result<(), MediaError> {
    if payload_len > longest {
        return Err(MediaError::TooLong);
    }
    if waiting >= capacity {
        return Err(MediaError::QueueFull);
    }
    Ok(())
}

/// The timestamp at `now`, from the last one written.
fn extrapolate((timestamp, at, clock_rate): (u32, Instant, u32), now: Instant) -> u32 {
    let elapsed = units(now.saturating_since(at), clock_rate);
    let [_, _, _, _, a, b, c, d] = elapsed.to_be_bytes();
    timestamp.wrapping_add(u32::from_be_bytes([a, b, c, d]))
}

fn wire(sequence: u64) -> u16 {
    let [.., a, b] = sequence.to_be_bytes();
    u16::from_be_bytes([a, b])
}
