//! rtc-sctp, of webrtc-rs.

use super::{End, PACKET, WINDOW};
use bytes::Bytes;
use rtc_sctp::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier, ServerConfig, StreamEvent, TransportConfig, max_payload_size_for_mtu,
};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One end.
pub struct RtcSctp {
    endpoint: Endpoint,
    association: Option<(AssociationHandle, Association)>,
    connected: bool,
    epoch: Instant,
    buffer: Vec<u8>,
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], port))
}

impl RtcSctp {
    fn at(&self, now: Duration) -> Instant {
        self.epoch + now
    }

    fn read(association: &mut Association, id: u16, buffer: &mut [u8]) -> u64 {
        let mut count = 0;
        if let Ok(mut stream) = association.stream(id) {
            while let Ok(Some(chunks)) = stream.read_sctp() {
                chunks.read(buffer).expect("room for any message");
                count += 1;
            }
        }
        count
    }
}

impl End for RtcSctp {
    type Packets = VecDeque<Bytes>;

    fn pair() -> [Self; 2] {
        let epoch = Instant::now();
        let transport = TransportConfig::default().with_max_receive_buffer_size(WINDOW as u32);
        let end = |server: Option<ServerConfig>| {
            let mut config = EndpointConfig::default();
            config.max_payload_size(max_payload_size_for_mtu(PACKET as u32));
            let endpoint =
                Endpoint::new(address(1), Default::default(), Arc::new(config), server.map(Arc::new));
            Self { endpoint, association: None, connected: false, epoch, buffer: vec![0; 1 << 20] }
        };
        let mut ends = [end(None), end(Some(ServerConfig::new(transport.clone())))];
        let connected = ends[0].endpoint.connect(epoch, ClientConfig::new(transport), address(2));
        ends[0].association = Some(connected.expect("the first"));
        ends
    }

    fn is_ready(&mut self) -> bool {
        self.connected
    }

    fn send(&mut self, now: Duration, channel: u16, message: &[u8]) -> bool {
        let (now, message) = (self.at(now), Bytes::copy_from_slice(message));
        let Some((_, association)) = &mut self.association else { return false };
        if association.stream(channel).is_err() {
            association.open_stream(channel, PayloadProtocolIdentifier::Binary).expect("a new stream");
        }
        let Ok(mut stream) = association.stream(channel) else { return false };
        stream.write_sctp(now, &message, PayloadProtocolIdentifier::Binary).is_ok()
    }

    fn transmit(&mut self, now: Duration, packets: &mut Self::Packets) {
        let now = self.at(now);
        let Some((_, association)) = &mut self.association else { return };
        while let Some(transmit) = association.poll_transmit(now) {
            if let Payload::RawEncode(contents) = transmit.message {
                packets.extend(contents);
            }
        }
    }

    fn receive(&mut self, now: Duration, packets: &mut Self::Packets) {
        let (now, Some(packet)) = (self.at(now), packets.pop_front()) else { return };
        let Some((handle, event)) = self.endpoint.handle(now, address(2), None, packet) else { return };
        match (event, &mut self.association) {
            (DatagramEvent::NewAssociation(association), _) => self.association = Some((handle, association)),
            (DatagramEvent::AssociationEvent(event), Some((_, association))) => {
                association.handle_event(event)
            }
            _ => {}
        }
    }

    fn messages(&mut self) -> u64 {
        let Some((_, association)) = &mut self.association else { return 0 };
        let mut count = 0;
        while let Some(event) = association.poll() {
            match event {
                Event::Connected => self.connected = true,
                Event::Stream(StreamEvent::Opened { .. }) => while association.accept_stream().is_some() {},
                Event::Stream(StreamEvent::Readable { id }) => {
                    count += Self::read(association, id, &mut self.buffer);
                }
                _ => {}
            }
        }
        count
    }

    fn deadline(&self) -> Option<Duration> {
        let (_, association) = self.association.as_ref()?;
        association.poll_timeout().map(|at| at - self.epoch)
    }

    fn timeout(&mut self, now: Duration) {
        let now = self.at(now);
        if let Some((_, association)) = &mut self.association {
            association.handle_timeout(now);
        }
    }
}
