//! A sans-IO TURN client (RFC 8656) over UDP, TCP and TLS.
//!
//! [`TurnClient`] is one allocation at one server as a [`Machine`](sendrecv_core::Machine): it asks for the allocation
//! and keeps it alive, answers the server's challenges, permits peers and binds channels. The host owns sockets, streams
//! and the clock.
//!
//! - **Data out**: [`TurnClient::wrap`] puts a header in front of what lies in the packet buffer: a ChannelData header
//!   once a channel is bound, a Send indication before. Over UDP nothing is copied.
//! - **Data in**: [`TurnClient::handle_datagram`] gives the peer's address and the data as a slice of the datagram.
//! - **Streams**: over TCP and TLS the host passes what it reads through [`StreamFraming`] and writes what it is given.
//!
//! Data costs no allocation and O(log n) in the number of peers. Nothing but the configured server is listened to, and
//! only for peers that were permitted.
//!
//! Not here, because nothing in WebRTC asks for it: TCP between relay and peer (RFC 6062), EVEN-PORT and
//! RESERVATION-TOKEN (for RTP and RTCP on two ports; browsers insist on one), DONT-FRAGMENT (servers rarely support
//! it, and ICE's checks find the path MTU by themselves), and mobility (RFC 8016; ICE restarts instead).
//!
//! ```
//! use sendrecv_core::{Instant, Machine, PacketBuf, Path, Seed};
//! use sendrecv_stun::{Credentials, Message, Method};
//! use sendrecv_turn::{Permit, TurnClient, TurnConfig};
//!
//! let path = Path::udp("10.0.0.1:40000".parse()?, "192.0.2.10:3478".parse()?);
//! let config = TurnConfig::new(path, Credentials::new("user", "secret"), sendrecv_crypto::rustcrypto());
//! let mut client = TurnClient::new(config, &Seed::from_u64(1), Instant::ZERO);
//!
//! // The wish is remembered until there is an allocation.
//! assert_eq!(client.permit(Instant::ZERO, "198.51.100.7".parse()?), Ok(Permit::Pending));
//!
//! // The loop: events, transmits, the next timeout.
//! assert_eq!(client.poll_event(), None);
//! let mut slab = [0; 1500];
//! let mut packet = PacketBuf::new(&mut slab, 0, 0);
//! let transmit = client.poll_transmit(Instant::ZERO, &mut packet).ok_or("nothing to send")?;
//! assert_eq!(transmit.path, Some(path));
//! assert_eq!(Message::parse(packet.bytes())?.method(), Method::ALLOCATE);
//! assert_eq!(client.poll_timeout(), Some(Instant::from_millis(500)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `examples/turn_echo.rs` is a whole host over std sockets.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod channel_data;
mod client;
mod config;
mod event;
mod framing;
mod peers;
mod requests;

pub use client::{HEADROOM, Permit, TAILROOM, TurnClient, Up};
pub use config::{Families, TurnConfig};
pub use event::{Discard, Event, Failure, TurnStats, UsageError};
pub use framing::{FramingError, StreamFraming};
