//! Routing received RTP (RFC 9143, section 9.2).

use super::{MAX_EVENTS, MediaEngine};
use crate::discard::Discard;
use crate::event::Event;
use crate::inbound::Inbound;
use crate::parameters::SectionId;
use crate::receive::{Accepted, ReceiveStream, rtx};
use crate::sections::{PayloadUse, ReceiveCodec};
use crate::sources::RecentSource;
use crate::table::Source;
use alloc::sync::Arc;
use sendrecv_core::Instant;
use sendrecv_rtp::RtpPacket;
use sendrecv_rtp::extension::{
    AudioLevel, CsrcAudioLevels, ExtensionKind, TransportSequenceNumber, sdes_text,
};

/// To which stream a packet goes, and what it is there.
#[derive(Clone, Copy, Debug)]
struct Route {
    position: usize,
    section: SectionId,
    ssrc: u32,
    payload_use: PayloadUse,
}

impl MediaEngine {
    pub(super) fn receive_rtp<'b>(
        &mut self,
        now: Instant,
        datagram: &'b mut [u8],
    ) -> Result<Option<Inbound<'b>>, Discard> {
        let packet = RtpPacket::parse(datagram).map_err(|_| Discard::MalformedRtp)?;
        let route = match self.route(now, &packet) {
            Ok(route) => route,
            // Bandwidth is probed for by retransmission streams, before the stream they belong to begins, too.
            Err(Discard::UnknownRepairedStream) if rtx::is_probe(&packet) => {
                self.record_arrival(now, &packet);
                self.stats.probes_received += 1;
                return Ok(None);
            }
            Err(reason) => return Err(reason),
        };
        if matches!(route.payload_use, PayloadUse::Repair(_)) && packet.payload().len() == 1 {
            return Err(Discard::MalformedRetransmission);
        }
        self.record_arrival(now, &packet);
        if rtx::is_probe(&packet) {
            self.stats.probes_received += 1;
            if let PayloadUse::Media(codec) = route.payload_use {
                // It has a number that would be missed otherwise.
                self.accept(now, route, &packet, codec, false);
            }
            return Ok(None);
        }
        let (codec, repaired, header_len) = match route.payload_use {
            PayloadUse::Media(codec) => (codec, false, 0),
            PayloadUse::Repair(codec) => (codec, true, packet.header_len()),
        };
        let bytes: &'b [u8] = if repaired {
            rtx::unwrap(datagram, header_len, codec.payload_type, route.ssrc)
                .ok_or(Discard::MalformedRetransmission)?
        } else {
            datagram
        };
        let packet = RtpPacket::parse(bytes).map_err(|_| Discard::MalformedRtp)?;
        let Some(accepted) = self.accept(now, route, &packet, codec, repaired) else { return Ok(None) };
        let rid = self.streams.get(route.position).and_then(|stream| stream.rid.clone());
        let origin = self.sections.get(route.section).map(|section| Arc::clone(&section.origin));
        let origin = origin.ok_or(Discard::Unroutable)?;
        let audio_level = self.element(&packet, ExtensionKind::AudioLevel).and_then(AudioLevel::parse);
        if !repaired {
            self.note_sources(now, route, &packet, audio_level);
        }
        Ok(Some(Inbound {
            section: route.section,
            packet,
            bytes,
            origin,
            arrival: now,
            sequence: accepted.sequence,
            repaired,
            keyframe: accepted.keyframe,
            audio_level,
            rid,
        }))
    }

    /// Gives a packet to its stream. `None` when the stream has it already, or cannot place it: that is counted there, and
    /// its arrival is reported like any other.
    fn accept(
        &mut self,
        now: Instant,
        route: Route,
        packet: &RtpPacket<'_>,
        codec: ReceiveCodec,
        repaired: bool,
    ) -> Option<Accepted> {
        let stream = self.streams.get_mut(route.position)?;
        let accepted = stream.accept(now, packet, codec, repaired)?;
        if accepted.first {
            let rid = stream.rid.clone();
            self.events.push_back(Event::StreamStarted { section: route.section, ssrc: route.ssrc, rid });
        }
        if stream.rid.is_none() && !repaired {
            self.identify(route, packet);
        }
        let stream = self.streams.get_mut(route.position)?;
        if accepted.gap {
            self.rtcp.expect_nack(now, route.position, stream);
        }
        if accepted.given_up && self.config.request_keyframes {
            self.want_keyframe(now, route.position);
        }
        Some(accepted)
    }

    /// Notes whom a packet is from: its stream, and those whose media was mixed into it.
    fn note_sources(
        &mut self,
        now: Instant,
        route: Route,
        packet: &RtpPacket<'_>,
        level: Option<AudioLevel>,
    ) {
        let heard = |source, audio_level| RecentSource {
            source,
            at: now,
            rtp_timestamp: packet.timestamp(),
            audio_level,
        };
        if let Some(stream) = self.streams.get_mut(route.position) {
            stream.heard = Some(heard(route.ssrc, level.map(|level| level.level)));
        }
        if packet.csrcs().next().is_none() {
            return;
        }
        let element = self.element(packet, ExtensionKind::CsrcAudioLevel).map(CsrcAudioLevels::new);
        let levels = element.iter().flat_map(CsrcAudioLevels::iter).map(Some);
        if let Some(section) = self.sections.get_mut(route.section) {
            for (csrc, level) in packet.csrcs().zip(levels.chain(core::iter::repeat(None))) {
                section.recent.contributed(heard(csrc, level));
            }
        }
    }

    fn record_arrival(&mut self, now: Instant, packet: &RtpPacket<'_>) {
        if !self.sections.transport_feedback() {
            return;
        }
        let id = self.sections.extensions().id(ExtensionKind::TransportSequenceNumber);
        let element = id.and_then(|id| packet.extensions().get(id));
        if let Some(TransportSequenceNumber(number)) = element.and_then(TransportSequenceNumber::parse) {
            self.twcc.record(now, number, packet.ssrc());
        }
    }

    /// Finds the stream of a packet, or makes it. Nothing changes before it is clear that the packet is welcome, unless it
    /// has an SSRC of ours.
    fn route(&mut self, now: Instant, packet: &RtpPacket<'_>) -> Result<Route, Discard> {
        let mid = self.element(packet, ExtensionKind::Mid);
        let mut outgrown = None;
        match self.table.get(packet.ssrc()) {
            Some(Source::Ours(position)) => self.give_way(now, packet.ssrc(), position)?,
            Some(Source::Repair(position)) => return self.known_route(position, packet),
            Some(Source::Media(position)) => match mid.and_then(|mid| self.moved_to(position, mid)) {
                Some(_) => outgrown = Some(position),
                None => return self.known_route(position, packet),
            },
            None => {}
        }
        let section = match mid {
            Some(mid) => self.sections.by_mid(mid),
            None => self.sections.by_payload_type(packet.payload_type()),
        };
        self.new_route(now, section.ok_or(Discard::Unroutable)?, packet, outgrown)
    }

    fn known_route(&self, position: usize, packet: &RtpPacket<'_>) -> Result<Route, Discard> {
        let stream = self.streams.get(position).ok_or(Discard::Unroutable)?;
        if !stream.has_packets() && self.events.len() >= MAX_EVENTS {
            return Err(Discard::EventQueueFull);
        }
        let section = self.sections.get(stream.section).ok_or(Discard::Unroutable)?;
        let payload_use = section.payload_use(packet.payload_type()).ok_or(Discard::UnknownPayloadType)?;
        let is_stream_itself = stream.ssrc == packet.ssrc();
        if is_stream_itself != matches!(payload_use, PayloadUse::Media(_)) {
            return Err(Discard::UnknownPayloadType);
        }
        Ok(Route { position, section: stream.section, ssrc: stream.ssrc, payload_use })
    }

    /// The section of `mid`, when it is another than the stream's.
    fn moved_to(&self, position: usize, mid: &[u8]) -> Option<SectionId> {
        let section = self.streams.get(position)?.section;
        let unchanged =
            self.sections.get(section).is_some_and(|section| section.parameters.mid.as_bytes() == mid);
        if unchanged { None } else { self.sections.by_mid(mid) }
    }

    /// Makes a stream, in place of the `outgrown` one of another section.
    fn new_route(
        &mut self,
        now: Instant,
        id: SectionId,
        packet: &RtpPacket<'_>,
        outgrown: Option<usize>,
    ) -> Result<Route, Discard> {
        let section = self.sections.get(id).ok_or(Discard::Unroutable)?;
        let payload_use = section.payload_use(packet.payload_type()).ok_or(Discard::UnknownPayloadType)?;
        if self.events.len() >= MAX_EVENTS {
            return Err(Discard::EventQueueFull);
        }
        match (payload_use, outgrown) {
            // What the SSRC was in the other section is over.
            (PayloadUse::Media(_), Some(position)) => self.end_stream(position),
            (PayloadUse::Repair(_), Some(_)) => return Err(Discard::UnknownPayloadType),
            (_, None) => {}
        }
        let (position, ssrc) = match payload_use {
            PayloadUse::Media(codec) => (self.new_stream(now, id, packet, codec)?, packet.ssrc()),
            PayloadUse::Repair(_) => self.adopt_repair(id, packet)?,
        };
        Ok(Route { position, section: id, ssrc, payload_use })
    }

    fn new_stream(
        &mut self,
        now: Instant,
        id: SectionId,
        packet: &RtpPacket<'_>,
        codec: ReceiveCodec,
    ) -> Result<usize, Discard> {
        if self.streams.is_full() {
            return Err(Discard::TooManyStreams);
        }
        let mut stream = ReceiveStream::new(now, id, packet.ssrc(), codec);
        let rid = self.element(packet, ExtensionKind::RtpStreamId).and_then(sdes_text);
        stream.rid = rid.zip(self.sections.get(id)).map(|(rid, section)| section.rid(rid));
        let position = self.streams.insert(stream).ok_or(Discard::TooManyStreams)?;
        self.table.insert(packet.ssrc(), Source::Media(position));
        Ok(position)
    }

    /// Takes over the RtpStreamId of a simulcast stream whose first packets lacked it.
    fn identify(&mut self, route: Route, packet: &RtpPacket<'_>) {
        let Some(section) = self.sections.get(route.section).filter(|own| own.receives_simulcast()) else {
            return;
        };
        let element = self.element(packet, ExtensionKind::RtpStreamId);
        let Some(rid) = element.and_then(sdes_text).map(|rid| section.rid(rid)) else { return };
        if let Some(stream) = self.streams.get_mut(route.position) {
            stream.rid = Some(Arc::clone(&rid));
            self.events.push_back(Event::StreamIdentified { section: route.section, ssrc: route.ssrc, rid });
        }
    }

    /// The stream with this RtpStreamId: an encoder that began anew has another SSRC, and is the one heard last.
    pub(super) fn latest_with_rid(&self, section: SectionId, rid: &str) -> Option<usize> {
        let streams = self.streams.enumerate();
        let named = streams.filter(|(_, stream)| stream.section == section && stream.rid() == Some(rid));
        named.max_by_key(|(_, stream)| stream.last_activity()).map(|(position, _)| position)
    }

    /// Finds the stream that an unknown SSRC retransmits: the one its repaired RtpStreamId names, or the section's only
    /// stream without retransmissions.
    fn adopt_repair(&mut self, id: SectionId, packet: &RtpPacket<'_>) -> Result<(usize, u32), Discard> {
        let rid = self.element(packet, ExtensionKind::RepairedRtpStreamId).and_then(sdes_text);
        let repaired = match rid {
            Some(rid) => self.latest_with_rid(id, rid),
            None => self.only_without_repair(id),
        };
        let position = repaired.ok_or(Discard::UnknownRepairedStream)?;
        let stream = self.streams.get_mut(position).ok_or(Discard::UnknownRepairedStream)?;
        let ssrc = stream.ssrc;
        if let Some(old) = stream.rtx_ssrc.replace(packet.ssrc()) {
            self.table.remove(old);
        }
        self.table.insert(packet.ssrc(), Source::Repair(position));
        Ok((position, ssrc))
    }

    fn only_without_repair(&self, section: SectionId) -> Option<usize> {
        let streams = self.streams.enumerate();
        let mut fitting =
            streams.filter(|(_, stream)| stream.section == section && stream.rtx_ssrc.is_none());
        let only = fitting.next().filter(|_| fitting.next().is_none());
        only.map(|(position, _)| position)
    }

    fn element<'p>(&self, packet: &RtpPacket<'p>, kind: ExtensionKind) -> Option<&'p [u8]> {
        packet.extensions().get(self.sections.extensions().id(kind)?)
    }

    pub(super) fn stream_position(&self, ssrc: u32) -> Option<usize> {
        match self.table.get(ssrc)? {
            Source::Media(position) => Some(position),
            Source::Repair(_) | Source::Ours(_) => None,
        }
    }

    pub(super) fn want_keyframe(&mut self, now: Instant, position: usize) {
        let Some(stream) = self.streams.get_mut(position) else { return };
        if stream.can_request_keyframe()
            && let Some(due) = stream.want_keyframe(now)
        {
            self.rtcp.expect_keyframe_request(position, due);
        }
    }
}
