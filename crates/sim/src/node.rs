//! What a simulated host runs.

use sendrecv_core::{Ecn, Instant, Machine, PacketBuf, Path, Transmit};
use std::fmt;
use std::ops::Range;

/// Whatever a simulated host runs: one protocol machine, a stack of them, a server.
pub trait Node {
    /// A datagram arrived: `path.local` is the socket it came to, `path.remote` its sender as seen here.
    fn handle_datagram(&mut self, now: Instant, path: Path, ecn: Ecn, data: &mut [u8]);

    /// Writes the next datagram (or, with a segment size, several) into `out` and says where in `out` it lies.
    /// A transmit without a path goes to the host's [default peer](crate::Simulation::connect).
    fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<(Transmit, Range<usize>)>;

    /// It is `now`; whatever is due happens.
    fn handle_timeout(&mut self, now: Instant);

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called next.
    fn poll_timeout(&self) -> Option<Instant>;
}

impl<N: Node + ?Sized> Node for Box<N> {
    fn handle_datagram(&mut self, now: Instant, path: Path, ecn: Ecn, data: &mut [u8]) {
        (**self).handle_datagram(now, path, ecn, data);
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<(Transmit, Range<usize>)> {
        (**self).poll_transmit(now, out)
    }

    fn handle_timeout(&mut self, now: Instant) {
        (**self).handle_timeout(now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (**self).poll_timeout()
    }
}

/// One [`Machine`] as a [`Node`]. Events are collected in [`events`](Self::events).
pub struct MachineNode<M: Machine> {
    /// The machine; commands are called on it directly.
    pub machine: M,
    /// What it told its driver, oldest first.
    pub events: Vec<M::Event>,
    input: fn(&mut M, Instant, Path, &mut [u8]),
    rooms: (usize, usize),
}

impl<M: Machine> MachineNode<M> {
    /// A node whose datagrams reach the machine through `input`.
    pub const fn new(machine: M, input: fn(&mut M, Instant, Path, &mut [u8])) -> Self {
        Self { machine, events: Vec::new(), input, rooms: (0, 0) }
    }

    /// The same node with head- and tailroom in the packets the machine fills.
    #[must_use]
    pub fn with_rooms(self, headroom: usize, tailroom: usize) -> Self {
        Self { rooms: (headroom, tailroom), ..self }
    }

    fn collect(&mut self) {
        while let Some(event) = self.machine.poll_event() {
            self.events.push(event);
        }
    }
}

impl<M: Machine> Node for MachineNode<M> {
    fn handle_datagram(&mut self, now: Instant, path: Path, _: Ecn, data: &mut [u8]) {
        (self.input)(&mut self.machine, now, path, data);
        self.collect();
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<(Transmit, Range<usize>)> {
        let mut packet = PacketBuf::new(out, self.rooms.0, self.rooms.1);
        let transmit = self.machine.poll_transmit(now, &mut packet);
        let range = packet.range();
        self.collect();
        transmit.map(|transmit| (transmit, range))
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.machine.handle_timeout(now);
        self.collect();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }
}

impl<M: Machine + fmt::Debug> fmt::Debug for MachineNode<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MachineNode").field("machine", &self.machine).finish_non_exhaustive()
    }
}
