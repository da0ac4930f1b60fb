//! Playing a recording.

use super::{HASH_START, Input, InputLog, extend_hash, hash};
use crate::connection::PeerConnection;
use crate::error::UsageError;
use alloc::vec;
use sendrecv_core::Seed;
use thiserror::Error;

/// What a replay that did the same as the recorded run amounted to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplayReport {
    /// Inputs played.
    pub inputs: usize,
    /// Datagrams, or batches of them, that came out, each with the recorded bytes.
    pub datagrams: u64,
    /// Their bytes.
    pub bytes: u64,
    /// A hash over everything that came out.
    pub hash: u64,
}

/// Why a replay is not the recorded run.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ReplayError {
    /// The recorded configuration makes no connection.
    #[error("the recorded configuration is refused: {0}")]
    Configuration(UsageError),
    /// Other bytes came out than in the recorded run, or none, or some where there were none.
    #[error("input {0} of the recording gives other output than was recorded")]
    Diverged(usize),
}

/// Plays a recording: makes the connection again and compares every datagram it sends.
///
/// # Errors
/// [`ReplayError::Diverged`] names the first input whose output differs.
pub fn replay(log: &InputLog) -> Result<ReplayReport, ReplayError> {
    let mut pc = PeerConnection::new(log.configuration(), Seed::new(log.seed), log.start)
        .map_err(ReplayError::Configuration)?;
    let mut report = ReplayReport { inputs: log.inputs.len(), hash: HASH_START, ..ReplayReport::default() };
    let mut out = vec![0; 65_536];
    for (position, input) in log.inputs.iter().enumerate() {
        match input {
            Input::Datagram { now, path, ecn, bytes } => {
                let mut datagram = bytes.clone();
                let _ = pc.handle_datagram(*now, *path, *ecn, &mut datagram);
            }
            Input::Transmit { now, capacity, output } => {
                let room = out.get_mut(..*capacity).ok_or(ReplayError::Diverged(position))?;
                let datagrams = pc.poll_transmit(*now, room);
                let bytes = datagrams.as_ref().and_then(|datagrams| room.get(..datagrams.len));
                let found =
                    bytes.map(|bytes| hash(datagrams.as_ref().map(|datagrams| datagrams.path), bytes));
                if found != *output {
                    return Err(ReplayError::Diverged(position));
                }
                if let Some(bytes) = bytes {
                    report.datagrams = report.datagrams.saturating_add(1);
                    report.bytes = report.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(0));
                    report.hash = extend_hash(report.hash, bytes);
                }
            }
            // Calls that were refused then are refused again.
            other => drop(other.clone().apply(&mut pc)),
        }
        while pc.poll_event().is_some() {}
    }
    Ok(report)
}
