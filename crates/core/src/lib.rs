//! The vocabulary every sendrecv protocol machine shares.
//!
//! A *machine* is a protocol as pure state: it is fed packets and time and polled for packets, events and its next
//! deadline ([`Machine`]). It never opens a socket, reads a clock, spawns a task or draws entropy by itself; a *host*
//! owns those. What crosses that border is defined here:
//!
//! - [`Instant`]: nanoseconds since an epoch the host picks; the first argument of every call that can change state.
//! - [`Seed`] and [`Rng`]: all randomness, derived per layer, so that equal inputs give equal bytes on every platform.
//! - [`PacketBuf`]: one datagram under construction in a slice the caller owns, with head- and tailroom for the
//!   layers below.
//! - [`Transmit`] and [`Path`]: where a datagram goes.
//! - [`Reader`] and [`Writer`]: bounds-checked, big-endian wire access that cannot panic.
//! - [`Serial16`], [`Serial32`] and [`Extender`]: RFC 1982 arithmetic for sequence numbers that wrap.
//! - [`Timers`]: many deadlines, one per key.
//! - [`SmallMap`] and [`SmallSet`]: ordered, and small as long as they have few entries.
//! - [`Ring`]: a sequence-indexed queue with O(1) access.
//! - [`Discards`]: counters for packets that had no effect, one per reason.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

mod buf;
mod discard;
mod machine;
mod reader;
mod ring;
mod seed;
mod serial;
mod small;
mod time;
mod timers;
mod transmit;
mod writer;

pub use buf::PacketBuf;
pub use discard::{DiscardReason, Discards};
pub use machine::Machine;
pub use reader::{Reader, Truncated};
pub use ring::Ring;
pub use seed::{Rng, Seed};
pub use serial::{Extender, Serial16, Serial32};
pub use small::{SmallMap, SmallSet};
pub use time::{Clock, Instant, earliest};
pub use timers::Timers;
pub use transmit::{Ecn, Path, Protocol, Transmit};
pub use writer::{NoSpace, Writer};
