//! KeyUpdate (RFC 9147, section 8; RFC 8446, section 4.6.3).
//!
//! ```text
//! | request_update: 0 not requested, 1 requested |
//! ```
//!
//! Our new key is used only once the peer has acknowledged our KeyUpdate; its old one is kept until the new one is seen.

use super::schedule::Schedule;
use crate::connection_id::ConnectionIds;
use crate::record::v13::{Opener13, Sealer13};
use crate::session::Session;
use crate::wire::DecodeError;
use crate::wire::fragment::HandshakeType;
use crate::{CipherSuite, Failure};
use sendrecv_crypto::Secret;

/// The epoch of the first application keys.
const FIRST_EPOCH: u64 = 3;

/// Epochs are not counted further (RFC 9147, section 8).
const MAX_EPOCH: u64 = (1 << 48) - 1;

/// The traffic secrets of the application epochs, and whether ours is about to change.
pub(crate) struct KeyUpdates {
    suite: CipherSuite,
    write: Secret,
    write_epoch: u64,
    read: Secret,
    read_epoch: u64,
    /// Our KeyUpdate is under way.
    pending: bool,
    /// A KeyUpdate is to be sent once the flight before it is acknowledged.
    wanted: bool,
}

impl KeyUpdates {
    /// Installs the first application keys.
    pub(crate) fn start(
        session: &mut Session,
        suite: CipherSuite,
        write: Secret,
        read: Secret,
    ) -> Result<Self, Failure> {
        let updates = Self::start_writing(session, suite, write, read)?;
        updates.install_read(session)?;
        Ok(updates)
    }

    /// Installs the first of them for writing: a server has it before the client has finished.
    pub(crate) fn start_writing(
        session: &mut Session,
        suite: CipherSuite,
        write: Secret,
        read: Secret,
    ) -> Result<Self, Failure> {
        let updates = Self {
            suite,
            write,
            write_epoch: FIRST_EPOCH,
            read,
            read_epoch: FIRST_EPOCH,
            pending: false,
            wanted: false,
        };
        updates.install_write(session)?;
        Ok(updates)
    }

    fn install_write(&self, session: &mut Session) -> Result<(), Failure> {
        let sealer = Sealer13::new(session.config.provider, self.suite, &self.write, self.write_epoch)?;
        session.records.install_write(sealer);
        Ok(())
    }

    pub(crate) fn install_read(&self, session: &mut Session) -> Result<(), Failure> {
        let opener = Opener13::new(session.config.provider, self.suite, &self.read, self.read_epoch)?;
        session.records.install_read(opener);
        Ok(())
    }

    /// The peer's KeyUpdate: from now on it uses its next key.
    pub(crate) fn on_key_update(&mut self, session: &mut Session, body: &[u8]) -> Result<(), Failure> {
        let requested = match body {
            [0] => false,
            [1] => true,
            [_] => return Err(Failure::IllegalParameter(HandshakeType::KEY_UPDATE)),
            _ => return Err(Failure::Decode(HandshakeType::KEY_UPDATE, DecodeError::BadLength)),
        };
        self.read = Schedule::new(session.config.provider, self.suite).next_generation(&self.read)?;
        self.read_epoch = self.read_epoch.saturating_add(1);
        self.install_read(session)?;
        // The peer has application keys, so it has our last flight; and before the epochs come round to the low bits of
        // the handshake's, its keys must go.
        if session.flight.is_of_handshake() {
            session.end_flight();
        }
        session.records.drop_handshake_keys();
        self.wanted |= requested && !self.pending;
        Ok(())
    }

    /// Asks for a new key of ours.
    pub(crate) const fn want(&mut self) {
        if !self.pending {
            self.wanted = true;
        }
    }

    /// Sends a KeyUpdate if one is wanted and nothing else waits for its acknowledgement.
    pub(crate) fn send_if_wanted(&mut self, session: &mut Session) {
        if self.wanted && session.flight.is_empty() && self.write_epoch < MAX_EPOCH {
            self.wanted = false;
            self.pending = true;
            session.timer.reset();
            session.expects_answer = true;
            session.send(self.write_epoch, HandshakeType::KEY_UPDATE, alloc::vec![0]);
        }
    }

    /// Sends a message about connection IDs if one waits, and nothing else waits for its acknowledgement.
    pub(crate) fn send_connection_ids(&self, session: &mut Session) {
        if session.flight.is_empty()
            && let Some((kind, body)) = session.connection_ids.as_mut().and_then(ConnectionIds::take_waiting)
        {
            session.timer.reset();
            session.expects_answer = true;
            session.send(self.write_epoch, kind, body);
        }
    }

    /// The peer has acknowledged our whole flight: if it was a KeyUpdate, the new key is used from now on, and the answer
    /// is `true`.
    pub(crate) fn on_flight_acknowledged(&mut self, session: &mut Session) -> Result<bool, Failure> {
        if !core::mem::take(&mut self.pending) {
            return Ok(false);
        }
        self.write = Schedule::new(session.config.provider, self.suite).next_generation(&self.write)?;
        self.write_epoch = self.write_epoch.saturating_add(1);
        session.records.drop_handshake_keys();
        self.install_write(session)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Certificate, Config, Role};
    use alloc::sync::Arc;
    use sendrecv_core::Seed;
    use sendrecv_crypto::default_provider;

    fn start() -> (Session, KeyUpdates) {
        let certificate = Certificate::generate(default_provider(), &Seed::from_u64(1), 0, 31).unwrap();
        let config = Config::new(default_provider(), Arc::new(certificate));
        let mut session = Session::new(config, Role::Client, &Seed::from_u64(1));
        let secret = || Secret::new(alloc::vec![1; 32]);
        let updates =
            KeyUpdates::start(&mut session, CipherSuite::Aes128GcmSha256, secret(), secret()).unwrap();
        (session, updates)
    }

    #[test]
    fn epochs_are_not_counted_beyond_their_limit() {
        let (mut session, mut updates) = start();
        updates.write_epoch = MAX_EPOCH;
        updates.on_key_update(&mut session, &[1]).unwrap();
        updates.send_if_wanted(&mut session);
        assert!(session.flight.is_empty(), "the request is ignored");
        updates.write_epoch = MAX_EPOCH - 1;
        updates.send_if_wanted(&mut session);
        assert!(!session.flight.is_empty());
    }

    #[test]
    fn one_update_waits_for_its_acknowledgement() {
        let (mut session, mut updates) = start();
        updates.want();
        updates.send_if_wanted(&mut session);
        assert_eq!(session.next_seq(), 1);
        updates.want();
        updates.on_key_update(&mut session, &[1]).unwrap();
        updates.send_if_wanted(&mut session);
        assert_eq!(
            (session.next_seq(), updates.write_epoch),
            (1, FIRST_EPOCH),
            "no second one, and the old key"
        );
        assert_eq!(updates.on_flight_acknowledged(&mut session), Ok(true));
        assert_eq!(updates.write_epoch, FIRST_EPOCH + 1);
    }

    #[test]
    fn malformed_updates_are_refused() {
        let (mut session, mut updates) = start();
        for body in [&[][..], &[2], &[0, 0]] {
            assert!(updates.on_key_update(&mut session, body).is_err());
        }
    }
}
