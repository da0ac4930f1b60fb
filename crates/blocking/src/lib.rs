//! A plain-thread host for sendrecv peer connections, without an async runtime.
//!
//! [`spawn`] binds a UDP socket per interface and starts one thread that owns the
//! [`PeerConnection`](sendrecv::PeerConnection) and your [`Application`]; [`Handle::with`] runs a closure beside them.
//! The thread sleeps in the system's poll until packets, deadlines or closures come. It ends, after telling the other
//! side, when the peer is [closed](Handle::close) or its last handle dropped.
//!
//! ```no_run
//! use sendrecv::Configuration;
//! use sendrecv_blocking::{HostOptions, OnEvent, spawn};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (events, inbox) = std::sync::mpsc::channel();
//! let application = OnEvent(move |event| { let _ = events.send(event); });
//! let peer = spawn(Configuration::default(), HostOptions::default(), application)?;
//! let state = peer.with(|pc, _application, _now| pc.connection_state())?;
//! for event in inbox {
//!     println!("{event:?}");
//! }
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod end;
mod handle;
mod reactor;
mod worker;

pub use handle::{Handle, Server, spawn};
pub use sendrecv_net::{
    Application, BindOptions, Closed, HostClock, HostError, HostOptions, Loopback, OnEvent, TlsRoots,
};
