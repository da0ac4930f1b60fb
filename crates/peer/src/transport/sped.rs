//! SPED (draft-hancke-webrtc-sped): as long as ICE has no pair, the packets of the DTLS handshake ride on its checks.

use super::Transport;
use crate::demux::PacketKind;
use crate::states::DtlsTransportState;
use alloc::vec::Vec;
use sendrecv_core::{Instant, Machine, PacketBuf};

/// Packets kept that came before it was known what to do with them.
const MAX_EARLY: usize = 4;
/// The longest packet that rides, in bytes: what browsers allow themselves.
const MAX_LEN: usize = 900;

/// What is kept on the way between ICE and DTLS.
#[derive(Default)]
pub(crate) struct Sped {
    /// Packets that rode on checks which came before the answer did.
    early: Vec<Vec<u8>>,
    /// DTLS has said something that rides, and no time has passed for it since.
    riding: bool,
}

impl Transport {
    /// Takes a packet that rode on an authenticated check.
    pub(crate) fn receive_riding(&mut self, now: Instant, mut packet: Vec<u8>) {
        if PacketKind::of(&packet) != PacketKind::Dtls {
            return;
        }
        let Some(dtls) = &mut self.dtls else {
            if self.sped.early.len() < MAX_EARLY {
                self.sped.early.push(packet);
            }
            return;
        };
        self.ice.confirm_packet(&packet);
        // A handshake has nothing for the layers above, and what has no effect is counted by DTLS.
        let _ = dtls.handle_datagram(now, &mut packet);
    }

    /// DTLS has begun: takes what came too early for it.
    pub(super) fn take_early(&mut self, now: Instant) {
        for packet in core::mem::take(&mut self.sped.early) {
            self.receive_riding(now, packet);
        }
    }

    /// Lets what DTLS has to say ride. What it says anew takes the place of what it said before: checks repeat that often
    /// enough, and no time passes for DTLS meanwhile.
    pub(super) fn ride(&mut self, now: Instant) {
        let (Some(room), Some(dtls)) = (self.ice.packet_room(), &mut self.dtls) else { return };
        let (mut packets, mut slab) = (Vec::new(), [0; MAX_LEN]);
        let slab = slab.get_mut(..room.min(MAX_LEN)).unwrap_or_default();
        loop {
            let mut packet = PacketBuf::new(slab, 0, 0);
            if dtls.poll_transmit(now, &mut packet).is_none() {
                break;
            }
            packets.push(packet.bytes().to_vec());
        }
        if !packets.is_empty() {
            self.ice.board(packets);
            self.sped.riding = true;
        }
    }

    /// There is a pair: DTLS goes by itself from now on, and its time begins to run.
    pub(super) fn go_directly(&mut self, now: Instant) {
        if core::mem::take(&mut self.sped.riding)
            && let Some(dtls) = &mut self.dtls
        {
            if let Some(rtt) = self.ice.rtt() {
                dtls.set_rtt(rtt);
            }
            dtls.resume(now);
        }
        if !matches!(self.state, DtlsTransportState::New | DtlsTransportState::Connecting) {
            self.ice.end_riding();
        }
    }

    /// Takes back what rides: it belongs to a connection that is no more.
    pub(super) fn leave_checks(&mut self) {
        self.sped = Sped::default();
        self.ice.board(Vec::new());
    }
}
