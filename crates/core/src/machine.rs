//! The contract of a protocol machine.

use crate::{Instant, PacketBuf, Transmit};

/// What a driver's loop needs of every protocol machine. Inputs (`handle_datagram`, commands) differ by protocol and
/// stay inherent methods.
///
/// The loop rule: after any `&mut` call drain [`poll_event`](Self::poll_event), then
/// [`poll_transmit`](Self::poll_transmit), then read [`poll_timeout`](Self::poll_timeout). Several inputs may happen
/// between drains, and spurious or late timeouts are harmless.
///
/// Every machine keeps these promises, which a shared property suite checks:
/// 1. a timeout before the deadline changes nothing;
/// 2. after a drain at `now` the next deadline is later than `now`;
/// 3. a discarded packet changes only counters;
/// 4. polling ends after a bounded number of results;
/// 5. equal seeds and inputs give equal outputs;
/// 6. time that runs backwards is harmless;
/// 7. the steady state allocates nothing per packet;
/// 8. closed is terminal, and drains;
/// 9. what it sends, it can parse, to the same bytes;
/// 10. every queue is bounded, and its full case is a typed error or discard.
pub trait Machine {
    /// What the machine tells its driver.
    type Event;

    /// Tells the machine that it is `now`; whatever is due happens.
    fn handle_timeout(&mut self, now: Instant);

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called next, if ever.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Writes the next outgoing packet into `out` and says where it goes; `None`, with `out` as it was, when there is
    /// nothing to send or `out` has no room for it.
    fn poll_transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit>;

    /// The next event, oldest first.
    fn poll_event(&mut self) -> Option<Self::Event>;
}
