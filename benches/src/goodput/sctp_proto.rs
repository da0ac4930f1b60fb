//! sctp-proto, the SCTP of str0m.

use super::network::End;
use super::ours::OVERHEAD;
use super::{MESSAGE, SEND_BUFFER, SystemTime};
use bytes::Bytes;
use sctp_proto::{
    Association, ClientConfig, DatagramEvent, Endpoint, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier, ServerConfig, StreamEvent, TransportConfig,
};
use sendrecv_core::Instant;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

const REMOTE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5000);

/// An endpoint with its one association.
pub struct SctpProto {
    endpoint: Endpoint,
    association: Option<Association>,
    time: SystemTime,
    packets: VecDeque<Bytes>,
    message: Bytes,
    connected: bool,
    opened: bool,
    readable: bool,
}

impl SctpProto {
    /// Two that connect to each other, with this receive buffer.
    pub fn pair(receive_buffer: u32, now: Instant) -> [Box<dyn End>; 2] {
        [true, false].map(|is_client| -> Box<dyn End> {
            let transport = Arc::new(
                TransportConfig::default()
                    .with_max_receive_buffer_size(receive_buffer)
                    .with_max_receive_message_size(MESSAGE as u32)
                    .with_max_init_retransmits(None),
            );
            let mut config = EndpointConfig::new();
            config.max_payload_size(1200 - 28);
            let mut server = ServerConfig::new();
            server.transport = Arc::clone(&transport);
            let mut endpoint = Endpoint::new(Arc::new(config), (!is_client).then(|| Arc::new(server)));
            let association = is_client.then(|| {
                let mut client = ClientConfig::new();
                client.transport = transport;
                endpoint.connect(client, REMOTE).expect("a free association").1
            });
            Box::new(Self {
                endpoint,
                association,
                time: SystemTime::starting(now),
                packets: VecDeque::new(),
                message: Bytes::from(vec![7; MESSAGE]),
                connected: false,
                opened: false,
                readable: false,
            })
        })
    }

    fn drain_events(&mut self) {
        let Some(association) = &mut self.association else { return };
        while let Some(event) = association.poll() {
            match event {
                Event::Connected => self.connected = true,
                Event::Stream(StreamEvent::Readable { .. }) => self.readable = true,
                _ => {}
            }
        }
        while association.poll_endpoint_event().is_some() {}
    }
}

impl End for SctpProto {
    fn overhead(&self) -> usize {
        OVERHEAD
    }

    fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        let data = Bytes::copy_from_slice(datagram);
        match self.endpoint.handle(self.time.of(now), REMOTE, None, None, data) {
            Some((_, DatagramEvent::NewAssociation(association))) => self.association = Some(association),
            Some((_, DatagramEvent::AssociationEvent(event))) => {
                if let Some(association) = &mut self.association {
                    association.handle_event(event);
                }
            }
            None => {}
        }
        self.drain_events();
    }

    fn handle_timeout(&mut self, now: Instant) {
        let at = self.time.of(now);
        if let Some(association) = &mut self.association {
            association.handle_timeout(at);
        }
        self.drain_events();
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.association.as_ref()?.poll_timeout().map(|at| self.time.back(at))
    }

    fn poll_transmit(&mut self, now: Instant, datagram: &mut Vec<u8>) -> bool {
        let at = self.time.of(now);
        if self.packets.is_empty()
            && let Some(association) = &mut self.association
            && let Some(transmit) = association.poll_transmit(at)
            && let Payload::RawEncode(packets) = transmit.payload
        {
            self.packets.extend(packets);
        }
        let Some(packet) = self.packets.pop_front() else { return false };
        datagram.extend_from_slice(&packet);
        true
    }

    fn is_ready(&self) -> bool {
        self.connected
    }

    fn fill(&mut self, _: Instant) {
        let Some(association) = &mut self.association else { return };
        if !self.opened {
            self.opened = association.open_stream(0, PayloadProtocolIdentifier::Binary).is_ok();
        }
        let Ok(mut stream) = association.stream(0) else { return };
        while stream.buffered_amount().is_ok_and(|buffered| buffered + MESSAGE <= SEND_BUFFER) {
            if stream.write_sctp(&self.message, PayloadProtocolIdentifier::Binary).is_err() {
                break;
            }
        }
    }

    fn take(&mut self, _: Instant) -> u64 {
        if !std::mem::take(&mut self.readable) {
            return 0;
        }
        let Some(association) = &mut self.association else { return 0 };
        let Ok(mut stream) = association.stream(0) else { return 0 };
        let mut taken = 0;
        while let Ok(Some(message)) = stream.read() {
            taken += message.len() as u64;
        }
        taken
    }
}
