//! A tokio host for sendrecv peer connections.
//!
//! [`spawn`] binds a UDP socket per interface and spawns one task that owns the
//! [`PeerConnection`](sendrecv::PeerConnection) and your [`Application`]; [`Handle::with`] runs a closure beside them.
//! The task wakes for packets, deadlines and closures only. It ends, after telling the other side, when the peer is
//! [closed](Handle::close) or its last handle dropped.
//!
//! ```no_run
//! use sendrecv::Configuration;
//! use sendrecv_tokio::{HostOptions, OnEvent, spawn};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let (events, mut inbox) = tokio::sync::mpsc::unbounded_channel();
//! let application = OnEvent(move |event| { let _ = events.send(event); });
//! let peer = spawn(Configuration::default(), HostOptions::default(), application)?;
//! let state = peer.with(|pc, _application, _now| pc.connection_state()).await?;
//! while let Some(event) = inbox.recv().await {
//!     println!("{event:?}");
//! }
//! # Ok(()) }
//! ```
#![forbid(unsafe_code)]

mod handle;
mod reactor;
mod task;

pub use handle::{Handle, Server, spawn};
pub use sendrecv_net::{
    Application, BindOptions, Closed, HostClock, HostError, HostOptions, Loopback, OnEvent, TlsRoots,
};
