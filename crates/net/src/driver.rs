//! The part of a host's loop that is the same on every runtime.

use crate::application::Application;
use crate::bind::Bound;
use crate::clock::HostClock;
use crate::errand::{Answer, Errands, Outcome};
use crate::offload::Received;
use crate::stream::StreamSender;
use sendrecv::{Datagrams, Event, Inbound, LocalSocket, PeerConnection};
use sendrecv_core::{Ecn, Instant, Path, Protocol, Transmit, earliest};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// A closure that was sent to the driver, to be run beside the connection.
pub type Job<A> = Box<dyn FnOnce(&mut PeerConnection, &mut A, Instant) + Send>;

/// One write as large as a batch for segmentation offload can be.
const BATCH_BYTES: usize = 65_536;

/// A peer connection, its application, and what is waiting to be sent.
///
/// The host's loop: give it what arrived ([`receive`](Self::receive)), what is due
/// ([`handle_timeout`](Self::handle_timeout)), what users want ([`run`](Self::run)), what came back from errands
/// ([`take`](Self::take)); then let it [`turn`](Self::turn), and wait until [`deadline`](Self::deadline).
pub struct Driver<A> {
    pc: PeerConnection,
    app: A,
    clock: HostClock,
    errands: Errands,
    streams: BTreeMap<Path, StreamSender>,
    batch: Vec<u8>,
    /// What a socket had no room for, and how much of it is done.
    stuck: Option<(Datagrams, usize)>,
    over: bool,
}

impl<A: Application> Driver<A> {
    /// A driver that tells `pc` about the host's sockets.
    pub(crate) fn new<'b>(
        mut pc: PeerConnection,
        app: A,
        clock: HostClock,
        errands: Errands,
        sockets: impl IntoIterator<Item = &'b Bound>,
    ) -> Self {
        let now = clock.now();
        for bound in sockets {
            if let Err(error) = pc.add_local_socket(now, LocalSocket::udp(bound.address)) {
                tracing::debug!(address = %bound.address, %error, "socket not used");
            }
        }
        let batch = vec![0; BATCH_BYTES];
        Self { pc, app, clock, errands, streams: BTreeMap::new(), batch, stuck: None, over: false }
    }

    /// Takes in one datagram.
    pub fn receive(&mut self, received: Received<'_>) {
        let now = self.clock.now();
        let Received { path, ecn, data } = received;
        // A discarded datagram is counted by the layer that discarded it.
        if let Ok(Inbound::Rtp(packet)) = self.pc.handle_datagram(now, path, ecn, data) {
            self.app.on_rtp(&mut self.pc, now, packet);
        }
    }

    /// Runs a job of the host's user.
    pub fn run(&mut self, job: Job<A>) {
        job(&mut self.pc, &mut self.app, self.clock.now());
    }

    /// Takes in what came back from an errand. The connection may have no use for it any more.
    pub fn take(&mut self, answer: Answer) {
        let now = self.clock.now();
        match answer.0 {
            Outcome::Resolved(id, addresses) => {
                let _ = self.pc.name_resolved(now, id, &addresses);
            }
            Outcome::StreamOpened(id, path, sender) => {
                // Otherwise the sender is dropped here, which closes the stream.
                if self.pc.stream_opened(now, id, path.local).is_ok() {
                    self.streams.insert(path, sender);
                }
            }
            Outcome::StreamFailed(id) => {
                let _ = self.pc.stream_failed(now, id);
            }
            Outcome::StreamData(path, mut data) => {
                self.receive(Received { path, ecn: Ecn::NotEct, data: &mut data });
            }
            Outcome::StreamClosed(path) => {
                if self.streams.remove(&path).is_some() {
                    let _ = self.pc.stream_closed(now, path);
                }
            }
        }
    }

    /// Whatever is due happens. Harmless when nothing is.
    pub fn handle_timeout(&mut self) {
        let now = self.clock.now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.pc.poll_timeout()) {
            self.pc.handle_timeout(now);
        }
        if is_due(self.app.poll_timeout()) {
            self.app.handle_timeout(&mut self.pc, now);
        }
    }

    /// Says goodbye to the other side. After the turn that follows, the host lets go of the driver. (When the
    /// application closes the connection, the driver stays, so that it can still be asked.)
    pub fn close(&mut self) {
        self.pc.close(self.clock.now());
        self.over = true;
    }

    /// Does what follows from all inputs since the last turn: gives events to the application, and if `may_send`, sends
    /// what there is to send through `send`, which returns how many bytes it is done with. Returns the local address
    /// of the socket that has no room for more, if any: `may_send` again when it is writable.
    pub fn turn(
        &mut self,
        may_send: bool,
        mut send: impl FnMut(&Transmit, Path, &[u8]) -> usize,
    ) -> Option<SocketAddr> {
        self.settle();
        if !may_send {
            return self.stuck.map(|(datagrams, _)| datagrams.path.local);
        }
        loop {
            let full = self.flush(&mut send);
            // Sending produces events, e.g. that a buffer has drained, and applications react by sending more.
            let is_settled = !self.settle();
            if full.is_some() || is_settled {
                return full;
            }
        }
    }

    /// Gives every event to the application; whether there was any.
    fn settle(&mut self) -> bool {
        let mut any = false;
        while let Some(event) = self.pc.poll_event() {
            any = true;
            match event {
                Event::ResolveName { id, name } => self.errands.resolve(id, name),
                Event::OpenStream(request) => self.errands.open(request),
                Event::CloseStream(path) => drop(self.streams.remove(&path)),
                event => self.app.on_event(&mut self.pc, self.clock.now(), event),
            }
        }
        any
    }

    fn flush(&mut self, send: &mut impl FnMut(&Transmit, Path, &[u8]) -> usize) -> Option<SocketAddr> {
        loop {
            let (datagrams, start) = match self.stuck.take() {
                Some(stuck) => stuck,
                None => (self.pc.poll_transmit(self.clock.now(), &mut self.batch)?, 0),
            };
            let Datagrams { path, len, segment_size, ecn } = datagrams;
            let transmit = Transmit { path: Some(path), segment_size, ecn };
            let content = self.batch.get(start..len).unwrap_or_default();
            if path.protocol != Protocol::Udp {
                self.send_over_stream(&transmit, path, content);
                continue;
            }
            let done = send(&transmit, path, content);
            if done < content.len() {
                self.stuck = Some((datagrams, start.saturating_add(done)));
                return Some(path.local);
            }
        }
    }

    /// Packets for streams that have gone are lost.
    fn send_over_stream(&self, transmit: &Transmit, path: Path, content: &[u8]) {
        let Some(stream) = self.streams.get(&path) else { return };
        let segment = transmit.segment_size.unwrap_or(content.len()).max(1);
        content.chunks(segment).for_each(|packet| stream.send(packet));
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn deadline(&self) -> Option<Instant> {
        earliest(self.pc.poll_timeout(), self.app.poll_timeout())
    }

    /// How long there is nothing to do; `None` is for ever.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline().map(|at| at.saturating_since(self.clock.now()))
    }

    /// The clock that the connection's time comes from.
    pub const fn clock(&self) -> HostClock {
        self.clock
    }

    /// Whether [`close`](Self::close) was called.
    pub const fn is_over(&self) -> bool {
        self.over
    }
}

impl<A> fmt::Debug for Driver<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("pc", &self.pc).field("stuck", &self.stuck).finish_non_exhaustive()
    }
}
