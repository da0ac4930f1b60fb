//! Time that did not run: the packets of a handshake were carried by others, as on ICE's checks (SPED).

use super::Dtls;
use sendrecv_core::Instant;

impl Dtls {
    /// Starts the retransmission timeout and the time the handshake may take anew: from now on a path carries what is
    /// sent, and so far nobody let time pass ([`handle_timeout`](sendrecv_core::Machine::handle_timeout)) here.
    pub fn resume(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        self.started = self.started.map(|_| now);
        if self.session.timer.deadline().is_some() {
            self.session.timer.start(now);
            self.sent_at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::connection::tests::{NOW, ends};
    use crate::{ConnectionState, Version};
    use core::time::Duration;
    use sendrecv_core::{Machine, PacketBuf};

    #[test]
    fn time_begins_to_run_when_there_is_a_path() {
        let (mut client, _) = ends(Version::Dtls13, None);
        let mut slab = [0; 1500];
        assert!(client.poll_transmit(NOW, &mut PacketBuf::new(&mut slab, 0, 0)).is_some());
        let (timeout, whole) = (client.session.config.initial_rto, client.session.config.handshake_timeout);
        let much_later = NOW + whole * 3;
        client.resume(much_later);
        client.handle_timeout(much_later);
        assert!(client.poll_transmit(much_later, &mut PacketBuf::new(&mut slab, 0, 0)).is_none());
        assert_eq!(client.poll_timeout(), Some(much_later + timeout));
        client.handle_timeout(much_later + timeout);
        assert!(client.poll_transmit(much_later + timeout, &mut PacketBuf::new(&mut slab, 0, 0)).is_some());
        assert_eq!(client.state(), ConnectionState::Connecting);
        client.handle_timeout(much_later + whole + Duration::from_nanos(1));
        assert_eq!(client.state(), ConnectionState::Failed);
    }
}
