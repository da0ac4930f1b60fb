//! A sans-IO ICE agent (RFC 8445) with trickle, TURN, consent and restarts.
//!
//! An [`IceAgent`] finds a way for datagrams between two hosts, through NATs and firewalls, and keeps it. It is a pure
//! state machine: its host owns the sockets, the clock and the signalling channel. What goes in and what comes out:
//!
//! | the host calls | when |
//! |---|---|
//! | [`add_socket`](IceAgent::add_socket), [`add_ice_server`](IceAgent::add_ice_server), [`gather`](IceAgent::gather) | at the start, and when interfaces come and go |
//! | [`set_remote_parameters`](IceAgent::set_remote_parameters), [`add_remote_candidate`](IceAgent::add_remote_candidate), [`end_of_remote_candidates`](IceAgent::end_of_remote_candidates) | as the peer's signalling comes in |
//! | [`handle_datagram`](IceAgent::handle_datagram), `handle_timeout` | for every datagram, and at the deadline |
//! | `poll_event`, `poll_transmit`, `poll_timeout` | after each of the above, in this order |
//! | [`name_resolved`](IceAgent::name_resolved), [`stream_opened`](IceAgent::stream_opened), [`stream_failed`](IceAgent::stream_failed) | as answers to events that ask for a name or a stream |
//! | [`stream_closed`](IceAgent::stream_closed), [`handle_unreachable`](IceAgent::handle_unreachable) | when a stream ends, or the system reports that something was not delivered |
//! | [`send_data`](IceAgent::send_data) | with a packet for the peer |
//!
//! What a host does for the agent is asked for by [`Event`]s: candidates to signal, names to resolve, streams to open
//! for ICE-TCP and for TURN over TCP and TLS.
//!
//! ```
//! use sendrecv_core::{Instant, Machine, Seed};
//! use sendrecv_ice::{Candidate, Config, ConnectionState, Event, IceAgent, IceParameters, LocalSocket};
//!
//! let now = Instant::ZERO;
//! let mut agent = IceAgent::new(Config::default(), &Seed::from_u64(1), now);
//! agent.add_socket(now, LocalSocket::udp("192.0.2.1:5000".parse()?))?;
//! agent.gather(now)?;
//! while let Some(event) = agent.poll_event() {
//!     if let Event::LocalCandidate(candidate) = event {
//!         assert!(candidate.to_string().contains("192.0.2.1 5000 typ host"));
//!     }
//! }
//! // The peer's answer came:
//! agent.set_remote_parameters(now, IceParameters::new("h6vY", "VOkJxbRl1RmTxUk/WvJxBt"))?;
//! agent.add_remote_candidate(now, "candidate:1 1 udp 2130706431 192.0.2.2 6000 typ host".parse()?)?;
//! assert_eq!(agent.state(), ConnectionState::Checking);
//! // The first check is due at once.
//! let mut buffer = [0; 1500];
//! let mut packet = sendrecv_core::PacketBuf::new(&mut buffer, sendrecv_ice::DATA_HEADROOM, 0);
//! let transmit = agent.poll_transmit(now, &mut packet).unwrap();
//! assert_eq!(transmit.path.unwrap().remote, "192.0.2.2:6000".parse()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Whole programs over the standard library's sockets: `examples/two_agents.rs` for UDP, `examples/streams.rs` for TCP.
//!
//! # Streams
//! ICE-TCP and TURN over TCP or TLS run over streams. The host opens one when [`Event::OpenStream`] asks for it and tells
//! by [`stream_opened`](IceAgent::stream_opened) which local address it got; those that come to a passive socket it just
//! accepts. From then on the stream is the [`Path`](sendrecv_core::Path) of its protocol and two addresses: what is polled
//! for that path is written to it, and what is read goes to [`handle_datagram`](IceAgent::handle_datagram), packet by
//! packet. How packets are told apart in it [`Framing`] says. [`framing`] has both ways; [`framing::frame`] needs
//! [`framing::HEADER_LEN`] bytes of headroom on top of [`DATA_HEADROOM`].
//!
//! What is peculiar: pairs are told apart by base and remote address, so local candidates that share a base share their
//! pairs. Data comes up only from pairs whose other end has proved to know the password. What has
//! lost the peer's consent is not used again before a [`restart`](IceAgent::restart), while a pair in use survives a
//! restart until the new generation has found its own.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod agent;
mod base;
mod candidate;
mod checklist;
mod config;
mod discard;
mod error;
mod event;
pub mod framing;
mod generation;
mod local;
mod nat64;
mod pair;
mod parameters;
mod piggyback;
mod priority;
mod remote;
mod route;
mod server;
mod socket;
mod stats;
mod transaction;
mod wire;

pub use agent::{IceAgent, Up};
pub use candidate::{
    Candidate, CandidateAddress, CandidateError, CandidateField, CandidateKind, TcpType, Transport,
};
pub use config::{Config, Limits, Nomination, Role, Timing, TransportPolicy};
pub use discard::Discard;
pub use error::{NoRoute, UsageError};
pub use event::{ConnectionState, Event, GatheringState, NameId, SelectedPair, ServerError, Unreachable};
pub use pair::{PairId, PairState};
pub use parameters::{IceParameters, UfragPrefix};
pub use route::{RelayId, Route};
pub use server::{IceServer, ServerHost, ServerKind, ServerUrl, UrlError};
pub use socket::{Framing, LocalSocket, OpenStream, StreamId};
pub use stats::{CandidatePairStats, PairCounters, Stats};

/// Headroom in bytes that packets for [`IceAgent::send_data`] and `poll_transmit` need when relays are in use.
pub const DATA_HEADROOM: usize = sendrecv_turn::HEADROOM;

/// Tailroom in bytes that packets need when relays are in use.
pub const DATA_TAILROOM: usize = sendrecv_turn::TAILROOM;
