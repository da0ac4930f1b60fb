//! One DATA chunk's place in its message, and its history: what the flight keeps for each TSN.

/// Where a fragment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FragmentState {
    /// Sent, and neither acknowledged nor lost.
    InFlight,
    /// Acknowledged by a gap ack block.
    Acked,
    /// Waits to be sent again.
    Lost,
    /// Its message was given up.
    Abandoned,
}

/// A fragment in flight. There is one for every packet in flight, so it is kept to 32 bytes; what fragments that left
/// together have in common is in their [`Burst`](super::burst::Burst).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment {
    pub(crate) message: u32,
    pub(crate) offset: u32,
    pub(crate) index: u32,
    /// The low bits of the number of its last transmission, over all fragments.
    pub(super) order: u32,
    /// The low bits of the burst it last left with.
    pub(super) burst: u32,
    pub(crate) len: u16,
    /// Bytes on the wire, with header and padding.
    pub(crate) wire: u16,
    pub(crate) transmissions: u16,
    pub(crate) beginning: bool,
    pub(crate) ending: bool,
    pub(crate) state: FragmentState,
    /// It was last sent as a tail loss probe.
    pub(crate) probe: bool,
    /// It lies beyond the base in its packet: that arrives only where larger packets do.
    pub(super) beyond_base: bool,
    /// Its burst counts it.
    pub(super) in_burst: bool,
}

impl Fragment {
    /// A fragment that was never sent.
    pub(crate) const fn new(message: u32, offset: u32, index: u32, (len, wire): (u16, u16)) -> Self {
        Self {
            message,
            offset,
            index,
            order: 0,
            burst: 0,
            len,
            wire,
            transmissions: 0,
            beginning: false,
            ending: false,
            state: FragmentState::InFlight,
            probe: false,
            beyond_base: false,
            in_burst: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_takes_half_a_cache_line() {
        assert_eq!(size_of::<Fragment>(), 32);
    }
}
