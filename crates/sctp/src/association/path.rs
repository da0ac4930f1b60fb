//! Heartbeats (RFC 9260, section 8.3) and path MTU discovery (RFC 8899, section 6.2).
//!
//! A probe is a HEARTBEAT padded to the size in question: nothing is lost when it is. Sizes between what is known to
//! pass and what is asked for are tried largest first, then by halving. When data stops arriving in packets larger than
//! the base, that is used again, at once, and the search starts over. A fragment that has its TSN cannot be cut again, so
//! no fragment is longer than fits a packet of the base; larger packets carry several, and what is sent again takes
//! packets of the base.

use super::Association;
use crate::wire::{Chunk, HEADER_LEN, write_heartbeat, write_pad};
use crate::{CloseReason, Config, Discard};
use core::time::Duration;
use sendrecv_core::{Instant, PacketBuf, Reader, earliest};

/// How often one size is tried.
const MAX_PROBES: u32 = 3;
/// The search ends when it would gain less than this.
const SEARCH_STEP: usize = 32;
/// When a finished search is repeated (PMTU_RAISE_TIMER).
const RAISE_AFTER: Duration = Duration::from_secs(600);
/// Bytes of a HEARTBEAT as we send it: chunk and parameter headers, number and size.
const HEARTBEAT_LEN: usize = 20;

/// A heartbeat that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outstanding {
    nonce: u64,
    /// The probed packet size, or 0 for a plain heartbeat.
    size: usize,
    sent_at: Instant,
    expires: Instant,
}

/// What is known of the path.
#[derive(Clone, Debug)]
pub(super) struct Path {
    base: usize,
    max: usize,
    confirmed: usize,
    /// The smallest size that failed, or one more than the largest to try.
    ceiling: usize,
    probes: u32,
    outstanding: Option<Outstanding>,
    search_at: Option<Instant>,
    heartbeat_at: Option<Instant>,
    unanswered: u32,
    started: bool,
    /// The peer can be trusted with a chunk it does not know.
    takes_probes: bool,
    /// The size of the probe to send now; 0 for a heartbeat.
    due: Option<usize>,
}

impl Path {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            base: config.max_packet_size,
            max: config.max_probe_size,
            confirmed: config.max_packet_size,
            ceiling: config.max_probe_size.saturating_add(4),
            probes: 0,
            outstanding: None,
            search_at: None,
            heartbeat_at: None,
            unanswered: 0,
            started: false,
            takes_probes: false,
            due: None,
        }
    }

    /// The longest packet to send.
    pub(super) const fn packet_size(&self) -> usize {
        self.confirmed
    }

    /// Whether a heartbeat or a probe is to leave.
    pub(super) const fn is_due(&self) -> bool {
        self.due.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let expires = self.outstanding.map(|outstanding| outstanding.expires);
        earliest(expires, earliest(self.search_at, self.heartbeat_at))
    }

    pub(super) fn stop(&mut self) {
        self.started = false;
        (self.outstanding, self.search_at, self.heartbeat_at, self.due) = (None, None, None, None);
    }

    /// The association is established: the search begins, unless the peer is one of those that must not get probes.
    pub(super) fn start(&mut self, now: Instant, takes_probes: bool) {
        (self.started, self.takes_probes) = (true, takes_probes);
        self.search_at = self.candidate().map(|_| now);
    }

    /// New budgets from below: the search starts over from there.
    pub(super) fn set_limits(&mut self, now: Instant, base: usize, max: usize) {
        (self.base, self.max) = (base, max);
        self.start_over(now);
    }

    /// Nothing is known but the base. Probes on their way are forgotten, so that no answer to them counts.
    fn start_over(&mut self, now: Instant) {
        self.confirmed = self.base;
        self.ceiling = self.max.saturating_add(4);
        self.probes = 0;
        self.outstanding.take_if(|outstanding| outstanding.size > 0);
        self.due.take_if(|size| *size > 0);
        if self.started {
            self.search_at = self.candidate().map(|_| now);
        }
    }

    /// The next size to try: the largest, then the middle of what is left.
    fn candidate(&self) -> Option<usize> {
        let largest = self.ceiling.saturating_sub(4) & !3;
        if !self.takes_probes || largest < self.confirmed.saturating_add(SEARCH_STEP) {
            return None;
        }
        if self.ceiling > self.max {
            return Some(largest);
        }
        Some((self.confirmed.saturating_add(largest) / 2) & !3)
    }

    fn found(&mut self, now: Instant, size: usize) {
        self.confirmed = self.confirmed.max(size);
        self.go_on(now);
    }

    fn failed(&mut self, now: Instant, size: usize) {
        self.probes = self.probes.saturating_add(1);
        if self.probes >= MAX_PROBES {
            self.ceiling = size;
            self.go_on(now);
        } else {
            self.search_at = Some(now);
        }
    }

    fn go_on(&mut self, now: Instant) {
        self.probes = 0;
        self.search_at = Some(if self.candidate().is_some() { now } else { now + RAISE_AFTER });
    }
}

