//! What a DTLS 1.3 server may say half a round trip early: behind its flight, before the client has answered that
//! (RFC 8446, section 4.4.4).

use super::Dtls;
use crate::SealError;
use crate::state::State;
use sendrecv_core::{Instant, PacketBuf};

impl Dtls {
    /// Whether [`seal_early`](Self::seal_early) is possible: on a server of DTLS 1.3 whose flight has gone out.
    pub const fn can_seal_early(&self) -> bool {
        matches!(self.state, State::Server13(_)) && !self.session.flight.is_sending()
    }

    /// [`seal`](Self::seal) for a server that does not know its client yet: nothing has shown so far that it has the
    /// right certificate. Only for what anybody may read, such as the beginning of another protocol's handshake; and
    /// what arrives before the flight is lost, which nobody will notice here.
    ///
    /// # Errors
    /// Those of [`seal`](Self::seal); `NotConnected` unless [`can_seal_early`](Self::can_seal_early).
    pub fn seal_early(&mut self, now: Instant, packet: &mut PacketBuf<'_>) -> Result<(), SealError> {
        self.clock.advance(now);
        if !self.can_seal_early() {
            return Err(SealError::NotConnected);
        }
        self.seal_packet(packet)
    }

    /// Seals with the newest key there is.
    pub(super) fn seal_packet(&mut self, packet: &mut PacketBuf<'_>) -> Result<(), SealError> {
        let sealer = self.session.records.sealer().ok_or(SealError::NotConnected)?;
        sealer.seal_packet(packet)?;
        self.stats.records_sealed = self.stats.records_sealed.saturating_add(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tests::{NOW, carry, ends};
    use crate::{CloseReason, ConnectionState, Version};
    use alloc::vec::Vec;
    use core::time::Duration;
    use sendrecv_core::{Machine, Writer};

    /// A record of `end`, sealed early.
    fn early(end: &mut Dtls) -> Result<Vec<u8>, SealError> {
        let mut slab = [0; 100];
        let mut packet = PacketBuf::new(&mut slab, crate::HEADROOM, crate::TAILROOM);
        packet.put(b"early").unwrap();
        end.seal_early(NOW, &mut packet)?;
        Ok(packet.finish().to_vec())
    }

    /// The datagrams that `end` has to send.
    fn flight(end: &mut Dtls, now: Instant) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        let mut slab = [0; 1500];
        loop {
            let mut out = PacketBuf::new(&mut slab, 0, 0);
            if end.poll_transmit(now, &mut out).is_none() {
                return datagrams;
            }
            datagrams.push(out.finish().to_vec());
        }
    }

    fn give(end: &mut Dtls, datagram: &[u8]) -> Vec<Vec<u8>> {
        let mut datagram = datagram.to_vec();
        end.handle_datagram(NOW, &mut datagram).map(|records| records.map(|r| r.to_vec()).collect()).unwrap()
    }

    #[test]
    fn a_server_speaks_behind_its_flight_and_its_client_hears_it_with_that() {
        let (mut client, mut server) = ends(Version::Dtls13, None);
        assert_eq!(early(&mut server), Err(SealError::NotConnected), "nobody is there");
        flight(&mut client, NOW).iter().for_each(|datagram| drop(give(&mut server, datagram)));
        assert_eq!(early(&mut server), Err(SealError::NotConnected), "the flight goes first");
        let answer = flight(&mut server, NOW);
        let record = early(&mut server).unwrap();
        answer.iter().for_each(|datagram| drop(give(&mut client, datagram)));
        assert_eq!(client.state(), ConnectionState::Connected);
        assert_eq!(give(&mut client, &record), [b"early"]);
        carry(&mut client, &mut server);
        assert_eq!(server.state(), ConnectionState::Connected);
        assert_eq!(early(&mut server), Err(SealError::NotConnected), "from now on there is `seal`");
        let mut slab = [0; 100];
        let mut packet = PacketBuf::new(&mut slab, crate::HEADROOM, crate::TAILROOM);
        packet.put(b"data").unwrap();
        server.seal(NOW, &mut packet).unwrap();
        assert_eq!(give(&mut client, packet.finish()), [b"data"]);
    }

    #[test]
    fn what_overtakes_the_flight_is_kept_and_the_flight_can_be_sent_again_behind_it() {
        let (mut client, mut server) = ends(Version::Dtls13, None);
        carry(&mut client, &mut server);
        let lost = flight(&mut server, NOW);
        let record = early(&mut server).unwrap();
        assert!(give(&mut client, &record).is_empty());
        let later = NOW + Duration::from_secs(5);
        server.handle_timeout(later);
        let again = flight(&mut server, later);
        assert_eq!(again.len(), lost.len());
        again.iter().for_each(|datagram| drop(give(&mut client, datagram)));
        assert_eq!(client.state(), ConnectionState::Connected);
        assert_eq!(client.poll_early_data().as_deref(), Some(&b"early"[..]));
        carry(&mut client, &mut server);
        assert_eq!(server.state(), ConnectionState::Connected);
    }

    #[test]
    fn a_client_and_a_server_of_dtls_1_2_never_speak_early() {
        for version in [Version::Dtls12, Version::Dtls13] {
            let (mut client, mut server) = ends(version, None);
            for _ in 0..4 {
                carry(&mut client, &mut server);
                assert_eq!(early(&mut client), Err(SealError::NotConnected));
                carry(&mut server, &mut client);
                assert!(version == Version::Dtls13 || early(&mut server).is_err());
            }
        }
    }

    #[test]
    fn a_server_that_spoke_early_still_refuses_another_certificate() {
        let (mut client, mut server) = ends(Version::Dtls13, None);
        server.set_remote_fingerprints(NOW, Vec::new());
        carry(&mut client, &mut server);
        carry(&mut server, &mut client);
        early(&mut server).unwrap();
        carry(&mut client, &mut server);
        assert!(matches!(server.close_reason(), Some(CloseReason::Failed(_))));
        assert!(early(&mut server).is_err());
        // The client reads the alert, which is protected as the handshake is.
        carry(&mut server, &mut client);
        assert!(matches!(client.close_reason(), Some(CloseReason::Alert(_))));
    }
}
