//! A sans-IO ICE agent (RFC 8445) with trickle, TURN, consent and restarts.
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
mod pair;
mod parameters;
mod priority;
mod remote;
mod route;
mod server;
mod socket;
mod stats;
mod timers;
mod transaction;
mod wire;

pub use agent::{IceAgent, Up};
pub use candidate::{
    Candidate, CandidateAddress, CandidateError, CandidateField, CandidateKind, TcpType, Transport,
};
pub use config::{Config, Limits, Nomination, Role, Timing, TransportPolicy};
pub use discard::Discard;
pub use error::{NoRoute, UsageError};
pub use event::{ConnectionState, Event, GatheringState, NameId, SelectedPair, ServerError};
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
