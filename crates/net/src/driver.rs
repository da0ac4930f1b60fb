//! One peer connection with its application: what of a host's loop concerns one peer.

use crate::application::Application;
use crate::clock::HostClock;
use crate::offload::{Received, Sent};
use sendrecv::{Datagrams, Event, Inbound, NameId, OpenStream, PeerConnection};
use sendrecv_core::{Instant, Path, Protocol, Transmit, earliest};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// A closure that was sent to the host, to be run beside the connection.
pub type Job<A> = Box<dyn FnOnce(&mut PeerConnection, &mut A, Instant) + Send>;

/// What a connection needs of its host.
pub(crate) trait Outside {
    /// Looks a name up.
    fn resolve(&mut self, id: NameId, name: String);
    /// Opens a stream.
    fn open(&mut self, request: OpenStream);
    /// Binds another UDP socket on the address that is asked for, for this peer alone; where.
    fn bind(&mut self, local: IpAddr) -> io::Result<SocketAddr>;
    /// Closes a stream, or a socket of this peer alone.
    fn close(&mut self, path: Path);
    /// Sends datagrams; not all of them when the socket is full.
    fn send(&mut self, transmit: &Transmit, path: Path, content: &[u8]) -> Sent;
}

/// A peer connection, its application, and what a socket had no room for.
pub(crate) struct Driver<A> {
    pub(crate) pc: PeerConnection,
    app: A,
    clock: HostClock,
    stuck: Option<Stuck>,
    over: bool,
}

struct Stuck {
    transmit: Transmit,
    path: Path,
    content: Vec<u8>,
}

impl<A: Application> Driver<A> {
    pub(crate) const fn new(pc: PeerConnection, app: A, clock: HostClock) -> Self {
        Self { pc, app, clock, stuck: None, over: false }
    }

    /// Takes in one datagram; whether it had an effect. If not, the layer that discarded it counts it.
    pub(crate) fn receive(&mut self, received: Received<'_>) -> bool {
        let now = self.clock.now();
        let Received { path, ecn, data } = received;
        match self.pc.handle_datagram(now, path, ecn, data) {
            Ok(Inbound::Rtp(packet)) => {
                self.app.on_rtp(&mut self.pc, now, packet);
                true
            }
            Ok(Inbound::Consumed) => true,
            Err(_) => false,
        }
    }

    /// Runs a job of the host's user.
    pub(crate) fn run(&mut self, job: Job<A>) {
        job(&mut self.pc, &mut self.app, self.clock.now());
    }

    /// Whatever is due happens. Harmless when nothing is.
    pub(crate) fn handle_timeout(&mut self) {
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
    pub(crate) fn close(&mut self) {
        self.pc.close(self.clock.now());
        self.over = true;
    }

    /// Whether [`close`](Self::close) was called.
    pub(crate) const fn is_over(&self) -> bool {
        self.over
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.pc.poll_timeout(), self.app.poll_timeout())
    }

    /// Does what follows from all inputs since the last turn: gives events to the application and sends what there is to
    /// send, written into `batch`. Returns the local address of the socket that has no room for more, if any: the next
    /// turn that sends is to be when it has.
    pub(crate) fn turn(
        &mut self,
        may_send: bool,
        batch: &mut [u8],
        outside: &mut impl Outside,
    ) -> Option<SocketAddr> {
        self.settle(outside);
        if !may_send {
            return self.stuck.as_ref().map(|stuck| stuck.path.local);
        }
        loop {
            let full = self.flush(batch, outside);
            // Sending produces events, e.g. that a buffer has drained, and applications react by sending more.
            let is_settled = !self.settle(outside);
            if full.is_some() || is_settled {
                return full;
            }
        }
    }

    /// Gives every event to the application; whether there was any.
    fn settle(&mut self, outside: &mut impl Outside) -> bool {
        let mut any = false;
        while let Some(event) = self.pc.poll_event() {
            any = true;
            match event {
                Event::ResolveName { id, name } => outside.resolve(id, name),
                Event::OpenStream(request) if request.protocol == Protocol::Udp => {
                    self.bind(&request, outside);
                }
                Event::OpenStream(request) => outside.open(request),
                Event::CloseStream(path) => outside.close(path),
                event => self.app.on_event(&mut self.pc, self.clock.now(), event),
            }
        }
        any
    }

    /// Gives the connection another socket.
    fn bind(&mut self, request: &OpenStream, outside: &mut impl Outside) {
        let now = self.clock.now();
        // The request was made a moment ago, so somebody waits for the answer.
        let _ = match outside.bind(request.local.ip()) {
            Ok(local) => self.pc.stream_opened(now, request.id, local),
            Err(error) => {
                tracing::debug!(server = %request.remote, %error, "no other socket");
                self.pc.stream_failed(now, request.id)
            }
        };
    }

    fn flush(&mut self, batch: &mut [u8], outside: &mut impl Outside) -> Option<SocketAddr> {
        if let Some(mut stuck) = self.stuck.take() {
            let done = self.sent(stuck.path, outside.send(&stuck.transmit, stuck.path, &stuck.content));
            if done < stuck.content.len() {
                stuck.content.drain(..done);
                return Some(self.stuck.insert(stuck).path.local);
            }
        }
        loop {
            let Datagrams { path, len, segment_size, ecn } =
                self.pc.poll_transmit(self.clock.now(), batch)?;
            let transmit = Transmit { path: Some(path), segment_size, ecn };
            let content = batch.get(..len).unwrap_or_default();
            let done = self.sent(path, outside.send(&transmit, path, content));
            if let Some(rest) = content.get(done..).filter(|rest| !rest.is_empty()) {
                self.stuck = Some(Stuck { transmit, path, content: rest.to_vec() });
                return Some(path.local);
            }
        }
    }

    /// Tells ICE if nothing gets there; how many bytes are done with.
    fn sent(&mut self, path: Path, sent: Sent) -> usize {
        if let Some(reason) = sent.unreachable {
            // Unless something is asked over this path, it is no news.
            let _ = self.pc.handle_unreachable(self.clock.now(), path, reason);
        }
        sent.bytes
    }
}
