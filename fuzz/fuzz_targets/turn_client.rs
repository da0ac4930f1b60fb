//! A TURN client driven by a list of operations, its server played by the fuzzer.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sendrecv_core::{Instant, Machine, PacketBuf, Path, Protocol, Seed, Writer};
use sendrecv_crypto::rustcrypto;
use sendrecv_stun::{Class, Credentials, Message, MessageBuilder, attribute::AttributeType};
use sendrecv_turn::{HEADROOM, TAILROOM, TurnClient, TurnConfig};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

#[derive(Arbitrary, Debug)]
enum Operation {
    Wait(u16),
    Permit(IpAddr),
    Revoke(IpAddr),
    Renew(SocketAddr),
    Bind(SocketAddr),
    Wrap(SocketAddr, Vec<u8>),
    Rotate(String, String),
    Datagram(Vec<u8>),
    /// Answers the last request with these attributes.
    Answer { error: bool, attributes: Vec<(u16, Vec<u8>)>, signed: bool },
    Release,
}

struct Session {
    client: TurnClient,
    now: Instant,
    last_request: Vec<u8>,
}

impl Session {
    fn drain(&mut self) {
        let mut slab = [0; 1500];
        let mut left = 10_000;
        while self.client.poll_event().is_some() {}
        loop {
            let mut packet = PacketBuf::new(&mut slab, 0, 0);
            if self.client.poll_transmit(self.now, &mut packet).is_none() {
                break;
            }
            self.last_request = packet.bytes().to_vec();
            left -= 1;
            assert!(left > 0, "polling does not end");
        }
        assert!(self.client.poll_timeout().is_none_or(|at| at > self.now), "P2");
    }

    fn feed(&mut self, bytes: &mut [u8]) {
        let path = self.client.server();
        let _ = self.client.handle_datagram(self.now, path, bytes);
    }

    fn answer(&mut self, error: bool, attributes: &[(u16, Vec<u8>)], signed: bool) {
        let Ok(request) = Message::parse(&self.last_request) else { return };
        let class = if error { Class::Error } else { Class::Success };
        let mut bytes = Vec::new();
        let Ok(mut builder) =
            MessageBuilder::new(&mut bytes, class, request.method(), request.transaction_id())
        else {
            return;
        };
        for (kind, value) in attributes {
            let _ = builder.raw(AttributeType(*kind), value);
        }
        if signed {
            let _ = builder.raw(AttributeType::MESSAGE_INTEGRITY, &[0; 20]);
        }
        self.feed(&mut bytes);
    }

    fn wrap(&mut self, peer: SocketAddr, data: &[u8]) {
        let mut slab = [0; 2048];
        let mut packet = PacketBuf::new(&mut slab, HEADROOM, TAILROOM);
        if packet.put(data).is_ok() && self.client.wrap(self.now, peer, &mut packet).is_ok() {
            assert!(packet.bytes().first() == Some(&0x40) || Message::parse(packet.bytes()).is_ok());
        }
    }

    fn apply(&mut self, operation: Operation) {
        let now = self.now;
        match operation {
            Operation::Wait(seconds) => {
                self.now += Duration::from_secs(seconds.into());
                self.client.handle_timeout(self.now);
            }
            Operation::Permit(peer) => drop(self.client.permit(now, peer)),
            Operation::Revoke(peer) => self.client.revoke(now, peer),
            Operation::Renew(peer) => self.client.renew(now, peer),
            Operation::Bind(peer) => drop(self.client.bind_channel(now, peer)),
            Operation::Wrap(peer, data) => self.wrap(peer, &data),
            Operation::Rotate(user, password) => {
                drop(self.client.set_credentials(now, Credentials::new(user, &password)));
            }
            Operation::Datagram(mut bytes) => self.feed(&mut bytes),
            Operation::Answer { error, attributes, signed } => self.answer(error, &attributes, signed),
            Operation::Release => self.client.release(now),
        }
        self.drain();
    }
}

fuzz_target!(|input: (bool, Vec<Operation>)| {
    let (udp, operations) = input;
    let protocol = if udp { Protocol::Udp } else { Protocol::Tcp };
    let (local, remote) = ("10.0.0.1:1".parse().unwrap(), "192.0.2.10:3478".parse().unwrap());
    let config =
        TurnConfig::new(Path { protocol, local, remote }, Credentials::new("user", "secret"), rustcrypto());
    let now = Instant::from_millis(1);
    let client = TurnClient::new(config, &Seed::from_u64(1), now);
    let mut session = Session { client, now, last_request: Vec::new() };
    session.drain();
    operations.into_iter().for_each(|operation| session.apply(operation));
});
