//! What every host of a sendrecv peer connection needs and no runtime decides.
//!
//! A *host* owns sockets, time and entropy, and drives the sans-IO machines. Two come with sendrecv, one on tokio and
//! one on a plain thread; both are thin because the rest is here:
//!
//! - [`BindOptions`] and [`bind`]: which local addresses to use, one UDP socket on each.
//! - [`Offload`] and [`Slab`]: many datagrams per system call (GSO, GRO, `recvmmsg`), with ECN.
//! - [`HostClock`] and [`seed_from_os`]: the machines' time and randomness.
//! - [`resolve`]: names to addresses, `.local` names by multicast DNS.
//! - [`Driver`]: the loop around a peer connection and its [`Application`], but for the waiting.
//! - [`TlsRoots`]: whose certificates TURN servers may show (feature `tls`, on by default).
//! - [`HostOptions`]: what a host needs to know to host a peer.
#![forbid(unsafe_code)]

mod application;
mod bind;
mod clock;
mod driver;
mod errand;
mod interfaces;
mod mdns;
mod offload;
mod options;
mod resolve;
mod stream;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "tls_absent.rs"]
mod tls;

pub use application::{Application, OnEvent};
pub use bind::{BindOptions, Bound, Loopback, bind};
pub use clock::{HostClock, seed_from_os};
pub use driver::{Driver, Job};
pub use errand::{Answer, Post};
pub use interfaces::{LocalAddress, local_addresses};
pub use offload::{Offload, Received, Slab};
pub use options::{HostError, HostOptions};
pub use resolve::{is_mdns_name, resolve};
#[cfg(feature = "tls")]
pub use tls::TlsRootError;
pub use tls::TlsRoots;
