//! The two hosts behind one face.

use super::application::Scripted;
use super::command::Settings;
use crate::arguments::{Host, Peer};
use sendrecv::{InputLog, PeerConnection};
use sendrecv_core::Instant;
use sendrecv_net::{BindOptions, HostOptions, TlsRoots};
use tokio::runtime::Runtime;

/// A running peer.
pub(crate) enum Driver {
    Tokio(Runtime, sendrecv_tokio::Handle<Scripted>),
    Blocking(sendrecv_blocking::Handle<Scripted>),
}

impl Driver {
    pub(crate) fn start(arguments: &Peer, settings: &Settings) -> Result<Self, String> {
        let configuration = settings.to_configuration()?;
        let options = HostOptions {
            bind: BindOptions {
                tcp_active: arguments.ice_tcp,
                tcp_passive: arguments.ice_tcp,
                ..crate::bind_options(&arguments.bind)
            },
            hide_addresses: arguments.hide_addresses,
            record: arguments.record.is_some(),
            tls_roots: tls_roots(arguments)?,
            ..HostOptions::default()
        };
        match arguments.host {
            Host::Tokio => {
                let runtime = Runtime::new().map_err(|error| format!("cannot start the runtime: {error}"))?;
                let handle = runtime
                    .block_on(async { sendrecv_tokio::spawn(configuration, options, Scripted::default()) })
                    .map_err(|error| error.to_string())?;
                Ok(Self::Tokio(runtime, handle))
            }
            Host::Blocking => sendrecv_blocking::spawn(configuration, options, Scripted::default())
                .map(Self::Blocking)
                .map_err(|error| error.to_string()),
        }
    }

    /// Runs `command` where the peer lives.
    pub(crate) fn with<R: Send + 'static>(
        &self,
        command: impl FnOnce(&mut PeerConnection, &mut Scripted, Instant) -> R + Send + 'static,
    ) -> Result<R, String> {
        match self {
            Self::Tokio(runtime, handle) => {
                runtime.block_on(handle.with(command)).map_err(|error| error.to_string())
            }
            Self::Blocking(handle) => handle.with(command).map_err(|error| error.to_string()),
        }
    }

    /// Closes the peer and lets its last packets go.
    pub(crate) fn close(self) -> Option<InputLog> {
        let log = self.with(|pc, _, now| {
            pc.close(now);
            pc.take_recording()
        });
        match self {
            Self::Tokio(runtime, handle) => runtime.block_on(handle.close()),
            Self::Blocking(handle) => handle.close(),
        }
        log.ok().flatten()
    }
}

/// The system's roots, and those that were asked for.
fn tls_roots(arguments: &Peer) -> Result<TlsRoots, String> {
    let roots = TlsRoots::default();
    let Some(file) = &arguments.tls_root else { return Ok(roots) };
    let text = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    roots.with_pem(&text).map_err(|error| format!("{}: {error}", file.display()))
}
