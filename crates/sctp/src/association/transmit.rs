//! Writing packets: what must be alone, then acknowledgement, control, and as much data as fits.

use super::{Association, State};
use crate::checksum;
use crate::num::wide;
use crate::wire::{CHECKSUM_RANGE, CommonHeader, HEADER_LEN};
use sendrecv_core::{Instant, NoSpace, PacketBuf, Transmit, Writer};

impl Association {
    /// Writes another packet of data behind one of `len` bytes, so that both can leave in one system call (GSO): `None`
    /// when the next packet is longer than that, or is no data, or there is none. It may be shorter; no message is cut
    /// for the sake of `len`.
    pub fn poll_another(&mut self, now: Instant, len: usize, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        let now = self.clock.advance(now);
        let only_data = self.sends_data() && self.control.front().is_none() && !self.path.is_due();
        if !only_data || !self.sender.may_batch(len) {
            return None;
        }
        let start = out.len();
        out.limit_len(len);
        let sent = self.write_packet(now, true, out);
        self.count_sent(sent, start, out);
        sent.then(Transmit::selected)
    }

    /// Writes the next packet; false when there is none.
    pub(super) fn transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> bool {
        let start = out.len();
        let sent = if self.control.front().is_some_and(|chunk| chunk.alone) {
            self.write_alone(out)
        } else if self.state == State::CookieEchoed {
            self.write_cookie_packet(now, out)
        } else if self.is_established() {
            self.write_probe_packet(now, out) || self.write_packet(now, false, out)
        } else {
            false
        };
        self.count_sent(sent, start, out);
        sent
    }

    /// Counts what was written, or takes back what came to nothing.
    fn count_sent(&mut self, sent: bool, start: usize, out: &mut PacketBuf<'_>) {
        if sent {
            self.stats.packets_sent = self.stats.packets_sent.saturating_add(1);
            self.stats.bytes_sent = self.stats.bytes_sent.saturating_add(wide(out.len()));
        } else {
            out.truncate(start);
        }
    }

    /// Begins a packet of at most `limit` bytes.
    pub(super) fn begin(&self, tag: u32, limit: usize, out: &mut PacketBuf<'_>) -> Result<(), NoSpace> {
        out.limit_len(limit);
        let header = CommonHeader {
            source_port: self.config.local_port,
            destination_port: self.config.remote_port,
            verification_tag: tag,
            checksum: [0; 4],
        };
        header.write(out)
    }

    /// Ends a packet: the checksum, unless the peer accepts zero.
    pub(super) fn end(&self, must_have_checksum: bool, out: &mut PacketBuf<'_>) {
        if self.peer.extensions.zero_checksum && !must_have_checksum {
            return;
        }
        let crc = checksum::crc32c(out.bytes()).to_le_bytes();
        if let Some(field) = out.bytes_mut().get_mut(CHECKSUM_RANGE) {
            field.copy_from_slice(&crc);
        }
    }

    fn write_alone(&mut self, out: &mut PacketBuf<'_>) -> bool {
        let Some(chunk) = self.control.pop() else { return false };
        let tag = chunk.tag.unwrap_or(self.peer.tag);
        if self.begin(tag, usize::MAX, out).is_err() || out.put(&chunk.bytes).is_err() {
            return false;
        }
        self.end(chunk.checksum, out);
        true
    }

    /// The COOKIE ECHO with as much data as fits behind it: the first messages save a round trip.
    fn write_cookie_packet(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> bool {
        if !self.cookie_due || self.begin(self.peer.tag, self.path.packet_size(), out).is_err() {
            return false;
        }
        if out.put(&self.cookie_echo).is_err() {
            return false;
        }
        self.cookie_due = false;
        self.sender.write_data(now, false, out);
        self.end(true, out);
        true
    }

    fn write_packet(&mut self, now: Instant, batched: bool, out: &mut PacketBuf<'_>) -> bool {
        let start = out.len();
        let limit = self.sender.next_packet_len();
        if self.begin(self.peer.tag, limit, out).is_err() {
            return false;
        }
        let sends_data = self.sends_data();
        if self.receiver.sack_due()
            || self.receiver.sack_wanted()
                && (self.control.front().is_some() || sends_data && self.sender.wants_to_send())
        {
            self.receiver.write_sack(out);
        }
        self.write_shared(out);
        self.write_resets(now, out);
        if sends_data {
            self.sender.write_forward(now, out);
            self.sender.write_data(now, batched, out);
            // Giving up what was lost may have moved the point just now.
            self.sender.write_forward(now, out);
            self.after_sending(now);
        }
        if out.len().saturating_sub(start) <= HEADER_LEN {
            return false;
        }
        self.end(false, out);
        true
    }

    /// Control chunks that may share a packet.
    fn write_shared(&mut self, out: &mut PacketBuf<'_>) {
        while let Some(chunk) = self.control.front().filter(|chunk| !chunk.alone) {
            if out.put(&chunk.bytes).is_err() {
                break;
            }
            self.control.pop();
        }
    }
}
