//! Packets in a stream: framing, encryption, and what waits to be written. The socket is elsewhere.

use crate::tls::Session;
use sendrecv_ice::Framing;
use sendrecv_ice::framing::Rfc4571Reader;
use sendrecv_turn::StreamFraming;
use std::io;

/// What may wait to be written before further packets are dropped, as a full link does.
const MAX_WAITING: usize = 256 << 10;

/// Both directions of a stream.
pub(crate) struct Channel {
    framing: Framing,
    deframer: Deframer,
    session: Option<Session>,
    /// Bytes for the socket, of which the first `written` are done with.
    out: Vec<u8>,
    written: usize,
}

enum Deframer {
    Rfc4571(Rfc4571Reader),
    Turn(StreamFraming),
}

impl Channel {
    /// A channel with this framing, over TLS if there is a session for it.
    pub(crate) fn new(framing: Framing, session: Option<Session>) -> Self {
        let deframer = match framing {
            Framing::Rfc4571 => Deframer::Rfc4571(Rfc4571Reader::new()),
            Framing::Turn => Deframer::Turn(StreamFraming::default()),
        };
        let mut channel = Self { framing, deframer, session, out: Vec::new(), written: 0 };
        channel.drain();
        channel
    }

    /// Whether packets have to wait for the TLS handshake.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_handshaking)
    }

    /// Queues one packet; when too much is waiting, the packet is lost.
    pub(crate) fn put(&mut self, packet: &[u8]) -> io::Result<()> {
        let length = u16::try_from(packet.len()).ok().filter(|_| self.waiting().len() < MAX_WAITING);
        let Some(length) = length else { return Ok(()) };
        if self.framing == Framing::Rfc4571 {
            self.write(&length.to_be_bytes())?;
        }
        self.write(packet)?;
        self.drain();
        Ok(())
    }

    /// Queues what ends the session.
    pub(crate) fn end(&mut self) {
        if let Some(session) = &mut self.session {
            session.end();
        }
        self.drain();
    }

    /// What is to be written next.
    pub(crate) fn waiting(&self) -> &[u8] {
        self.out.get(self.written..).unwrap_or_default()
    }

    /// The first `count` of the waiting bytes were written.
    pub(crate) fn wrote(&mut self, count: usize) {
        self.written = self.written.saturating_add(count);
        if self.waiting().is_empty() {
            self.out.clear();
            self.written = 0;
        } else if self.written > MAX_WAITING {
            self.out.drain(..self.written);
            self.written = 0;
        }
    }

    /// Takes in bytes from the socket and gives whole packets to `give`; `false` when the session has ended.
    pub(crate) fn take(&mut self, bytes: &[u8], mut give: impl FnMut(&mut [u8])) -> io::Result<bool> {
        let Some(session) = &mut self.session else {
            self.deframer.take(bytes, &mut give)?;
            return Ok(true);
        };
        let mut content = Vec::new();
        let outcome = session.open(bytes, &mut content);
        // After an error too: the server is told which.
        self.drain();
        self.deframer.take(&content, &mut give)?;
        outcome
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.session {
            Some(session) => session.seal(bytes),
            None => {
                self.out.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn drain(&mut self) {
        if let Some(session) = &mut self.session {
            session.drain(&mut self.out);
        }
    }
}

impl Deframer {
    /// An error when the stream makes no sense any more.
    fn take(&mut self, mut bytes: &[u8], give: &mut impl FnMut(&mut [u8])) -> io::Result<()> {
        match self {
            Self::Rfc4571(reader) => {
                reader.push(bytes);
                while let Some(packet) = reader.next() {
                    give(packet);
                }
            }
            Self::Turn(framing) => {
                while !bytes.is_empty() {
                    let taken = framing.push(bytes);
                    bytes = bytes.get(taken..).unwrap_or_default();
                    while let Some(frame) =
                        framing.next_frame().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?
                    {
                        give(frame);
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(channel: &mut Channel, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        assert!(channel.take(bytes, |packet| packets.push(packet.to_vec())).unwrap());
        packets
    }

    #[test]
    fn packets_survive_any_cut_of_the_stream() {
        let sent: Vec<Vec<u8>> = [1, 500, 65_535, 7].map(|length| vec![7; length]).to_vec();
        let mut sender = Channel::new(Framing::Rfc4571, None);
        for packet in &sent {
            sender.put(packet).unwrap();
        }
        for cut in [1, 2, 3, 1_000, 100_000] {
            let mut receiver = Channel::new(Framing::Rfc4571, None);
            let pieces = sender.waiting().chunks(cut);
            let received: Vec<_> = pieces.flat_map(|piece| packets(&mut receiver, piece)).collect();
            assert!(received == sent, "cut every {cut} bytes");
        }
    }

    #[test]
    fn what_waits_is_bounded_and_whole_packets_are_lost() {
        let mut channel = Channel::new(Framing::Rfc4571, None);
        for _ in 0..1_000 {
            channel.put(&[7; 1_000]).unwrap();
        }
        let waiting = channel.waiting().to_vec();
        assert!((MAX_WAITING..MAX_WAITING + 1_002).contains(&waiting.len()));
        assert_eq!(waiting.len() % 1_002, 0);
        channel.wrote(waiting.len());
        channel.put(&[8; 10]).unwrap();
        assert_eq!(channel.waiting().len(), 12);
    }

    #[test]
    fn a_stream_that_makes_no_sense_is_an_error() {
        let mut channel = Channel::new(Framing::Turn, None);
        let error = channel.take(&[0x80; 64], |_| {}).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
