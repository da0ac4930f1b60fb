#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sendrecv_core::{Instant, Machine, PacketBuf, Path, Protocol, Seed, Writer};
use sendrecv_ice::{Candidate, Config, IceAgent, IceParameters, IceServer, LocalSocket, Role};
use std::net::SocketAddr;

#[derive(Arbitrary, Debug)]
enum Operation {
    Datagram {
        local: u8,
        remote: u8,
        data: Vec<u8>,
    },
    /// A STUN message with a header that fits, for our ufrag.
    Check {
        local: u8,
        remote: u8,
        attributes: Vec<u8>,
    },
    /// The agent's own last packet comes back from elsewhere.
    Reflect {
        remote: u8,
        answer: bool,
    },
    Wait(u16),
    Socket(u8, bool),
    Candidate(u8, u32),
    Line(String),
    Parameters(bool),
    End,
    Gather,
    Server,
    Restart,
    Role(bool),
    Send(u8),
    Close,
}

fn socket(number: u8) -> SocketAddr {
    SocketAddr::new([10, 0, 0, number % 4].into(), 5000)
}

fn remote(number: u8) -> SocketAddr {
    SocketAddr::new([10, 0, 1, number % 16].into(), 6000)
}

fuzz_target!(|input: (bool, bool, Vec<Operation>)| {
    let (lite, renomination, operations) = input;
    let mut now = Instant::ZERO;
    let config = Config { lite, renomination, ..Config::default() };
    let mut agent = IceAgent::new(config, &Seed::from_u64(1), now);
    let mut last = Vec::new();
    for operation in operations.into_iter().take(200) {
        perform(&mut agent, &mut now, operation, &mut last);
        drain(&mut agent, now, &mut last);
    }
});

fn perform(agent: &mut IceAgent, now: &mut Instant, operation: Operation, last: &mut Vec<u8>) {
    let at = *now;
    match operation {
        Operation::Datagram { local, remote: from, mut data } => {
            let _ = agent.handle_datagram(at, Path::udp(socket(local), remote(from)), &mut data);
        }
        Operation::Check { local, remote: from, attributes } => {
            let mut data = check(agent, &attributes);
            let _ = agent.handle_datagram(at, Path::udp(socket(local), remote(from)), &mut data);
        }
        Operation::Reflect { remote: from, answer } => {
            if let (true, Some(class)) = (answer, last.first_mut()) {
                *class = 1;
            }
            let _ = agent.handle_datagram(at, Path::udp(socket(0), remote(from)), last);
        }
        Operation::Wait(millis) => {
            *now += std::time::Duration::from_millis(millis.into());
            agent.handle_timeout(*now);
        }
        Operation::Socket(number, true) => drop(agent.add_socket(at, LocalSocket::udp(socket(number)))),
        Operation::Socket(number, false) => drop(agent.remove_socket(at, Protocol::Udp, socket(number))),
        Operation::Candidate(number, priority) => {
            let candidate = Candidate { priority, ..Candidate::host(remote(number)) };
            let _ = agent.add_remote_candidate(at, candidate);
        }
        Operation::Line(line) => {
            if let Ok(candidate) = line.parse() {
                let _ = agent.add_remote_candidate(at, candidate);
            }
        }
        Operation::Parameters(lite) => {
            let parameters = IceParameters { lite, ..IceParameters::new("peer", "0123456789012345678901") };
            let _ = agent.set_remote_parameters(at, parameters);
        }
        Operation::End => drop(agent.end_of_remote_candidates(at)),
        Operation::Gather => drop(agent.gather(at)),
        Operation::Server => {
            if let Ok(url) = "turn:10.0.1.1:6000".parse() {
                let _ = agent.add_ice_server(at, IceServer::turn(url, "user", "secret"));
            }
        }
        Operation::Restart => drop(agent.restart(at).map(|_| ())),
        Operation::Role(controlling) => {
            let _ = agent.set_role(at, if controlling { Role::Controlling } else { Role::Controlled });
        }
        Operation::Send(length) => {
            let mut slab = [0; 512];
            let mut packet = PacketBuf::new(&mut slab, 48, 3);
            let _ = packet.put(&[0x80; 255][..length.into()]);
            let _ = agent.send_data(at, &mut packet);
        }
        Operation::Close => agent.close(at),
    }
}

/// USERNAME, a zero MESSAGE-INTEGRITY (any passes when fuzzing), and whatever the fuzzer puts between them.
fn check(agent: &IceAgent, attributes: &[u8]) -> Vec<u8> {
    let username = format!("{}:peer", agent.local_parameters().ufrag);
    let mut body = vec![0, 6, 0, username.len() as u8];
    body.extend(username.as_bytes());
    body.resize(body.len().next_multiple_of(4), 0);
    body.extend(&attributes[..attributes.len().min(200) / 4 * 4]);
    body.extend([0, 8, 0, 20]);
    body.extend([0; 20]);
    let mut message = vec![0, 1];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend([0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    message.extend(body);
    message
}

fn drain(agent: &mut IceAgent, now: Instant, last: &mut Vec<u8>) {
    while agent.poll_event().is_some() {}
    let mut slab = [0; 1500];
    for polls in 0.. {
        assert!(polls < 10_000, "polling does not end");
        let mut packet = PacketBuf::new(&mut slab, 48, 0);
        if agent.poll_transmit(now, &mut packet).is_none() {
            break;
        }
        *last = packet.bytes().to_vec();
    }
    while agent.poll_event().is_some() {}
    assert!(agent.poll_timeout().is_none_or(|deadline| deadline > now), "P2");
    assert!(agent.candidate_pairs().len() <= 101);
}
