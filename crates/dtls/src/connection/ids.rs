//! Connection IDs, and where the peer is.

use super::Dtls;
use crate::connection_id::ConnectionIds;
use crate::wire::connection_id::ConnectionIdUsage;
use crate::{ConnectionId, ConnectionIdError, Version};
use sendrecv_core::Instant;

impl Dtls {
    /// The ID that the peer puts into its records: none before it is agreed, or when none is wanted
    /// ([`Config::connection_id`](crate::Config::connection_id)). With several it is the first.
    pub fn local_connection_id(&self) -> Option<&ConnectionId> {
        self.session.records.received_connection_ids().first()
    }

    /// The ID that we put into our records, if the peer wants one.
    pub fn remote_connection_id(&self) -> Option<&ConnectionId> {
        Some(self.session.records.sent_connection_id()).filter(|id| !id.is_empty())
    }

    /// Asks a DTLS 1.3 peer for `count` more IDs, to be kept until [`use_spare_connection_id`](Self::use_spare_connection_id)
    /// (RFC 9147, section 9). One request at a time.
    pub fn request_connection_ids(&mut self, now: Instant, count: u8) -> Result<(), ConnectionIdError> {
        self.clock.advance(now);
        let records = &self.session.records;
        Self::updatable(&self.state, self.session.version, &mut self.session.connection_ids)?
            .request(records, count)
    }

    /// How many IDs the peer has asked for, as long as [`offer_connection_ids`](Self::offer_connection_ids) has not
    /// answered it.
    pub fn requested_connection_ids(&self) -> Option<u8> {
        self.session.connection_ids.as_ref().and_then(ConnectionIds::asked)
    }

    /// Gives a DTLS 1.3 peer more IDs of ours, unasked or in answer to
    /// [`requested_connection_ids`](Self::requested_connection_ids), be it fewer or none. Records with them are accepted
    /// from now on, those with the IDs before remain so. All have one length; there are at most 16.
    pub fn offer_connection_ids(
        &mut self,
        now: Instant,
        ids: &[ConnectionId],
        usage: ConnectionIdUsage,
    ) -> Result<(), ConnectionIdError> {
        self.clock.advance(now);
        let records = &mut self.session.records;
        let state = Self::updatable(&self.state, self.session.version, &mut self.session.connection_ids)?;
        state.offer(records, ids, usage)
    }

    /// Goes over to the next ID that the peer has given us to spare, as one should on a new path, so that nobody can link
    /// the two. `false` when there is none.
    pub fn use_spare_connection_id(&mut self, now: Instant) -> bool {
        self.clock.advance(now);
        let records = &mut self.session.records;
        self.session.connection_ids.as_mut().is_some_and(|ids| ids.use_spare(records))
    }

    /// Whether the last datagram handed in was authentic and newer than all before it. Only then may its source become
    /// the address to send to (RFC 9146, section 6), after a check that the peer can be reached there.
    pub const fn is_newest(&self) -> bool {
        self.newest_in_last
    }

    fn updatable<'a>(
        state: &crate::state::State,
        version: Option<Version>,
        ids: &'a mut Option<ConnectionIds>,
    ) -> Result<&'a mut ConnectionIds, ConnectionIdError> {
        let connected = state.connected().is_some() && version == Some(Version::Dtls13);
        ids.as_mut().filter(|_| connected).ok_or(ConnectionIdError::NotNegotiated)
    }
}
