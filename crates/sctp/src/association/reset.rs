//! Stream resets (RFC 6525).
//!
//! Outgoing: once a closing stream has sent everything, its number is put into a request with the last TSN used; the
//! peer performs it when everything up to there has arrived, and says "in progress" until then. One request is out at a
//! time. Incoming: the same from the other side; a request we have to put off is performed, and answered, as soon as
//! the missing TSNs are there.

use super::Association;
use crate::num::clamp16;
use crate::wire::{
    Chunk, IncomingResetRequest, OutgoingResetRequest, Parameter, Parameters, ReconfigResponse, ResetResult,
    kind, parameter,
};
use crate::{CloseReason, Discard, Event};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use sendrecv_core::{Instant, PacketBuf};

/// The most streams in one request, so that it fits any packet.
const MAX_STREAMS: usize = 200;

/// A request of ours.
#[derive(Clone, Debug)]
struct Request {
    number: u32,
    last_tsn: u32,
    streams: Vec<u16>,
    /// Those of them that the peer has shown to be reset, before its answer came.
    settled: Vec<u16>,
    retry_at: Option<Instant>,
    attempts: u32,
}

/// A request of the peer's that waits for TSNs.
#[derive(Clone, Debug)]
struct Deferred {
    number: u32,
    last_tsn: u32,
    streams: Vec<u16>,
}

/// The state of resets in both directions.
#[derive(Clone, Debug)]
pub(super) struct Resets {
    next_number: u32,
    /// Streams that have nothing left to send and wait for a request.
    waiting: VecDeque<u16>,
    request: Option<Request>,
    /// The next request number of the peer, and what its last request came to.
    peer_next: u32,
    last_result: ResetResult,
    deferred: Option<Deferred>,
    /// The last request that was performed after "in progress", until another one is.
    performed_late: Option<Deferred>,
    /// Answers to send: request number and result.
    answers: VecDeque<(u32, ResetResult)>,
}

impl Resets {
    pub(super) const fn new(initial_tsn: u32) -> Self {
        Self {
            next_number: initial_tsn,
            waiting: VecDeque::new(),
            request: None,
            peer_next: 0,
            last_result: ResetResult::NothingToDo,
            deferred: None,
            performed_late: None,
            answers: VecDeque::new(),
        }
    }

    pub(super) fn restart(&mut self, initial_tsn: u32) {
        *self = Self::new(initial_tsn);
    }

    /// The peer's requests are numbered from its initial TSN.
    pub(super) const fn set_peer_initial(&mut self, initial_tsn: u32) {
        self.peer_next = initial_tsn;
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.request.as_ref().and_then(|request| request.retry_at)
    }

    pub(super) fn close(&mut self) {
        self.request = None;
        (self.deferred, self.performed_late) = (None, None);
        self.waiting.clear();
        self.answers.clear();
    }

    /// Whether data on this stream waits for a reset that was put off: it was sent after that (RFC 6525, section 5.2.2, E2).
    pub(super) fn holds_back(&self, stream: u16, tsn: u32) -> bool {
        self.deferred.as_ref().is_some_and(|deferred| {
            tsn.wrapping_sub(deferred.last_tsn).cast_signed() > 0
                && (deferred.streams.is_empty() || deferred.streams.contains(&stream))
        })
    }

    fn answer(&mut self, number: u32, result: ResetResult) {
        // Two requests fit a chunk; a peer that sends more before reading answers loses some.
        if self.answers.len() < 8 {
            self.answers.push_back((number, result));
        }
    }
}

impl Association {
    /// Something was sent or acknowledged: streams may have drained.
    pub(super) fn after_sending(&mut self, _: Instant) {
        while let Some(stream) = self.sender.queue.pop_drained() {
            self.resets.waiting.push_back(stream);
        }
    }

    /// Performs a request that was put off, if its time has come.
    pub(super) fn perform_deferred(&mut self) {
        let receiver = &self.receiver;
        let Some(deferred) = self.resets.deferred.take_if(|deferred| receiver.has_all_to(deferred.last_tsn))
        else {
            return;
        };
        self.perform(&deferred.streams);
        if deferred.number == self.resets.peer_next.wrapping_sub(1) {
            self.resets.last_result = ResetResult::Performed;
        }
        self.resets.answer(deferred.number, ResetResult::Performed);
        self.resets.performed_late = Some(deferred);
        if let Err(violation) = self.receiver.release(&mut self.events) {
            self.violated(violation);
        }
    }

