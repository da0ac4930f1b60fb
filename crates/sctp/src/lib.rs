//! SCTP (RFC 9260) and WebRTC data channels (RFC 8831, RFC 8832) as pure state machines.
//!
//! An [`Association`] carries messages on many streams between two peers, over anything that carries packets: DTLS, as
//! WebRTC has it, or plain UDP. [`channel::DataChannels`] opens, names and closes data channels on one. Neither opens a
//! socket, reads a clock or draws entropy: a host feeds packets and time and polls for packets, events and the next
//! deadline ([`sendrecv_core::Machine`]).
//!
//! - Extensions: partial reliability (RFC 3758), stream resets (RFC 6525), interleaved messages (RFC 8260), immediate
//!   acknowledgement (RFC 7053), zero checksums over DTLS (RFC 9653), path MTU discovery (RFC 8899), and starting
//!   established from signalled INITs (SNAP).
//! - Recovery: losses are found by time (RACK, RFC 8985) with tail loss probes; reductions that prove wrong are undone.
//! - [`congestion`]: CUBIC with HyStart++ by default, NewReno, a model-based one of the BBR family, or your own.
//! - Cost: the work per packet is constant in what is in flight and in the number of streams. A message in one packet
//!   costs one allocation at its receiver and none at its sender; payload is copied once on the way out.
//! - Bounds: every buffer has one, in [`Config`]; a peer can fill no more.
//!
//! ```
//! use sendrecv_core::{Instant, Machine, PacketBuf, Seed};
//! use sendrecv_sctp::{Association, Config, Event, SendOptions};
//!
//! let now = Instant::ZERO;
//! let mut alice = Association::new(Config::default(), &Seed::from_u64(1), now);
//! let mut bob = Association::new(Config::default(), &Seed::from_u64(2), now);
//! alice.connect(now).unwrap();
//! alice.send(now, 0, 51, "hello".into(), SendOptions::default()).unwrap();
//!
//! // A network of no delay and no loss.
//! let mut slab = [0; 1500];
//! let heard = loop {
//!     for alice_sends in [true, false] {
//!         let (from, to) = if alice_sends { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
//!         let mut packet = PacketBuf::new(&mut slab, 0, 0);
//!         if from.poll_transmit(now, &mut packet).is_some() {
//!             to.handle_datagram(now, packet.bytes()).unwrap();
//!         }
//!     }
//!     if let Some(Event::Message(message)) = bob.poll_event() {
//!         break message;
//!     }
//! };
//! assert_eq!(heard.data, "hello");
//! ```
//!
//! `examples/udp_chat.rs` is a host over UDP sockets; `examples/sctp_speed.rs` measures.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate self as sendrecv_sctp;
#[cfg(test)]
extern crate std;

mod association;
pub mod channel;
mod checksum;
mod config;
pub mod congestion;
mod error;
mod event;
mod num;
mod ranges;
mod receive;
mod send;
mod stats;
mod table;
pub mod wire;
#[cfg(test)]
mod wrap;

pub use association::{Association, State, is_usable_init};
pub use checksum::crc32c;
pub use config::{Config, Scheduling};
pub use error::{CloseReason, DISCARD_REASONS, Discard, SendError, UsageError};
pub use event::{Event, Message, SendOptions};
pub use stats::Stats;

/// The smallest packet budget in bytes that an association works with: with DTLS, UDP and IPv4 around it, it fits the 576
/// bytes that every host takes.
pub const MIN_PACKET_SIZE: usize = 500;
