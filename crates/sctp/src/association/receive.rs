//! Taking packets: checks first, then chunk by chunk (RFC 9260, sections 6.8, 8.4 and 8.5).

use super::control::ControlChunk;
use super::{Association, State};
use crate::checksum::packet_checksum;
use crate::num::{clamp16, wide};
use crate::receive::Violation;
use crate::wire::{
    Abort, Cause, Causes, Chunk, Chunks, CommonHeader, DataChunk, ForwardTsn, HEADER_LEN, Sack, Shutdown,
    code, kind, write_heartbeat_ack, write_shutdown_complete,
};
use crate::{CloseReason, Discard};
use alloc::vec::Vec;
use sendrecv_core::Instant;

/// How much of a chunk we do not know is sent back.
const MAX_ECHOED: usize = 256;

/// How a packet goes on after a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    /// The rest of the packet is not looked at.
    Stop,
}

impl Association {
    /// Takes one packet from the peer.
    ///
    /// # Errors
    /// [`Discard`] says why the packet had no effect.
    pub fn handle_datagram(&mut self, now: Instant, packet: &[u8]) -> Result<(), Discard> {
        let now = self.clock.advance(now);
        match self.take_packet(now, packet) {
            Ok(()) => {
                self.stats.packets_received = self.stats.packets_received.saturating_add(1);
                self.stats.bytes_received = self.stats.bytes_received.saturating_add(wide(packet.len()));
                Ok(())
            }
            Err(discard) => Err(self.stats.discards.count(discard)),
        }
    }

    fn take_packet(&mut self, now: Instant, packet: &[u8]) -> Result<(), Discard> {
        let (header, body) = CommonHeader::parse(packet).map_err(|_| Discard::Malformed)?;
        let chunks = Chunks::new(body);
        if !chunks.are_well_formed() {
            return Err(Discard::Malformed);
        }
        if header.source_port != self.config.remote_port || header.destination_port != self.config.local_port
        {
            return Err(Discard::WrongPort);
        }
        let Some(Ok(first)) = chunks.clone().next() else { return Err(Discard::Malformed) };
        self.check_checksum(&header, first.kind, packet)?;
        self.check_tag(&header, &first, chunks)?;
        if self.answer_out_of_the_blue(&header, &first)? {
            return Ok(());
        }
        self.take_chunks(now, &header, chunks)?;
        let had_data = self.receiver.end_packet(now, self.config.delayed_ack);
        if had_data && self.state == State::ShutdownSent {
            // The peer has not heard that we are done (section 9.2).
            self.repeat_shutdown(now);
        }
        self.after_progress(now);
        Ok(())
    }

    /// A checksum of zero stands for none where we announced that, which no INIT can know (RFC 9653, section 5.3).
    fn check_checksum(&self, header: &CommonHeader, first: u8, packet: &[u8]) -> Result<(), Discard> {
        let may_be_zero = self.config.lower_layer_is_dtls && first != kind::INIT;
        if cfg!(fuzzing) || may_be_zero && header.checksum == [0; 4] {
            return Ok(());
        }
        if packet_checksum(packet) == Some(header.checksum) { Ok(()) } else { Err(Discard::BadChecksum) }
    }

    /// The verification tag must fit the first chunk, and chunks that must be alone must be (sections 8.5 and 6.10).
    fn check_tag(&self, header: &CommonHeader, first: &Chunk<'_>, chunks: Chunks<'_>) -> Result<(), Discard> {
        let tag = header.verification_tag;
        let alone = chunks.clone().nth(1).is_none();
        let valid = match first.kind {
            kind::INIT => tag == 0 && alone,
            kind::INIT_ACK => tag == self.local_tag && alone,
            kind::ABORT | kind::SHUTDOWN_COMPLETE => {
                let reflected = first.flags & 1 != 0;
                let expected = if reflected { self.peer.tag } else { self.local_tag };
                tag == expected && tag != 0
            }
            // The cookie itself says which tag it goes with.
            kind::COOKIE_ECHO => tag != 0,
            // From a peer that is in another state than we think (section 8.5.1, E).
            kind::SHUTDOWN_ACK if !self.is_established() => tag != 0,
            _ => tag == self.local_tag,
        };
        if valid { Ok(()) } else { Err(Discard::BadVerificationTag) }
    }