    fn perform(&mut self, streams: &[u16]) {
        self.resets.performed_late = None;
        self.receiver.reset_streams(streams);
        if streams.is_empty() {
            self.events.push_back(Event::AllIncomingStreamsReset);
        }
        self.events.extend(streams.iter().map(|stream| Event::IncomingStreamReset { stream: *stream }));
    }

    pub(super) fn reset_timeout(&mut self, now: Instant) {
        let Some(request) = &mut self.resets.request else { return };
        if request.retry_at.is_none_or(|at| at > now) {
            return;
        }
        request.retry_at = None;
        request.attempts = request.attempts.saturating_add(1);
        let attempts = request.attempts;
        if self.gives_up(attempts) {
            self.fail(CloseReason::PeerUnreachable);
        }
    }

    /// Writes answers and our request, if they are due.
    pub(super) fn write_resets(&mut self, now: Instant, out: &mut PacketBuf<'_>) {
        self.after_sending(now);
        while let Some((number, result)) = self.resets.answers.front().copied() {
            let mut value = Vec::with_capacity(12);
            let written = ReconfigResponse { response: number, result: result.code() }
                .write(&mut value)
                .and_then(|()| Chunk { kind: kind::RE_CONFIG, flags: 0, value: &value }.write(out));
            if written.is_err() {
                return;
            }
            self.resets.answers.pop_front();
        }
        self.start_request();
        self.write_request(now, out);
    }

    fn start_request(&mut self) {
        if self.resets.request.is_some() || self.resets.waiting.is_empty() || !self.peer.extensions.reconfig {
            return;
        }
        let count = self.resets.waiting.len().min(MAX_STREAMS);
        let streams = self.resets.waiting.drain(..count).collect();
        let number = self.resets.next_number;
        self.resets.next_number = number.wrapping_add(1);
        let last_tsn = self.sender.last_tsn();
        self.resets.request =
            Some(Request { number, last_tsn, streams, settled: Vec::new(), retry_at: None, attempts: 0 });
    }

    fn write_request(&mut self, now: Instant, out: &mut PacketBuf<'_>) {
        let rto = self.sender.rtt.rto();
        let response = self.resets.peer_next.wrapping_sub(1);
        let Some(request) = self.resets.request.as_mut().filter(|request| request.retry_at.is_none()) else {
            return;
        };
        let mut value = Vec::with_capacity(request.streams.len().saturating_mul(2).saturating_add(20));
        let written = OutgoingResetRequest::write(
            request.number,
            response,
            request.last_tsn,
            &request.streams,
            &mut value,
        )
        .and_then(|()| {
            // The padding of the last parameter belongs to the chunk, not to its length.
            let len = usize::from(clamp16(request.streams.len())).saturating_mul(2).saturating_add(16);
            let value = value.get(..len).unwrap_or_default();
            Chunk { kind: kind::RE_CONFIG, flags: 0, value }.write(out)
        });
        if written.is_ok() {
            let factor = 1u32.checked_shl(request.attempts).unwrap_or(u32::MAX);
            request.retry_at = Some(now + rto.saturating_mul(factor).min(self.config.rto_max));
        }
    }

    /// The peer uses a stream anew, so it performed our reset, whose answer was lost or is late.
    pub(crate) fn settle_reset(&mut self, stream: u16) {
        let Some(request) = self.resets.request.as_mut().filter(|request| request.streams.contains(&stream))
        else {
            return;
        };
        request.settled.push(stream);
        self.sender.queue.reopen_stream(stream, true);
    }

    pub(super) fn on_reconfig(&mut self, now: Instant, chunk: &Chunk<'_>) -> Result<(), Discard> {
        if !self.is_established() || !self.peer.extensions.reconfig {
            return Err(Discard::Unexpected);
        }
        // At most two parameters may be there (RFC 6525, section 3.1).
        for parameter in Parameters::new(chunk.value).take(2) {
            let parameter = parameter.map_err(|_| Discard::Malformed)?;
            self.on_reconfig_parameter(now, &parameter)?;
        }
        Ok(())
    }

