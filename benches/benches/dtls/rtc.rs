//! rtc-dtls 0.21 on ring, DTLS 1.2 only.

use super::{Pair, Stack};
use bytes::BytesMut;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, ExtendedMasterSecretType, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_shared::TransportProtocol;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

struct Rtc {
    client: Endpoint,
    server: Endpoint,
    addresses: [SocketAddr; 2],
    now: Instant,
}

pub(crate) fn stack() -> Stack {
    let configs = [config(true), config(false)];
    Stack::new("rtc-ring", move || connect(&configs))
}

fn config(is_client: bool) -> Arc<HandshakeConfig> {
    let provider = rtc_crypto::default_provider().expect("ring");
    let certificate =
        Certificate::generate_self_signed(vec!["peer".to_owned()], provider.crypto()).expect("a key");
    let builder = ConfigBuilder::default()
        .with_crypto_provider(provider)
        .with_certificates(vec![certificate])
        .with_insecure_skip_verify(true)
        .with_extended_master_secret(ExtendedMasterSecretType::Require)
        .with_client_auth(ClientAuthType::RequireAnyClientCert);
    Arc::new(builder.build(is_client, None).expect("valid"))
}

fn connect([client, server]: &[Arc<HandshakeConfig>; 2]) -> (Box<dyn Pair>, usize) {
    let addresses: [SocketAddr; 2] = [([127, 0, 0, 1], 1000).into(), ([127, 0, 0, 1], 1001).into()];
    let mut pair = Rtc {
        client: Endpoint::new(addresses[0], TransportProtocol::UDP, None),
        server: Endpoint::new(addresses[1], TransportProtocol::UDP, Some(server.clone())),
        addresses,
        now: Instant::now(),
    };
    pair.client.connect(pair.now, addresses[1], client.clone(), None).expect("a free address");
    let (mut datagrams, mut complete) = (0, 0);
    while complete < 2 {
        datagrams += pair.flow(true, &mut |event| {
            complete += usize::from(matches!(event, EndpointEvent::HandshakeComplete))
        });
        datagrams += pair.flow(false, &mut |event| {
            complete += usize::from(matches!(event, EndpointEvent::HandshakeComplete))
        });
    }
    (Box::new(pair), datagrams)
}

impl Rtc {
    fn flow(&mut self, from_client: bool, on_event: &mut dyn FnMut(EndpointEvent)) -> usize {
        let (from, to, address) = if from_client {
            (&mut self.client, &mut self.server, self.addresses[0])
        } else {
            (&mut self.server, &mut self.client, self.addresses[1])
        };
        let mut datagrams = 0;
        while let Some(transmit) = from.poll_transmit() {
            datagrams += 1;
            let events = to.read(self.now, address, None, transmit.message).expect("of the peer");
            events.into_iter().for_each(&mut *on_event);
        }
        datagrams
    }
}

impl Pair for Rtc {
    fn carry(&mut self, payload: &[u8]) -> usize {
        let mut len = 0;
        self.client.write(self.now, self.addresses[1], payload).expect("connected");
        self.flow(true, &mut |event| {
            if let EndpointEvent::ApplicationData(data) = event {
                let data: BytesMut = data;
                len += data.len();
            }
        });
        len
    }
}
