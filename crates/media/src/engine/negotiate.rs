//! Taking over what was negotiated.

use super::{MediaEngine, index};
use crate::discard::MediaError;
use crate::event::Event;
use crate::parameters::{MediaKind, SectionId, SectionParameters, SenderId, SignalledSource};
use crate::receive::ReceiveStream;
use crate::send::SendStream;
use crate::table::Source;
use alloc::vec::Vec;
use sendrecv_core::Instant;

impl MediaEngine {
    /// Makes a stream to send, with SSRCs of its own for itself and its retransmissions, so that a description can name
    /// them. It sends once a section's [`SendParameters`](crate::SendParameters) name it.
    pub fn add_sender(&mut self, now: Instant, kind: MediaKind) -> SenderId {
        let position = self.senders.len();
        let ssrcs = (self.new_ssrc(position), self.new_ssrc(position));
        self.push_sender(now, kind, ssrcs)
    }

    /// The same with the SSRCs that a description has named already: of the stream and of its retransmissions. One that
    /// is taken is replaced by a fresh one.
    pub fn add_sender_as(&mut self, now: Instant, kind: MediaKind, ssrc: u32, rtx_ssrc: u32) -> SenderId {
        let position = self.senders.len();
        let ssrcs = (self.claim_ssrc(position, ssrc), self.claim_ssrc(position, rtx_ssrc));
        self.push_sender(now, kind, ssrcs)
    }

    fn push_sender(&mut self, now: Instant, kind: MediaKind, ssrcs: (u32, u32)) -> SenderId {
        let now = self.clock.advance(now);
        let id = SenderId(u32::try_from(self.senders.len()).unwrap_or(u32::MAX));
        let seed = self.seed.derive_indexed("sender", u64::from(id.0));
        self.senders.push(Some(SendStream::new(now, id, kind, ssrcs, &self.config, &seed)));
        id
    }

    fn claim_ssrc(&mut self, position: usize, ssrc: u32) -> u32 {
        if ssrc == 0 || self.table.get(ssrc).is_some() {
            return self.new_ssrc(position);
        }
        self.table.insert(ssrc, Source::Ours(position));
        ssrc
    }

    /// Forgets a sender.
    pub fn remove_sender(&mut self, now: Instant, id: SenderId) -> Result<(), MediaError> {
        self.clock.advance(now);
        let slot = self.senders.get_mut(index(id)).ok_or(MediaError::UnknownSender)?;
        let sender = slot.take().ok_or(MediaError::UnknownSender)?;
        self.table.remove(sender.ssrc());
        self.table.remove(sender.rtx_ssrc());
        self.ready.retain(|position| *position != index(id));
        self.urgent.retain(|position| *position != index(id));
        if sender.stats.packets_sent > 0 {
            self.rtcp.say_goodbye(sender.ssrc());
        }
        Ok(())
    }

    /// Takes over a section, new or changed; the MID tells which. Streams it received keep their state where they still
    /// fit.
    pub fn set_section(
        &mut self,
        now: Instant,
        parameters: SectionParameters,
    ) -> Result<SectionId, MediaError> {
        let now = self.command(now)?;
        let mut encodings = parameters.send.iter().flat_map(|send| &send.encodings);
        if encodings.any(|encoding| self.sender(encoding.sender).is_none()) {
            return Err(MediaError::UnknownSender);
        }
        let sources = parameters.receive.as_ref().map(|receive| receive.sources.clone());
        let id = self.sections.set(parameters);
        self.renegotiate_senders(id);
        if sources.is_none() {
            self.end_streams(now, id);
        }
        for source in sources.into_iter().flatten() {
            self.expect_source(now, id, source);
        }
        self.rtcp.start(now, self.config.report_interval, &mut self.rng);
        Ok(id)
    }

    /// Forgets a section and the streams it received; its sender falls silent.
    pub fn remove_section(&mut self, now: Instant, id: SectionId) -> Result<(), MediaError> {
        let now = self.command(now)?;
        self.sections.remove(id).ok_or(MediaError::UnknownSection)?;
        self.renegotiate_senders(id);
        self.end_streams(now, id);
        Ok(())
    }

