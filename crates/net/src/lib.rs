//! What every host of a sendrecv peer connection needs and no runtime decides.
//!
//! A *host* owns sockets, time and entropy, and drives the sans-IO machines. Two come with sendrecv, one on tokio and
//! one on a plain thread; both are thin because the rest is here:
//!
//! - [`BindOptions`] and [`bind`]: which local addresses to use, one UDP socket on each.
//! - [`Offload`] and [`Slab`]: many datagrams per system call (GSO, GRO, `recvmmsg`), with ECN.
//! - [`HostClock`] and [`seed_from_os`]: the machines' time and randomness.
//! - [`resolve`]: names to addresses, `.local` names by multicast DNS.
#![forbid(unsafe_code)]

mod bind;
mod clock;
mod interfaces;
mod mdns;
mod offload;
mod resolve;

pub use bind::{BindOptions, Bound, Loopback, bind};
pub use clock::{HostClock, seed_from_os};
pub use interfaces::{LocalAddress, local_addresses};
pub use offload::{Offload, Received, Slab};
pub use resolve::{is_mdns_name, resolve};
