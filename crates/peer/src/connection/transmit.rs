//! Datagrams on their way out.

use super::PeerConnection;
use crate::transport::{HEADROOM, TAILROOM};
use sendrecv_core::{Ecn, Instant, Machine, PacketBuf, Path, Transmit};
use sendrecv_media::PacketKind;

/// Most datagrams in one batch: what Linux takes in one GSO send.
const MAX_SEGMENTS: usize = 64;
/// Most bytes in one batch.
const MAX_BATCH: usize = 65_507;

/// One or several datagrams, ready for their path, at the beginning of the host's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagrams {
    /// The way they go.
    pub path: Path,
    /// Bytes written.
    pub len: usize,
    /// When set, the bytes are several datagrams of this length, the last of which may be shorter.
    pub segment_size: Option<usize>,
    /// The ECN codepoint to send with.
    pub ecn: Ecn,
}

impl Datagrams {
    /// How many datagrams there are.
    pub fn count(&self) -> usize {
        self.segment_size.map_or(1, |size| self.len.div_ceil(size.max(1)))
    }
}

impl PeerConnection {
    /// Writes what is to be sent next to the beginning of `out`, and says where it goes. `out` should hold 2 KiB at
    /// least; with 64 KiB, packets of equal size come in batches. `None` when there is nothing to send.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut [u8]) -> Option<Datagrams> {
        let now = self.clock.advance(now);
        let datagrams = self.next_datagrams(now, out).or_else(|| self.next_while_closing(now, out));
        if let Some(recorder) = &mut self.recorder {
            let written = datagrams.as_ref().and_then(|datagrams| out.get(..datagrams.len));
            recorder.push_transmit(
                now,
                out.len(),
                datagrams.as_ref().map(|datagrams| datagrams.path),
                written,
            );
        }
        self.drive(now);
        datagrams
    }

    /// ICE and DTLS go first. Once they have nothing to say they are not asked again for every packet of a burst, but
    /// when it is over: a packet may have made a relay or DTLS want something.
    fn next_datagrams(&mut self, now: Instant, out: &mut [u8]) -> Option<Datagrams> {
        let asked_before = self.transport_idle_at == Some(now);
        if !asked_before && let Some(one) = self.next_of_transport(now, out) {
            return Some(one);
        }
        self.transport_idle_at = Some(now);
        if let Some(some) = self.next_of_layers_above(now, out) {
            return Some(some);
        }
        if asked_before { self.next_of_transport(now, out) } else { None }
    }

    /// What is left to say after `close`: a lower layer ends only when those above have had their last word.
    fn next_while_closing(&mut self, now: Instant, out: &mut [u8]) -> Option<Datagrams> {
        while self.closed && self.transport.end_next(now) {
            let last_words = self.next_datagrams(now, out);
            if last_words.is_some() {
                return last_words;
            }
        }
        None
    }

    fn next_of_transport(&mut self, now: Instant, out: &mut [u8]) -> Option<Datagrams> {
        let one = self.write_one(out, sendrecv_ice::DATA_HEADROOM, |this, packet| {
            this.transport.ice.poll_transmit(now, packet)
        });
        one.or_else(|| self.write_one(out, HEADROOM, |this, packet| this.transport.poll_dtls(now, packet)))
    }

    fn next_of_layers_above(&mut self, now: Instant, out: &mut [u8]) -> Option<Datagrams> {
        if self.transport.can_send_media()
            && let Some(some) = self.write_media(now, out)
        {
            return Some(some);
        }
        if self.sctp_started && self.transport.can_send_data() { self.write_data(now, out) } else { None }
    }

    /// Writes one datagram, and moves it to the beginning of the buffer if headroom is left in front of it.
    fn write_one(
        &mut self,
        out: &mut [u8],
        headroom: usize,
        write: impl FnOnce(&mut Self, &mut PacketBuf<'_>) -> Option<Transmit>,
    ) -> Option<Datagrams> {
        let mut packet = PacketBuf::new(out, headroom, TAILROOM);
        let transmit = write(self, &mut packet)?;
        let written = packet.range();
        let len = written.len();
        if written.start > 0 {
            out.copy_within(written, 0);
        }
        Some(Datagrams { path: transmit.path?, len, segment_size: None, ecn: transmit.ecn })
    }

    /// Writes media packets one behind the other for as long as they have the length of the first.
    fn write_media(&mut self, now: Instant, out: &mut [u8]) -> Option<Datagrams> {
        let mut kind = PacketKind::Rtcp;
        let mut batch = self.write_one(out, self.transport.ice.path_mtu_overhead(), |this, packet| {
            let (transmit, of_packet) = this.next_media(now, packet)?;
            kind = of_packet;
            Some(transmit)
        })?;
        let size = batch.len;
        let mut segments = 1;
        while kind == PacketKind::Rtp && segments < MAX_SEGMENTS && batch.len < MAX_BATCH.saturating_sub(size)
        {
            let room = out.get_mut(batch.len..).unwrap_or_default();
            let Some(next) = self.write_media_behind(now, room, size) else { break };
            segments += 1;
            batch.len = batch.len.saturating_add(next.len);
            batch.segment_size = Some(size);
            if next.len < size || next.path != batch.path {
                break;
            }
        }
        Some(batch)
    }

    /// The next packet of the media engine, protected. One that SRTP refuses, such as the repetition of one it has
    /// forgotten, keeps no other from its turn.
    fn next_media(&mut self, now: Instant, packet: &mut PacketBuf<'_>) -> Option<(Transmit, PacketKind)> {
        loop {
            let kind = self.media.poll_packet(now, packet)?;
            let sealed = match kind {
                PacketKind::Rtp => self.transport.seal_rtp(now, packet),
                PacketKind::Rtcp => self.transport.seal_rtcp(now, packet),
            };
            if let Some(transmit) = sealed {
                return Some((transmit, kind));
            }
            packet.clear();
            packet.reserve_tailroom(TAILROOM);
        }
    }

    /// Writes one media packet behind others, sealed, of `size` bytes at most.
    fn write_media_behind(&mut self, now: Instant, room: &mut [u8], size: usize) -> Option<Datagrams> {
        self.write_one(room, self.transport.ice.path_mtu_overhead(), |this, packet| {
            packet.limit_len(size.saturating_sub(this.transport.media_overhead()));
            if !this.media.poll_rtp_that_fits(now, packet) {
                return None;
            }
            this.transport.seal_rtp(now, packet)
        })
    }

    /// Writes SCTP packets one behind the other for as long as they have the length of the first.
    fn write_data(&mut self, now: Instant, out: &mut [u8]) -> Option<Datagrams> {
        let mut batch = self.write_segment(now, out, 0, None)?;
        let size = batch.len;
        while batch.len < MAX_BATCH.saturating_sub(size) {
            let segments = batch.len / size.max(1);
            let Some(next) = (segments < MAX_SEGMENTS)
                .then(|| self.write_segment(now, out, batch.len, Some(size)))
                .flatten()
            else {
                break;
            };
            batch.len = batch.len.saturating_add(next.len);
            batch.segment_size = Some(size);
            if next.len < size || next.path != batch.path {
                break;
            }
        }
        Some(batch)
    }

    /// Writes one SCTP packet, sealed, at `start`: behind others of `size` bytes, one that need not be longer.
    fn write_segment(
        &mut self,
        now: Instant,
        out: &mut [u8],
        start: usize,
        size: Option<usize>,
    ) -> Option<Datagrams> {
        let room = out.get_mut(start..)?;
        let header = self.transport.data_header_len();
        let mut packet = PacketBuf::new(room, header, TAILROOM);
        match size {
            None => self.channels.poll_transmit(now, &mut packet)?,
            Some(size) => {
                let len = size.saturating_sub(self.transport.data_overhead());
                self.channels.poll_another(now, len, &mut packet)?
            }
        };
        let transmit = self.transport.seal_data(now, &mut packet)?;
        let written = packet.range();
        let len = written.len();
        if written.start > 0 {
            room.copy_within(written, 0);
        }
        Some(Datagrams { path: transmit.path?, len, segment_size: None, ecn: transmit.ecn })
    }
}
