//! Streams that the host opens for us: ICE-TCP (RFC 6544) and TURN over TCP or TLS.

use super::{IceAgent, TimerKey};
use crate::error::UsageError;
use crate::event::Event;
use crate::pair::{PairId, PairState};
use crate::route::{RelayId, Route};
use crate::socket::{Framing, OpenStream, StreamId};
use core::net::SocketAddr;
use core::time::Duration;
use sendrecv_core::{Instant, Path, Protocol};

/// How long a stream may take to open.
const OPENING: Duration = Duration::from_secs(10);

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamPurpose {
    /// The check of an active TCP pair.
    Pair(PairId),
    /// A TURN server.
    Relay(RelayId),
}

impl IceAgent {
    /// Answers [`Event::OpenStream`]: the stream is open, from `local`. From now on datagrams go over the path from
    /// `local` to the remote address that was asked for.
    ///
    /// # Errors
    /// [`Unknown`](UsageError::Unknown) when nobody waits for it any more: close it. [`Closed`](UsageError::Closed).
    pub fn stream_opened(&mut self, now: Instant, id: StreamId, local: SocketAddr) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        let purpose = self.streams.remove(&id).ok_or(UsageError::Unknown)?;
        self.timers.set(TimerKey::Stream(id), None);
        match purpose {
            StreamPurpose::Pair(pair) => self.pair_stream_opened(pair, local),
            StreamPurpose::Relay(relay) => self.relay_stream_opened(now, relay, local),
        }
        self.run(now);
        Ok(())
    }

    /// Answers [`Event::OpenStream`]: the stream could not be opened.
    ///
    /// # Errors
    /// [`Unknown`](UsageError::Unknown) when nobody waits for it any more, [`Closed`](UsageError::Closed).
    pub fn stream_failed(&mut self, now: Instant, id: StreamId) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        if !self.streams.contains_key(&id) {
            return Err(UsageError::Unknown);
        }
        self.stream_took_too_long(now, id);
        self.run(now);
        Ok(())
    }

    /// A stream was closed by the other end, or broke.
    ///
    /// # Errors
    /// [`Unknown`](UsageError::Unknown) when nothing used it, [`Closed`](UsageError::Closed).
    pub fn stream_closed(&mut self, now: Instant, path: Path) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        if let Some(relay) = self.relay_of_path(&path) {
            self.relay_stream_closed(now, relay);
        } else {
            let route = Route::Direct(path);
            let goes_there = |id: &PairId| self.list.get(*id).is_some_and(|pair| pair.route == Some(route));
            let in_use = self.selected.into_iter().chain(self.retired).find(goes_there);
            let id = self.list.by_route(&route).or(in_use).ok_or(UsageError::Unknown)?;
            if let Some(check) = self.list.get_mut(id).and_then(|pair| pair.check.take()) {
                self.end_transaction(check);
            }
            self.list.set_route(id, None);
            self.fail_pair(now, id);
        }
        self.run(now);
        Ok(())
    }

    pub(super) fn stream_took_too_long(&mut self, now: Instant, id: StreamId) {
        let Some(purpose) = self.streams.remove(&id) else { return };
        self.timers.set(TimerKey::Stream(id), None);
        match purpose {
            StreamPurpose::Pair(id) => {
                let Some(pair) = self.list.get_mut(id) else { return };
                pair.stream = None;
                // Of two streams between the same ports, the peer's came first, and is the only one.
                if pair.route.is_none() {
                    self.check_failed(now, id, None);
                }
            }
            StreamPurpose::Relay(relay) => self.relay_stream_failed(now, relay),
        }
    }

    pub(super) fn forget_stream(&mut self, id: StreamId) {
        self.streams.remove(&id);
        self.timers.set(TimerKey::Stream(id), None);
    }

    /// The check of an active TCP pair begins with its stream.
    pub(super) fn open_pair_stream(&mut self, now: Instant, id: PairId) -> bool {
        let Some(pair) = self.list.get(id) else { return false };
        let (Some(base), Some(remote)) = (self.bases.get(&pair.base), self.remotes.get(pair.remote)) else {
            return false;
        };
        if pair.stream.is_some() {
            return false;
        }
        let (local, remote) = (base.address(), self.destination(base, remote.address));
        let stream = self.open_stream(
            now,
            StreamPurpose::Pair(id),
            Protocol::Tcp,
            local,
            remote,
            None,
            Framing::Rfc4571,
        );
        if let Some(pair) = self.list.get_mut(id) {
            pair.stream = Some(stream);
        }
        self.list.set_state(id, PairState::InProgress);
        true
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn open_stream(
        &mut self,
        now: Instant,
        purpose: StreamPurpose,
        protocol: Protocol,
        local: SocketAddr,
        remote: SocketAddr,
        server_name: Option<alloc::string::String>,
        framing: Framing,
    ) -> StreamId {
        let id = StreamId(self.next_stream);
        self.next_stream = self.next_stream.wrapping_add(1);
        self.streams.insert(id, purpose);
        self.timers.set(TimerKey::Stream(id), Some(now + OPENING));
        self.events.push_back(Event::OpenStream(OpenStream {
            id,
            protocol,
            local,
            remote,
            server_name,
            framing,
        }));
        id
    }

    fn pair_stream_opened(&mut self, id: PairId, local: SocketAddr) {
        let Some(pair) = self.list.get_mut(id) else { return };
        pair.stream = None;
        let (base, remote) = (pair.base, pair.remote);
        let (Some(base), Some(remote)) = (self.bases.get(&base), self.remotes.get(remote)) else { return };
        let remote = self.destination(base, remote.address);
        let path = Path { protocol: Protocol::Tcp, local, remote };
        self.list.set_route(id, Some(Route::Direct(path)));
        self.list.trigger(id);
    }
}
