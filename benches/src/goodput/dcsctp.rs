//! dcsctp, the SCTP of Chromium and Firefox in Rust.

use super::network::End;
use super::ours::OVERHEAD;
use super::{MESSAGE, SEND_BUFFER};
use dcsctp_quiet::api::{
    DcSctpSocket, Message, Options, PpId, SendOptions, SocketEvent, SocketState, SocketTime, StreamId,
};
use sendrecv_core::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// A socket, and the packets that its events held.
pub struct DcSctp {
    socket: Box<dyn DcSctpSocket>,
    packets: VecDeque<Vec<u8>>,
}

impl DcSctp {
    /// Two that connect to each other, with this receive buffer.
    pub fn pair(receive_buffer: usize) -> [Box<dyn End>; 2] {
        ["sender", "receiver"].map(|name| -> Box<dyn End> {
            let options = Options {
                mtu: 1200,
                max_receiver_window_buffer_size: receive_buffer,
                max_send_buffer_size: SEND_BUFFER,
                per_stream_send_queue_limit: SEND_BUFFER,
                ..Options::default()
            };
            let mut socket = dcsctp_quiet::new_socket(name, &options);
            if name == "sender" {
                socket.connect();
            }
            Box::new(Self { socket, packets: VecDeque::new() })
        })
    }

    fn drain(&mut self) {
        while let Some(event) = self.socket.poll_event() {
            if let SocketEvent::SendPacket(packet) = event {
                self.packets.push_back(packet);
            }
        }
    }

    fn advance(&mut self, now: Instant) {
        self.socket.advance_time(SocketTime::zero() + now.saturating_since(Instant::ZERO));
    }
}

impl End for DcSctp {
    fn overhead(&self) -> usize {
        OVERHEAD
    }

    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        self.advance(now);
        self.socket.handle_input(datagram);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        let at: Duration = self.socket.poll_timeout() - SocketTime::zero();
        (at < Duration::from_secs(1 << 30)).then(|| Instant::ZERO + at)
    }

    fn poll_transmit(&mut self, _: Instant, datagram: &mut Vec<u8>) -> bool {
        self.drain();
        let Some(packet) = self.packets.pop_front() else { return false };
        datagram.extend_from_slice(&packet);
        true
    }

    fn is_ready(&self) -> bool {
        self.socket.state() == SocketState::Connected
    }

    fn fill(&mut self, now: Instant) {
        self.advance(now);
        while self.socket.buffered_amount(StreamId(0)) + MESSAGE <= SEND_BUFFER {
            let message = Message::new(StreamId(0), PpId(53), vec![7; MESSAGE]);
            if self.socket.send(message, &SendOptions::default()).is_err() {
                break;
            }
        }
    }

    fn take(&mut self, _: Instant) -> u64 {
        let mut taken = 0;
        while let Some(message) = self.socket.get_next_message() {
            taken += message.payload.len() as u64;
        }
        taken
    }
}
