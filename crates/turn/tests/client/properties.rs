//! The properties every machine promises (P1 to P10), on a client against the model server.

use crate::server::{Behaviour, ServerMachine, client_path, rewrite};
use sendrecv_core::{Instant, Machine, PacketBuf, Protocol, Seed, Transmit, Writer};
use sendrecv_crypto::rustcrypto;
use sendrecv_sim::conformance::{Driver, Scenario, Side, check};
use sendrecv_sim::{Chance, for_each_seed};
use sendrecv_stun::Credentials;
use sendrecv_turn::{Event, TurnClient, TurnConfig, UsageError};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

// There are two of them in a test: size does not matter.
#[allow(clippy::large_enum_variant)]
enum End {
    Client(TurnClient),
    Server(ServerMachine),
}

impl Machine for End {
    type Event = Event;

    fn handle_timeout(&mut self, now: Instant) {
        match self {
            Self::Client(client) => client.handle_timeout(now),
            Self::Server(server) => server.handle_timeout(now),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match self {
            Self::Client(client) => client.poll_timeout(),
            Self::Server(server) => server.poll_timeout(),
        }
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        match self {
            Self::Client(client) => client.poll_transmit(now, out),
            Self::Server(server) => server.poll_transmit(now, out),
        }
    }

    fn poll_event(&mut self) -> Option<Event> {
        match self {
            Self::Client(client) => client.poll_event(),
            Self::Server(_) => None,
        }
    }
}

struct TurnDriver {
    behaviour: Behaviour,
}

fn peer(choice: u64) -> SocketAddr {
    SocketAddr::new(IpAddr::from([198, 51, 100, (choice >> 8) as u8 % 8]), 5000 + (choice >> 16) as u16 % 4)
}

impl Driver for TurnDriver {
    type Machine = End;

    const MAX_PUSHES: usize = 10_000;

    fn create(&self, side: Side, seed: &Seed, now: Instant) -> End {
        match side {
            Side::Left => {
                let credentials = Credentials::new("user", "secret");
                let config = TurnConfig::new(client_path(Protocol::Udp), credentials, rustcrypto());
                End::Client(TurnClient::new(config, seed, now))
            }
            Side::Right => End::Server(ServerMachine::new(self.behaviour.clone(), seed, now)),
        }
    }

    fn handle_datagram(&self, _: Side, machine: &mut End, now: Instant, data: &mut [u8]) -> bool {
        match machine {
            End::Client(client) => client.handle_datagram(now, client_path(Protocol::Udp), data).is_ok(),
            End::Server(server) => server.handle_datagram(now, data),
        }
    }

    fn operate(&self, _: Side, machine: &mut End, now: Instant, choice: u64) {
        match machine {
            End::Client(client) => match choice % 8 {
                0..=2 => drop(client.permit(now, peer(choice).ip())),
                3 => client.revoke(now, peer(choice).ip()),
                4 => drop(client.bind_channel(now, peer(choice))),
                5 => drop(client.set_credentials(now, Credentials::new("user", "secret"))),
                _ => {
                    let mut slab = [0; 128];
                    let mut packet = PacketBuf::new(&mut slab, sendrecv_turn::HEADROOM, 3);
                    packet.put(b"operation").unwrap();
                    let _ = client.wrap(now, peer(choice), &mut packet);
                }
            },
            End::Server(server) => server.relay_something(now, peer(choice)),
        }
    }

    fn state(&self, machine: &End) -> String {
        match machine {
            End::Client(client) => format!("{client:?}"),
            End::Server(server) => server.state(),
        }
    }

    fn close(&self, machine: &mut End, now: Instant) {
        match machine {
            End::Client(client) => client.release(now),
            End::Server(_) => (),
        }
    }

    fn is_closed(&self, machine: &End) -> bool {
        match machine {
            End::Client(client) => client.is_closed(),
            End::Server(_) => true,
        }
    }

    fn rewrite(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        rewrite(datagram)
    }

    fn push(&self, machine: &mut End, now: Instant, queue: usize) -> Option<bool> {
        let (End::Client(client), 0) = (machine, queue) else { return None };
        let another = IpAddr::from(NEXT_PEER.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Some(client.permit(now, another) != Err(UsageError::TooManyPermissions))
    }
}

/// The queue of permissions takes each peer once only.
static NEXT_PEER: AtomicU32 = AtomicU32::new(0x0a00_0001);

fn check_all(behaviour: &Behaviour, duration: Duration) {
    let driver = TurnDriver { behaviour: behaviour.clone() };
    for_each_seed(12, 500, |seed| {
        check(&driver, seed, Scenario { duration, ..Scenario::default() });
    });
}

#[test]
fn a_client_of_an_old_server_keeps_its_promises() {
    check_all(&Behaviour::default(), Duration::from_secs(40));
}

#[test]
fn a_client_of_a_modern_server_keeps_its_promises() {
    check_all(&Behaviour { modern: true, ..Behaviour::default() }, Duration::from_secs(40));
}

#[test]
fn an_hour_with_short_nonces_keeps_its_promises() {
    let behaviour = Behaviour { nonce_lifetime: Duration::from_secs(50), ..Behaviour::default() };
    check_all(&behaviour, Duration::from_secs(3600));
}

#[test]
fn heavy_loss_keeps_its_promises() {
    let driver = TurnDriver { behaviour: Behaviour::default() };
    let scenario =
        Scenario { duration: Duration::from_secs(300), trouble: Chance::percent(30), ..Scenario::default() };
    for_each_seed(6, 200, |seed| check(&driver, seed, scenario));
}
