//! SNAP: the INITs travel in signalling, and the association starts established (draft-hancke-tsvwg-snap).

use super::{Association, State};
use crate::UsageError;
use crate::wire::{Chunks, Init, InitExtensions, kind};
use alloc::vec::Vec;
use sendrecv_core::Instant;

impl Association {
    /// The INIT chunk to signal to the peer, e.g. as `a=sctp-init` in Base64. Always the same bytes.
    pub fn local_init(&self) -> Vec<u8> {
        let initial = (self.local_tag, self.local_initial_tsn);
        self.encode_init(kind::INIT, initial, self.own_extensions(), &[], &[]).unwrap_or_default()
    }

    /// Starts established, from the INIT chunk the peer signalled. The peer must have [`local_init`](Self::local_init)
    /// by the time it does the same; until then it ignores our packets, which are sent again.
    ///
    /// # Errors
    /// `InvalidInit`, or `WrongState` unless the association is new.
    pub fn connect_with_init(&mut self, now: Instant, remote_init: &[u8]) -> Result<(), UsageError> {
        self.clock.advance(now);
        if self.state != State::Closed || self.close_reason.is_some() {
            return Err(UsageError::WrongState);
        }
        let (init, extensions) = parse(remote_init).ok_or(UsageError::InvalidInit)?;
        self.adopt_peer(&init, extensions);
        self.connected();
        Ok(())
    }
}

/// Whether [`Association::connect_with_init`] takes these bytes: one INIT chunk with sensible values, and nothing else.
pub fn is_usable_init(bytes: &[u8]) -> bool {
    parse(bytes).is_some()
}

fn parse(bytes: &[u8]) -> Option<(Init<'_>, InitExtensions)> {
    let mut chunks = Chunks::new(bytes);
    let (Some(Ok(chunk)), None) = (chunks.next(), chunks.next()) else { return None };
    if chunk.kind != kind::INIT {
        return None;
    }
    let init = Init::parse(&chunk).ok()?;
    let extensions = super::handshake::signalled_extensions(&init)?;
    Some((init, extensions))
}
