//! A simulated internet for testing sans-IO machines: virtual time, links, NATs, faults, packet ladders.
//!
//! Nothing here touches a socket or a clock. A [`Simulation`] owns [`Node`]s (whatever a host runs: one protocol
//! machine or a whole peer connection), gives each its [`Interface`]s, and carries datagrams between them in the order
//! of virtual time. Everything random comes from one seed, so a failure replays exactly:
//!
//! - [`LinkConfig`]: delay, jitter, rate, drop-tail queue, random and burst loss, reordering, duplication, corruption,
//!   MTU, ECN marking.
//! - [`NatConfig`]: mapping and filtering behaviour (RFC 4787), hairpinning, lifetime, port exhaustion, nesting.
//! - [`Ladder`]: what happened, as a readable sequence diagram; [`pcap`]: the same for packet analysers.
//! - [`for_each_seed`]: runs a test over seeds, takes one from `SENDRECV_SEED`, prints how to replay a failure.
//! - [`conformance`]: the properties every [`Machine`](sendrecv_core::Machine) promises, checked on yours.
//! - [`Counting`] and [`Allocations`]: what a piece of work does on the heap.
//!
//! ```
//! use sendrecv_core::{Ecn, Instant, Path, Seed, Transmit};
//! use sendrecv_sim::{Interface, LinkConfig, Node, Simulation};
//! use std::{ops::Range, time::Duration};
//!
//! /// Sends one greeting and remembers when it heard one.
//! #[derive(Default)]
//! struct Greeter { to_greet: Option<Path>, heard_at: Option<Instant> }
//!
//! impl Node for Greeter {
//!     fn handle_datagram(&mut self, now: Instant, _: Path, _: Ecn, _: &mut [u8]) {
//!         self.heard_at = Some(now);
//!     }
//!     fn poll_transmit(&mut self, _: Instant, out: &mut [u8]) -> Option<(Transmit, Range<usize>)> {
//!         let path = self.to_greet.take()?;
//!         out[..5].copy_from_slice(b"hello");
//!         Some((Transmit::to(path), 0..5))
//!     }
//!     fn handle_timeout(&mut self, _: Instant) {}
//!     fn poll_timeout(&self) -> Option<Instant> { None }
//! }
//!
//! let mut sim = Simulation::new(&Seed::from_u64(1));
//! let wire = LinkConfig::with_delay(Duration::from_millis(20));
//! let path = Path::udp("10.0.0.1:5000".parse().unwrap(), "10.0.0.2:5000".parse().unwrap());
//! let greeter = Greeter { to_greet: Some(path), ..Greeter::default() };
//! sim.add_host("alice", greeter, [Interface::new(path.local.ip()).up(wire)]);
//! let bob = sim.add_host("bob", Greeter::default(), [Interface::new(path.remote.ip())]);
//! sim.run_until(Duration::from_secs(1), |sim| sim.node(bob).heard_at.is_some()).unwrap();
//! assert_eq!(sim.node(bob).heard_at, Some(Instant::from_millis(20)));
//! ```

mod allocations;
pub mod conformance;
mod ladder;
mod link;
mod nat;
mod network;
mod node;
pub mod pcap;
mod replay;
mod simulation;

pub use allocations::{Allocations, Counting};
pub use ladder::{Fate, Ladder, summary};
pub use link::{Chance, Link, LinkConfig, LinkStats, Loss};
pub use nat::{Behaviour, Nat, NatConfig, NatRefusal};
pub use network::{HostId, Interface, NatId, Realm};
pub use node::{MachineNode, Node};
pub use replay::{for_each_seed, is_deep, seeds};
pub use simulation::{Datagram, Simulation, Stopped, Verdict};
