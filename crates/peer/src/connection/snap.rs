//! SNAP: the association starts established, from the INITs in the descriptions.

use super::PeerConnection;
use crate::jsep::sctp_init;
use alloc::string::String;
use sendrecv_core::Instant;
use sendrecv_sctp::channel::DtlsRole;

impl PeerConnection {
    /// What our descriptions say as `a=sctp-init`: the same for as long as the association is the same.
    pub(super) fn sctp_init(&self) -> Option<String> {
        self.configuration.settings.snap.then(|| sctp_init::encode(&self.channels.local_init()))
    }

    /// Starts the association: established, if the INITs were signalled, else with a handshake.
    pub(super) fn connect_sctp(&mut self, now: Instant, role: DtlsRole) {
        // Refused only the second time, which `sctp_started` rules out.
        let _ = match self.remote_init.take() {
            Some(init) => self.channels.connect_with_init(now, role, &init),
            None => self.channels.connect(now, role),
        };
    }
}
