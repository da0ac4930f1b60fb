//! dcsctp, Google's, in Rust; see `dcsctp-quiet` for what is left out of it.

use super::{End, PACKET, WINDOW};
use dcsctp_quiet::api::{
    DcSctpSocket, Message, Options, PpId, SendOptions, SocketEvent, SocketState, SocketTime, StreamId,
    ZeroChecksumAlternateErrorDetectionMethod,
};
use dcsctp_quiet::new_socket;
use std::collections::VecDeque;
use std::time::Duration;

/// One end. With `ZERO` checksums are zero, as they are over DTLS.
pub struct Dcsctp<const ZERO: bool> {
    socket: Box<dyn DcSctpSocket>,
    leaving: VecDeque<Vec<u8>>,
}

impl<const ZERO: bool> Dcsctp<ZERO> {
    fn new() -> Self {
        let options = Options {
            mtu: PACKET,
            max_receiver_window_buffer_size: WINDOW,
            max_send_buffer_size: WINDOW,
            per_stream_send_queue_limit: WINDOW,
            // DTLS is method 1 (RFC 9653), none is 0.
            zero_checksum_alternate_error_detection_method: ZeroChecksumAlternateErrorDetectionMethod(
                ZERO.into(),
            ),
            ..Options::default()
        };
        Self { socket: new_socket("bench", &options), leaving: VecDeque::new() }
    }

    fn collect(&mut self) {
        while let Some(event) = self.socket.poll_event() {
            if let SocketEvent::SendPacket(packet) = event {
                self.leaving.push_back(packet);
            }
        }
    }
}

fn at(now: Duration) -> SocketTime {
    SocketTime::zero() + now
}

impl<const ZERO: bool> End for Dcsctp<ZERO> {
    type Packets = VecDeque<Vec<u8>>;

    fn pair() -> [Self; 2] {
        let mut ends = [Self::new(), Self::new()];
        ends[0].socket.connect();
        ends
    }

    fn is_ready(&mut self) -> bool {
        self.socket.state() == SocketState::Connected
    }

    fn send(&mut self, now: Duration, channel: u16, message: &[u8]) -> bool {
        self.socket.advance_time(at(now));
        let message = Message::new(StreamId(channel), PpId(53), message.to_vec());
        self.socket.send(message, &SendOptions::default()).is_ok()
    }

    fn transmit(&mut self, _: Duration, packets: &mut Self::Packets) {
        self.collect();
        packets.append(&mut self.leaving);
    }

    fn receive(&mut self, now: Duration, packets: &mut Self::Packets) {
        self.socket.advance_time(at(now));
        if let Some(packet) = packets.pop_front() {
            self.socket.handle_input(&packet);
        }
    }

    fn messages(&mut self) -> u64 {
        std::iter::from_fn(|| self.socket.get_next_message()).count() as u64
    }

    fn deadline(&self) -> Option<Duration> {
        let at = self.socket.poll_timeout();
        (at != SocketTime::infinite_future()).then(|| at - SocketTime::zero())
    }

    fn timeout(&mut self, now: Duration) {
        self.socket.advance_time(at(now));
    }
}
