//! Datagrams on their way in.

use super::PeerConnection;
use super::media::ReceivedRtp;
use crate::error::Discard;
use crate::record::Input;
use crate::transport::Received;
use sendrecv_core::{Ecn, Instant, Path};

/// What is left of a datagram for the host.
#[derive(Debug)]
pub enum Inbound<'b> {
    /// Nothing; there may be events.
    Consumed,
    /// A media packet, in clear, still in the host's buffer.
    Rtp(ReceivedRtp<'b>),
}

impl PeerConnection {
    /// Takes a datagram that arrived over `path`; it is decrypted where it lies.
    ///
    /// # Errors
    /// Why it had no effect. That is nothing to act on: anybody can send anything.
    pub fn handle_datagram<'b>(
        &mut self,
        now: Instant,
        path: Path,
        ecn: Ecn,
        datagram: &'b mut [u8],
    ) -> Result<Inbound<'b>, Discard> {
        let now = self.clock.advance(now);
        self.record(|| Input::Datagram { now, path, ecn, bytes: datagram.to_vec() });
        if self.closed {
            return Err(self.discard(Discard::Closed));
        }
        self.transport_idle_at = None;
        match self.transport.handle_datagram(now, path, datagram) {
            Ok(Received::Rtp(packet)) => self.receive_rtp(now, packet),
            Ok(Received::Rtcp(packet)) => {
                let outcome = self.media.handle_rtcp(now, packet);
                self.drive(now);
                outcome.map(|()| Inbound::Consumed).map_err(Discard::Media)
            }
            Ok(Received::Records(records)) => {
                if !self.sctp_runs {
                    // The handshake may end in the very datagram that brings the first data.
                    self.drive(now);
                }
                for record in records {
                    // A packet without effect is counted by the association and takes nothing from the others.
                    let _ = self.channels.handle_datagram(now, record);
                }
                self.drive(now);
                Ok(Inbound::Consumed)
            }
            Ok(Received::Consumed) => {
                self.drive(now);
                // It may have been about a relay's channel.
                self.update_packet_sizes(now);
                Ok(Inbound::Consumed)
            }
            Err(reason) => {
                self.drive(now);
                Err(self.discard(reason))
            }
        }
    }

    fn receive_rtp<'b>(&mut self, now: Instant, packet: &'b mut [u8]) -> Result<Inbound<'b>, Discard> {
        let inbound = self.media.handle_rtp(now, packet)?;
        match inbound {
            Some(inbound) => Ok(self.sections.received(inbound).map_or(Inbound::Consumed, Inbound::Rtp)),
            None => Ok(Inbound::Consumed),
        }
    }
}
