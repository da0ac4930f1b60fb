//! What no SCTP can do without: a message is copied into packets and out of them again, and a packet's checksum is
//! computed at both ends, while packets and messages lie in memory until they have been delivered.

use super::ours::Buffers;
use super::{End, PACKET};
use std::collections::VecDeque;
use std::time::Duration;

/// The common header, whose last bytes are the checksum.
const HEADER: usize = 12;
/// What precedes a fragment: its length, and whether it is its message's last.
const CHUNK: usize = 16;

/// One end. It keeps the messages and nothing else, and is told at once what the other end received.
#[derive(Default)]
pub struct CopyAndChecksum {
    /// Messages sent and not acknowledged, then those not sent, of which the first is sent up to `offset`.
    messages: VecDeque<Box<[u8]>>,
    sent: usize,
    offset: usize,
    arriving: Vec<u8>,
    /// Of the last message that took several packets; they are all as long.
    message_len: usize,
    arrived: Vec<Box<[u8]>>,
    unreported: u32,
}

impl CopyAndChecksum {
    /// Fills a packet; returns its length, or 0 when there is nothing to send.
    fn fill(&mut self, packet: &mut [u8; PACKET]) -> usize {
        let mut len = HEADER;
        while let Some(message) = self.messages.get(self.sent) {
            let rest = &message[self.offset..];
            let count = rest.len().min(PACKET.saturating_sub(len + CHUNK));
            if count == 0 || len > HEADER && count < rest.len() {
                break;
            }
            let ending = count == rest.len();
            let chunk = &mut packet[len..len + CHUNK + count];
            chunk[..2].copy_from_slice(&(count as u16).to_be_bytes());
            chunk[2] = ending.into();
            chunk[CHUNK..].copy_from_slice(&rest[..count]);
            len += CHUNK + count;
            (self.sent, self.offset) =
                if ending { (self.sent + 1, 0) } else { (self.sent, self.offset + count) };
        }
        if len == HEADER {
            return 0;
        }
        let checksum = crc_fast::crc32_iscsi(&packet[HEADER..len]);
        packet[HEADER - 4..HEADER].copy_from_slice(&checksum.to_le_bytes());
        len
    }

    fn take(&mut self, packet: &[u8]) {
        let (header, mut chunks) = packet.split_at(HEADER);
        assert_eq!(
            header[HEADER - 4..],
            crc_fast::crc32_iscsi(chunks).to_le_bytes(),
            "nothing changes packets"
        );
        while let Some((head, rest)) = chunks.split_at_checked(CHUNK) {
            let (data, rest) = rest.split_at(u16::from_be_bytes([head[0], head[1]]).into());
            if self.arriving.is_empty() && head[2] == 1 {
                self.arrived.push(data.into());
            } else {
                if self.arriving.is_empty() {
                    self.arriving.reserve_exact(self.message_len);
                }
                self.arriving.extend_from_slice(data);
                if head[2] == 1 {
                    self.message_len = self.arriving.len();
                    self.arrived.push(std::mem::take(&mut self.arriving).into());
                }
            }
            chunks = rest;
        }
    }
}

impl End for CopyAndChecksum {
    type Packets = Buffers;

    fn pair() -> [Self; 2] {
        Default::default()
    }

    fn is_ready(&mut self) -> bool {
        true
    }

    fn send(&mut self, _: Duration, _: u16, message: &[u8]) -> bool {
        self.messages.push_back(message.into());
        true
    }

    fn transmit(&mut self, _: Duration, packets: &mut Buffers) {
        if self.unreported > 0 {
            let count = std::mem::take(&mut self.unreported);
            packets.push(|packet| {
                packet[..4].copy_from_slice(&count.to_be_bytes());
                4
            });
        }
        while packets.push(|packet| self.fill(packet)) {}
    }

    fn receive(&mut self, _: Duration, packets: &mut Buffers) {
        packets.pop(|packet| match packet.try_into() {
            Ok(count) => {
                let count = u32::from_be_bytes(count) as usize;
                self.messages.drain(..count);
                self.sent -= count;
            }
            Err(_) => self.take(packet),
        });
    }

    fn messages(&mut self) -> u64 {
        let count = self.arrived.drain(..).count();
        self.unreported += count as u32;
        count as u64
    }

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn timeout(&mut self, _: Duration) {}
}