impl Association {
    pub(super) fn apply_packet_size(&mut self) {
        self.sender.set_packet_size(self.path.packet_size(), self.path.base);
    }

    /// Goes back to the base if packets larger than that do not arrive any more. If they did after all, and were lost to
    /// something else, the first probe shows it.
    pub(super) fn look_for_black_hole(&mut self, now: Instant) {
        if self.sender.loses_large_packets() && self.path.confirmed > self.path.base {
            self.path.start_over(now);
            self.sender.restart_congestion(&self.config);
            self.apply_packet_size();
        }
    }

    pub(super) fn path_timeout(&mut self, now: Instant) {
        self.look_for_black_hole(now);
        if let Some(lost) = self.path.outstanding.take_if(|outstanding| outstanding.expires <= now) {
            if lost.size > 0 {
                self.path.failed(now, lost.size);
            } else {
                self.path.unanswered = self.path.unanswered.saturating_add(1);
                if self.gives_up(self.path.unanswered) {
                    self.fail(CloseReason::PeerUnreachable);
                    return;
                }
            }
        }
        if self.path.search_at.take_if(|at| *at <= now).is_some() {
            if self.path.candidate().is_none() {
                self.path.ceiling = self.path.max.saturating_add(4);
            }
            self.path.due = self.path.candidate();
        }
        if self.path.heartbeat_at.take_if(|at| *at <= now).is_some() && self.path.due.is_none() {
            // Data that was sent meanwhile has shown as much (section 8.3).
            self.path.heartbeat_at = self.next_heartbeat(self.sender.sent_at()).filter(|at| *at > now);
            self.path.due = self.path.heartbeat_at.is_none().then_some(0);
        }
        self.schedule_heartbeat(now);
    }

    pub(super) fn schedule_heartbeat(&mut self, now: Instant) {
        if self.path.started && self.path.heartbeat_at.is_none() && self.path.due.is_none() {
            self.path.heartbeat_at = self.next_heartbeat(now);
        }
    }

    /// When the path has been idle for long enough since `idle_since`.
    fn next_heartbeat(&self, idle_since: Instant) -> Option<Instant> {
        self.config.heartbeat_interval.map(|interval| idle_since + interval + self.sender.rtt.rto())
    }

    /// Writes the heartbeat or probe that is due.
    pub(super) fn write_probe_packet(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> bool {
        let Some(probe) = self.path.due else { return false };
        self.path.due = None;
        if self.path.outstanding.is_some() {
            return false;
        }
        let nonce = self.rng.u64();
        let target = probe.max(HEADER_LEN.saturating_add(HEARTBEAT_LEN));
        if self.begin(self.peer.tag, target, out).is_err() || out.space() < target.saturating_sub(HEADER_LEN)
        {
            // The caller's buffer is the limit of this path.
            self.path.ceiling = self.path.ceiling.min(probe);
            self.path.go_on(now);
            return false;
        }
        let mut info = [0; 12];
        let (number, length) = info.split_at_mut(8);
        number.copy_from_slice(&nonce.to_be_bytes());
        length.copy_from_slice(&crate::num::clamp32(probe).to_be_bytes());
        let written = write_heartbeat(&info, out).and_then(|()| match out.space() {
            0 => Ok(()),
            space => write_pad(space, out),
        });
        let timeout = self.sender.rtt.rto().max(Duration::from_millis(200));
        self.path.outstanding =
            Some(Outstanding { nonce, size: probe, sent_at: now, expires: now + timeout });
        self.end(false, out);
        self.schedule_heartbeat(now);
        written.is_ok()
    }

    pub(super) fn on_heartbeat_ack(&mut self, now: Instant, chunk: &Chunk<'_>) -> Result<(), Discard> {
        let mut reader = Reader::new(chunk.value);
        let (Ok(_), Ok(nonce), Ok(_)) = (reader.u32(), reader.u64(), reader.u32()) else {
            return Err(Discard::Malformed);
        };
        let answered = self.path.outstanding.take_if(|outstanding| outstanding.nonce == nonce);
        let answered = answered.ok_or(Discard::Unexpected)?;
        self.path.unanswered = 0;
        self.sender.rtt.sample(now.saturating_since(answered.sent_at));
        if answered.size > 0 {
            self.path.found(now, answered.size);
            self.apply_packet_size();
        }
        Ok(())
    }
}