    /// Answers packets of an association that is no more, so that the peer stops (section 8.4). True when answered.
    fn answer_out_of_the_blue(&mut self, header: &CommonHeader, first: &Chunk<'_>) -> Result<bool, Discard> {
        let handshaking = matches!(self.state, State::CookieWait | State::CookieEchoed);
        if first.kind == kind::SHUTDOWN_ACK && (handshaking || self.state == State::Closed) {
            self.answer_reflected(header.verification_tag, |bytes| write_shutdown_complete(true, bytes));
            return Ok(true);
        }
        if self.state != State::Closed {
            return Ok(false);
        }
        if first.kind == kind::INIT {
            return Ok(false);
        }
        if self.close_reason.is_none() {
            // Not connected yet: only the handshake means something.
            return if first.kind == kind::COOKIE_ECHO { Ok(false) } else { Err(Discard::OutOfTheBlue) };
        }
        let silent = [
            kind::ABORT,
            kind::SHUTDOWN_COMPLETE,
            kind::INIT_ACK,
            kind::COOKIE_ECHO,
            kind::COOKIE_ACK,
            kind::ERROR,
        ];
        if silent.contains(&first.kind) || self.control.front().is_some() {
            return Err(Discard::OutOfTheBlue);
        }
        self.answer_reflected(header.verification_tag, |bytes| Abort::write(true, &[], bytes));
        Ok(true)
    }

