//! What every host of a sendrecv peer connection needs and no runtime decides.
//!
//! A *host* owns sockets, time and entropy, and drives the sans-IO machines. Two come with sendrecv, one on tokio and
//! one on a plain thread; both are thin because the rest is here:
//!
//! - [`HostOptions`] and [`BindOptions`]: which local addresses to use, and how.
//! - [`Host`]: the loop around sockets, peer connections and their [`Application`]s, but for the waiting, which a
//!   runtime does through its [`Reactor`]. Addresses that come and go are followed, TCP and TLS streams served.
//! - [`Offload`] and [`Slab`]: many datagrams per system call (GSO, GRO, `recvmmsg`), with ECN.
//! - [`PeerRef`] and [`ServerRef`]: what is behind the hosts' handles.
//! - [`HostClock`] and [`seed_from_os`]: the machines' time and randomness.
//! - [`resolve`]: names to addresses, `.local` names by multicast DNS.
//! - [`TlsRoots`]: whose certificates TURN servers may show (feature `tls`, on by default).
#![forbid(unsafe_code)]

mod application;
mod bind;
mod channel;
mod clock;
mod driver;
mod errand;
mod handle;
mod host;
mod interfaces;
mod mdns;
mod network;
mod offload;
mod options;
mod peer_id;
mod reactor;
mod resolve;
mod router;
mod scratch;
mod sockets;
mod stream;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_absent.rs"]
mod tls;
mod watch;

pub use application::{Application, OnEvent};
pub use bind::{BindOptions, Loopback};
pub use clock::{HostClock, seed_from_os};
pub use driver::Job;
pub use errand::Answer;
pub use handle::{Closed, Outbox, PeerRef, ServerRef};
pub use host::{Command, Host, Newcomer};
pub use interfaces::{LocalAddress, local_addresses};
pub use offload::{Offload, Received, Sent, Slab};
pub use options::{HostError, HostOptions};
pub use peer_id::PeerId;
pub use reactor::{Io, Reactor, Ready};
pub use resolve::{is_mdns_name, resolve};
#[cfg(feature = "tls")]
pub use tls::TlsRootError;
pub use tls::TlsRoots;