    /// The MID of a section.
    pub fn mid(&self, id: SectionId) -> Option<&str> {
        self.sections.get(id).map(|section| section.parameters.mid.as_str())
    }

    /// The section with this MID.
    pub fn section(&self, mid: &str) -> Option<SectionId> {
        self.sections.by_mid(mid.as_bytes())
    }

    /// Ends what was received as `ssrc`.
    pub(super) fn end_stream(&mut self, position: usize) {
        let Some(stream) = self.streams.remove(position) else { return };
        self.table.remove(stream.ssrc);
        if let Some(rtx) = stream.rtx_ssrc {
            self.table.remove(rtx);
        }
        self.rtcp.forget_stream(position);
        if let (Some(heard), Some(section)) = (stream.heard, self.sections.get_mut(stream.section)) {
            section.recent.ended(heard);
        }
        if stream.has_packets() && self.events.len() < super::MAX_EVENTS {
            self.events.push_back(Event::StreamEnded { section: stream.section, ssrc: stream.ssrc });
        }
    }

    fn end_streams(&mut self, _now: Instant, section: SectionId) {
        let of_section = self.streams.enumerate().filter(|(_, stream)| stream.section == section);
        let positions: Vec<usize> = of_section.map(|(position, _)| position).collect();
        positions.into_iter().for_each(|position| self.end_stream(position));
    }

    /// Prepares for a stream that a description names; from an SSRC of ours we give way. Impossible ones (too many) are
    /// left out.
    fn expect_source(&mut self, now: Instant, id: SectionId, source: SignalledSource) {
        for ssrc in [Some(source.ssrc), source.rtx_ssrc].into_iter().flatten() {
            if let Some(Source::Ours(position)) = self.table.get(ssrc) {
                // Where it is a loop, ours stays, and the source is left out below.
                let _ = self.give_way(now, ssrc, position);
            }
        }
        let position = match self.table.get(source.ssrc) {
            Some(Source::Media(position)) => position,
            Some(_) => return,
            None => {
                let Some(codec) = self.sections.get(id).and_then(crate::sections::Section::first_codec)
                else {
                    return;
                };
                let stream = ReceiveStream::new(now, id, source.ssrc, codec);
                let Some(position) = self.streams.insert(stream) else { return };
                self.table.insert(source.ssrc, Source::Media(position));
                position
            }
        };
        let Some(stream) = self.streams.get_mut(position) else { return };
        stream.section = id;
        if let Some(rtx) = source.rtx_ssrc
            && self.table.get(rtx).is_none()
            && stream.rtx_ssrc.is_none()
        {
            stream.rtx_ssrc = Some(rtx);
            self.table.insert(rtx, Source::Repair(position));
        }
    }

    /// Tells the senders whether and how they send in this section.
    pub(super) fn renegotiate_senders(&mut self, id: SectionId) {
        let section = self.sections.get(id).map(|section| &section.parameters);
        let send = section.and_then(|parameters| parameters.send.as_ref());
        let encodings = send.map(|send| send.encodings.as_slice()).unwrap_or_default();
        for sender in self.senders.iter_mut().flatten() {
            match encodings.iter().find(|encoding| encoding.sender == sender.id()) {
                Some(encoding) => {
                    sender.negotiate(section.map(|parameters| (id, parameters, encoding.rid.clone())));
                }
                None if sender.section() == Some(id) => sender.negotiate(None),
                None => {}
            }
        }
    }

    /// An SSRC that nobody uses, entered as ours.
    pub(super) fn new_ssrc(&mut self, position: usize) -> u32 {
        loop {
            let ssrc = self.rng.u32();
            if ssrc != 0 && self.table.get(ssrc).is_none() {
                self.table.insert(ssrc, Source::Ours(position));
                return ssrc;
            }
        }
    }
}