    fn answer_reflected(
        &mut self,
        tag: u32,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), sendrecv_core::NoSpace>,
    ) {
        let mut bytes = Vec::with_capacity(4);
        if write(&mut bytes).is_ok() {
            self.control.push(ControlChunk { bytes, tag: Some(tag), alone: true, checksum: true });
        }
    }

    /// Takes every chunk. The packet is discarded only if none had an effect.
    fn take_chunks(
        &mut self,
        now: Instant,
        header: &CommonHeader,
        chunks: Chunks<'_>,
    ) -> Result<(), Discard> {
        let mut outcome = Ok(());
        let mut any = false;
        for chunk in chunks.flatten() {
            match self.take_chunk(now, header, &chunk) {
                Ok(flow) => {
                    any = true;
                    if flow == Flow::Stop || self.state == State::Closed {
                        break;
                    }
                }
                Err(discard) => outcome = Err(discard),
            }
            // The first chunk may have come with another tag than ours: that of a cookie, or the peer's. What is behind
            // it may not, unless the cookie made that tag ours.
            if header.verification_tag != self.local_tag {
                break;
            }
        }
        if any { Ok(()) } else { outcome }
    }

    fn take_chunk(
        &mut self,
        now: Instant,
        header: &CommonHeader,
        chunk: &Chunk<'_>,
    ) -> Result<Flow, Discard> {
        match chunk.kind {
            kind::DATA | kind::I_DATA => return self.on_data(chunk),
            kind::SACK => self.on_sack(now, chunk)?,
            // Only an INIT that is alone comes without a tag.
            kind::INIT if header.verification_tag == 0 => self.on_init(now, chunk)?,
            kind::INIT => return Err(Discard::Unexpected),
            kind::INIT_ACK => self.on_init_ack(now, chunk)?,
            kind::HEARTBEAT => self.on_heartbeat(chunk)?,
            kind::HEARTBEAT_ACK => self.on_heartbeat_ack(now, chunk)?,
            kind::ABORT => self.on_abort(chunk),
            kind::SHUTDOWN => self.on_shutdown(now, chunk)?,
            kind::SHUTDOWN_ACK => self.on_shutdown_ack()?,
            kind::ERROR => self.on_error(now, chunk)?,
            kind::COOKIE_ECHO => self.on_cookie_echo(now, chunk, header.verification_tag)?,
            kind::COOKIE_ACK => self.on_cookie_ack()?,
            kind::SHUTDOWN_COMPLETE => self.on_shutdown_complete()?,
            kind::FORWARD_TSN | kind::I_FORWARD_TSN => self.on_forward(chunk)?,
            kind::RE_CONFIG => self.on_reconfig(now, chunk)?,
            kind::PAD => {}
            _ => return self.on_unknown(chunk),
        }
        Ok(Flow::Next)
    }

    fn on_data(&mut self, chunk: &Chunk<'_>) -> Result<Flow, Discard> {
        let receives =
            matches!(self.state, State::Established | State::ShutdownPending | State::ShutdownSent);
        if !receives {
            return Err(Discard::Unexpected);
        }
        let data = DataChunk::parse(chunk).map_err(|_| Discard::Malformed)?;
        if data.header.interleaved != self.peer.extensions.interleaving {
            self.violated(Violation("DATA and I-DATA mixed"));
            return Ok(Flow::Stop);
        }
        if data.payload.is_empty() {
            let tsn = data.header.tsn.to_be_bytes();
            self.abort_with(CloseReason::ProtocolViolation("DATA without data"), code::NO_USER_DATA, &tsn);
            return Ok(Flow::Stop);
        }
        if data.header.stream >= self.peer.inbound_streams {
            self.report_invalid_stream(data.header.stream);
            self.receiver.on_useless_data(&data);
            return Ok(Flow::Next);
        }
        if self.resets.holds_back(data.header.stream, data.header.tsn) {
            self.receiver.hold_back(&data);
            return Ok(Flow::Next);
        }
        match self.receiver.on_data(&data, &mut self.events) {
            Ok(()) => Ok(Flow::Next),
            Err(violation) => {
                self.violated(violation);
                Ok(Flow::Stop)
            }
        }
    }

    /// Data for a stream beyond what we announced is reported, acknowledged and dropped (section 6.5).
    fn report_invalid_stream(&mut self, stream: u16) {
        let [high, low] = stream.to_be_bytes();
        self.report(code::INVALID_STREAM, &[high, low, 0, 0]);
    }

    /// Sends an ERROR with one cause.
    pub(super) fn report(&mut self, code: u16, value: &[u8]) {
        let (mut causes, mut bytes) = (Vec::new(), Vec::new());
        let written = Cause { code, value }
            .write(&mut causes)
            .and_then(|()| Chunk { kind: kind::ERROR, flags: 0, value: &causes }.write(&mut bytes));
        if written.is_ok() {
            self.control.push_shared(bytes);
        }
    }

    pub(super) fn violated(&mut self, Violation(what): Violation) {
        self.abort_with(CloseReason::ProtocolViolation(what), code::PROTOCOL_VIOLATION, what.as_bytes());
    }

    fn on_sack(&mut self, now: Instant, chunk: &Chunk<'_>) -> Result<(), Discard> {
        if !self.is_established() {
            return Err(Discard::Unexpected);
        }
        let sack = Sack::parse(chunk).map_err(|_| Discard::Malformed)?;
        self.sender.on_sack(now, &sack)?;
        self.look_for_black_hole(now);
        self.stats.sacks_received = self.stats.sacks_received.saturating_add(1);
        Ok(())
    }

    fn on_forward(&mut self, chunk: &Chunk<'_>) -> Result<(), Discard> {
        let extensions = self.peer.extensions;
        let fits = (chunk.kind == kind::I_FORWARD_TSN) == extensions.interleaving;
        if !extensions.partial_reliability || !fits || !self.is_established() {
            return Err(Discard::Unexpected);
        }
        let forward = ForwardTsn::parse(chunk).map_err(|_| Discard::Malformed)?;
        self.receiver.on_forward(&forward, &mut self.events);
        Ok(())
    }

    /// Answered from the moment the peer is known, also while our COOKIE ECHO waits (section 8.3).
    fn on_heartbeat(&mut self, chunk: &Chunk<'_>) -> Result<(), Discard> {
        if matches!(self.state, State::Closed | State::CookieWait) {
            return Err(Discard::Unexpected);
        }
        let mut bytes = Vec::with_capacity(chunk.value.len().saturating_add(8));
        let fits = chunk.value.len().saturating_add(HEADER_LEN).saturating_add(4) <= self.path.packet_size();
        if fits && write_heartbeat_ack(chunk.value, &mut bytes).is_ok() {
            let alone = !self.is_established();
            self.control.push(ControlChunk { bytes, tag: None, alone, checksum: false });
        }
        Ok(())
    }

    fn on_error(&mut self, now: Instant, chunk: &Chunk<'_>) -> Result<(), Discard> {
        if self.state == State::Closed || self.state == State::CookieWait {
            return Err(Discard::Unexpected);
        }
        for cause in Causes::new(chunk.value) {
            let cause = cause.map_err(|_| Discard::Malformed)?;
            if cause.code == code::STALE_COOKIE {
                self.on_stale_cookie(now);
                break;
            }
        }
        Ok(())
    }

    /// The type's high bits say what to do (section 3.2).
    fn on_unknown(&mut self, chunk: &Chunk<'_>) -> Result<Flow, Discard> {
        if chunk.kind & 0x40 != 0 && self.is_established() {
            let start = chunk.value.get(..chunk.value.len().min(MAX_ECHOED)).unwrap_or_default();
            let [high, low] = clamp16(chunk.value.len().saturating_add(4)).to_be_bytes();
            let echoed = [&[chunk.kind, chunk.flags, high, low], start].concat();
            self.report(code::UNRECOGNIZED_CHUNK, &echoed);
        }
        Ok(if chunk.kind & 0x80 != 0 { Flow::Next } else { Flow::Stop })
    }

    pub(super) fn on_shutdown(&mut self, now: Instant, chunk: &Chunk<'_>) -> Result<(), Discard> {
        let shutdown = Shutdown::parse(chunk).map_err(|_| Discard::Malformed)?;
        if !self.is_established() {
            return Err(Discard::Unexpected);
        }
        self.sender.on_cumulative(now, shutdown.cumulative_tsn)?;
        self.peer_shuts_down(now);
        Ok(())
    }
}