    fn on_reconfig_parameter(&mut self, now: Instant, parameter: &Parameter<'_>) -> Result<(), Discard> {
        match parameter.kind {
            parameter::OUTGOING_RESET => {
                let request = OutgoingResetRequest::parse(parameter.value).map_err(|_| Discard::Malformed)?;
                self.on_outgoing_request(&request);
            }
            parameter::INCOMING_RESET => {
                let request = IncomingResetRequest::parse(parameter.value).map_err(|_| Discard::Malformed)?;
                self.on_incoming_request(&request);
            }
            parameter::RECONFIG_RESPONSE => {
                let response = ReconfigResponse::parse(parameter.value).map_err(|_| Discard::Malformed)?;
                self.on_response(now, response);
            }
            parameter::SSN_TSN_RESET | parameter::ADD_OUTGOING | parameter::ADD_INCOMING => {
                let (number, _) = parameter.value.split_first_chunk::<4>().ok_or(Discard::Malformed)?;
                self.decide(u32::from_be_bytes(*number), |_| ResetResult::Denied);
            }
            _ => {}
        }
        Ok(())
    }

    /// Answers a request once: a repetition gets the same answer, a number out of order is refused.
    fn decide(&mut self, number: u32, decide: impl FnOnce(&mut Self) -> ResetResult) {
        let result = if number == self.resets.peer_next {
            self.resets.peer_next = number.wrapping_add(1);
            let result = decide(self);
            self.resets.last_result = result;
            result
        } else if number == self.resets.peer_next.wrapping_sub(1) {
            self.resets.performed_late = None;
            self.resets.last_result
        } else {
            ResetResult::BadSequenceNumber
        };
        self.resets.answer(number, result);
    }

    fn on_outgoing_request(&mut self, request: &OutgoingResetRequest<'_>) {
        self.decide(request.request, |association| {
            let streams: Vec<_> = request.streams().collect();
            if streams.iter().any(|stream| *stream >= association.peer.inbound_streams) {
                return ResetResult::WrongStream;
            }
            let (number, last_tsn) = (request.request, request.last_tsn);
            let resets = &mut association.resets;
            // dcSCTP numbers its request anew when the first was answered "in progress".
            let repeats = |other: &Deferred| (other.last_tsn, &other.streams) == (last_tsn, &streams);
            if resets.performed_late.take_if(|performed| repeats(performed)).is_some() {
                return ResetResult::Performed;
            }
            if association.receiver.has_all_to(last_tsn) {
                association.perform(&streams);
                return ResetResult::Performed;
            }
            if resets.deferred.as_ref().is_some_and(|deferred| !repeats(deferred)) {
                return ResetResult::AlreadyInProgress;
            }
            resets.deferred = Some(Deferred { number, last_tsn, streams });
            ResetResult::InProgress
        });
    }

    /// The peer asks that we reset streams: what the application is told as the peer's own reset will tell it.
    fn on_incoming_request(&mut self, request: &IncomingResetRequest<'_>) {
        self.decide(request.request, |association| {
            let mut any = false;
            for stream in request.streams() {
                any |= association.sender.queue.close_stream(stream);
            }
            if any { ResetResult::Performed } else { ResetResult::NothingToDo }
        });
    }

    fn on_response(&mut self, now: Instant, response: ReconfigResponse) {
        let Some(request) =
            self.resets.request.as_mut().filter(|request| request.number == response.response)
        else {
            return;
        };
        let result = ResetResult::from_code(response.result).unwrap_or(ResetResult::Denied);
        if result == ResetResult::InProgress {
            // The same request again, after a while (RFC 6525, section 5.2.7); that the peer answers is a good sign.
            request.attempts = 0;
            request.retry_at = Some(now + self.sender.rtt.rto());
            return;
        }
        let performed = matches!(result, ResetResult::Performed | ResetResult::NothingToDo);
        let Some(request) = self.resets.request.take() else { return };
        for stream in request.streams.into_iter().filter(|stream| !request.settled.contains(stream)) {
            self.sender.queue.reopen_stream(stream, performed);
            self.events.push_back(Event::OutgoingStreamReset { stream, performed });
        }
    }
}
