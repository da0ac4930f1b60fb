//! Ending an association (RFC 9260, section 9).

use super::control::ControlChunk;
use super::{Association, State};
use crate::wire::{Abort, Cause, Chunk, Shutdown, code, write_shutdown_ack, write_shutdown_complete};
use crate::{CloseReason, Discard, Event, UsageError};
use alloc::vec::Vec;
use sendrecv_core::Instant;

/// How many of the longest retransmission timeouts a shutdown may take in all (section 9.2: five).
const GUARD_TIMEOUTS: u32 = 5;
/// How much of the peer's words is kept.
const MAX_REASON: usize = 128;

impl Association {
    /// Ends the association in order: what was handed over is delivered first, also when it is not established yet.
    ///
    /// # Errors
    /// `WrongState` when it is closed or already being shut down.
    pub fn shutdown(&mut self, now: Instant) -> Result<(), UsageError> {
        let now = self.clock.advance(now);
        match self.state {
            // The peer knows nothing of us, and need not.
            State::CookieWait if self.sender.is_finished() => {
                self.fail(CloseReason::Shutdown);
                Ok(())
            }
            State::CookieWait | State::CookieEchoed if !self.shutdown_asked => {
                self.shutdown_asked = true;
                self.shutdown_guard_at = Some(now + self.config.rto_max.saturating_mul(GUARD_TIMEOUTS));
                Ok(())
            }
            State::Established => {
                self.state = State::ShutdownPending;
                self.after_progress(now);
                Ok(())
            }
            _ => Err(UsageError::WrongState),
        }
    }

    /// Ends the association at once. The peer is told `reason`.
    pub fn abort(&mut self, now: Instant, reason: &str) {
        self.clock.advance(now);
        if self.close_reason.is_none() {
            self.abort_with(CloseReason::Aborted, code::USER_INITIATED_ABORT, reason.as_bytes());
        }
    }

    /// Sends an ABORT, if there is a peer, and closes.
    pub(super) fn abort_with(&mut self, reason: CloseReason, code: u16, value: &[u8]) {
        let tag = self.peer.tag;
        self.fail(reason);
        if tag == 0 {
            return;
        }
        let (mut causes, mut bytes) = (Vec::new(), Vec::new());
        let value = value.get(..value.len().min(MAX_REASON)).unwrap_or_default();
        let written =
            Cause { code, value }.write(&mut causes).and_then(|()| Abort::write(false, &causes, &mut bytes));
        if written.is_ok() {
            self.control.push(ControlChunk { bytes, tag: None, alone: true, checksum: false });
        }
    }

    /// Closes without a word.
    pub(super) fn fail(&mut self, reason: CloseReason) {
        if self.close_reason.is_some() {
            return;
        }
        tracing::debug!(%reason, "association closed");
        self.state = State::Closed;
        (self.handshake_at, self.shutdown_guard_at) = (None, None);
        self.cookie_due = false;
        self.control.clear();
        self.sender.close();
        self.receiver.close();
        self.resets.close();
        self.path.stop();
        self.close_reason = Some(reason.clone());
        self.events.push_back(Event::Closed(reason));
    }

    /// Whether this many consecutive failures are too many.
    pub(super) fn gives_up(&self, errors: u32) -> bool {
        self.config.max_retransmissions.is_some_and(|limit| errors > limit)
    }

    pub(super) fn on_abort(&mut self, chunk: &Chunk<'_>) {
        let cause = Abort::parse(chunk).causes.flatten().next();
        let reason = cause.map_or(&[][..], |cause| cause.value);
        let reason = reason.get(..reason.len().min(MAX_REASON)).unwrap_or_default().to_vec();
        self.fail(CloseReason::AbortedByPeer { cause: cause.map(|cause| cause.code), reason });
    }

    /// A SHUTDOWN came.
    pub(super) fn peer_shuts_down(&mut self, now: Instant) {
        match self.state {
            State::Established | State::ShutdownPending => {
                self.state = State::ShutdownReceived;
                self.after_progress(now);
            }
            // Both sides at once (section 9.2).
            State::ShutdownSent => self.send_shutdown_ack(now),
            // Our SHUTDOWN ACK was lost.
            State::ShutdownAckSent => self.push_shutdown_ack(now),
            _ => {}
        }
    }

    pub(super) fn on_shutdown_ack(&mut self) -> Result<(), Discard> {
        if !matches!(self.state, State::ShutdownSent | State::ShutdownAckSent) {
            return Err(Discard::Unexpected);
        }
        self.fail(CloseReason::Shutdown);
        let mut bytes = Vec::with_capacity(4);
        if write_shutdown_complete(false, &mut bytes).is_ok() {
            self.control.push(ControlChunk { bytes, tag: None, alone: true, checksum: false });
        }
        Ok(())
    }

    pub(super) fn on_shutdown_complete(&mut self) -> Result<(), Discard> {
        if self.state != State::ShutdownAckSent {
            return Err(Discard::Unexpected);
        }
        self.fail(CloseReason::Shutdown);
        Ok(())
    }

    /// Goes on with whatever waited for data to be sent or acknowledged.
    pub(super) fn after_progress(&mut self, now: Instant) {
        self.perform_deferred();
        match self.state {
            State::ShutdownPending if self.sender.is_finished() => self.send_shutdown(now),
            State::ShutdownReceived if self.sender.is_finished() => self.send_shutdown_ack(now),
            _ => {}
        }
    }

    fn send_shutdown(&mut self, now: Instant) {
        self.state = State::ShutdownSent;
        self.handshake_attempts = 0;
        self.shutdown_guard_at = Some(now + self.config.rto_max.saturating_mul(GUARD_TIMEOUTS));
        self.push_shutdown(now);
    }

    fn push_shutdown(&mut self, now: Instant) {
        let mut bytes = Vec::with_capacity(8);
        let shutdown = Shutdown { cumulative_tsn: self.receiver.cumulative_tsn() };
        if shutdown.write(&mut bytes).is_ok() {
            self.control.push_shared(bytes);
        }
        self.arm_handshake(now);
    }

    fn send_shutdown_ack(&mut self, now: Instant) {
        self.state = State::ShutdownAckSent;
        self.handshake_attempts = 0;
        self.shutdown_guard_at = Some(now + self.config.rto_max.saturating_mul(GUARD_TIMEOUTS));
        self.push_shutdown_ack(now);
    }

    fn push_shutdown_ack(&mut self, now: Instant) {
        let mut bytes = Vec::with_capacity(4);
        if write_shutdown_ack(&mut bytes).is_ok() {
            self.control.push_shared(bytes);
        }
        self.arm_handshake(now);
    }

    /// Sends the SHUTDOWN or SHUTDOWN ACK again.
    pub(super) fn repeat_shutdown(&mut self, now: Instant) {
        match self.state {
            State::ShutdownSent => self.push_shutdown(now),
            State::ShutdownAckSent => self.push_shutdown_ack(now),
            _ => {}
        }
    }

    /// A shutdown that does not end ends all the same.
    pub(super) fn guard_timeout(&mut self, now: Instant) {
        if self.shutdown_guard_at.is_some_and(|at| at <= now) {
            self.abort_with(CloseReason::Shutdown, code::USER_INITIATED_ABORT, b"shutdown took too long");
        }
    }
}
