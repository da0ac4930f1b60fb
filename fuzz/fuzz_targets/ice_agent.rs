//! An ICE agent driven by a list of operations; peers, servers and the host are played by the fuzzer.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sendrecv_core::{Instant, Machine, PacketBuf, Path, Protocol, Seed, Writer};
use sendrecv_ice::{
    Candidate, Config, Event, IceAgent, IceParameters, IceServer, LocalSocket, NameId, Role, StreamId,
    Unreachable,
};
use sendrecv_stun::attribute::AttributeType;
use sendrecv_stun::{Class, Message, MessageBuilder};
use std::net::{IpAddr, SocketAddr};

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
    /// The agent's own last request is answered from where it went to.
    Answer {
        error: bool,
        attributes: Vec<(u16, Vec<u8>)>,
    },
    Unreachable(u8, u8),
    /// The host resolves the name that was asked for last.
    Resolve([u8; 16], bool),
    /// A stream that was asked for opens, or does not.
    Stream(u8, bool),
    Wait(u16),
    Socket(u8, bool),
    Ipv6Socket,
    TcpSocket(bool),
    Candidate(u8, u32),
    Line(String),
    Parameters(bool),
    End,
    Gather,
    StunServer(bool),
    TurnServer(bool),
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

/// What the agent said last.
#[derive(Default)]
struct Last {
    packet: Vec<u8>,
    path: Option<Path>,
    name: Option<NameId>,
    streams: Vec<StreamId>,
}

fuzz_target!(|input: (bool, bool, Vec<Operation>)| {
    let (lite, renomination, operations) = input;
    let mut now = Instant::ZERO;
    let config = Config { lite, renomination, piggyback: Some(1200), ..Config::default() };
    let mut agent = IceAgent::new(config, &Seed::from_u64(1), now);
    let mut last = Last::default();
    for operation in operations.into_iter().take(200) {
        perform(&mut agent, &mut now, operation, &mut last);
        drain(&mut agent, now, &mut last);
    }
});

fn perform(agent: &mut IceAgent, now: &mut Instant, operation: Operation, last: &mut Last) {
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
            if let (true, Some(class)) = (answer, last.packet.first_mut()) {
                *class = 1;
            }
            let _ = agent.handle_datagram(at, Path::udp(socket(0), remote(from)), &mut last.packet);
        }
        Operation::Answer { error, attributes } => {
            if let (Some(path), Some(mut answer)) = (last.path, answer(&last.packet, error, &attributes)) {
                let _ = agent.handle_datagram(at, path, &mut answer);
            }
        }
        Operation::Unreachable(to, reason) => {
            let reasons = [Unreachable::NoRoute, Unreachable::Refused, Unreachable::Soft];
            let path = if to == 0 { last.path } else { Some(Path::udp(socket(to), remote(to))) };
            if let Some(path) = path {
                let _ = agent.handle_unreachable(at, path, reasons[usize::from(reason % 3)]);
            }
        }
        Operation::Resolve(ip, v6) => {
            let [a, b, c, d, ..] = ip;
            let ip = if v6 { IpAddr::from(ip) } else { IpAddr::from([a, b, c, d]) };
            if let Some(name) = last.name.take() {
                let _ = agent.name_resolved(at, name, &[ip]);
            }
        }
        Operation::Stream(port, opens) => {
            if let Some(id) = last.streams.pop() {
                let local = SocketAddr::new(socket(0).ip(), 40_000 + u16::from(port));
                let _ = if opens { agent.stream_opened(at, id, local) } else { agent.stream_failed(at, id) };
            }
        }
        Operation::Wait(millis) => {
            *now += std::time::Duration::from_millis(millis.into());
            agent.handle_timeout(*now);
        }
        Operation::Socket(number, true) => drop(agent.add_socket(at, LocalSocket::udp(socket(number)))),
        Operation::Ipv6Socket => {
            let _ = agent.add_socket(at, LocalSocket::udp("[2001:db8::1]:5000".parse().unwrap()));
        }
        Operation::TcpSocket(active) => {
            let ip = socket(0).ip();
            let passive = LocalSocket::tcp_passive(SocketAddr::new(ip, 443));
            let _ = agent.add_socket(at, if active { LocalSocket::tcp_active(ip) } else { passive });
        }
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
            let mut parameters = IceParameters::new("peer", "0123456789012345678901");
            (parameters.lite, parameters.options) = (lite, vec!["sped".to_owned()]);
            let _ = agent.set_remote_parameters(at, parameters);
        }
        Operation::End => drop(agent.end_of_remote_candidates(at)),
        Operation::Gather => drop(agent.gather(at)),
        Operation::StunServer(named) => {
            let url = if named { "stun:stun.example" } else { "stun:10.0.1.2:6000" };
            let _ = agent.add_ice_server(at, IceServer::stun(url.parse().unwrap()));
        }
        Operation::TurnServer(stream) => {
            let url = if stream { "turns:10.0.1.1:6000" } else { "turn:10.0.1.1:6000" };
            let _ = agent.add_ice_server(at, IceServer::turn(url.parse().unwrap(), "user", "secret"));
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
            agent.confirm_packet(packet.bytes());
            agent.board(vec![packet.bytes().to_vec(); 3]);
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

/// An answer to `request` with these attributes, and an integrity that fuzzing does not check.
fn answer(request: &[u8], error: bool, attributes: &[(u16, Vec<u8>)]) -> Option<Vec<u8>> {
    let request = Message::parse(request).ok()?;
    let (class, mut bytes) = (if error { Class::Error } else { Class::Success }, Vec::new());
    let mut message =
        MessageBuilder::new(&mut bytes, class, request.method(), request.transaction_id()).ok()?;
    for (kind, value) in attributes.iter().take(10) {
        message.raw(AttributeType(*kind), value).ok()?;
    }
    message.raw(AttributeType::MESSAGE_INTEGRITY, &[0; 20]).ok()?;
    Some(bytes)
}

fn listen(agent: &mut IceAgent, last: &mut Last) {
    while let Some(event) = agent.poll_event() {
        match event {
            Event::ResolveName { id, .. } => last.name = Some(id),
            Event::OpenStream(open) => last.streams.push(open.id),
            _ => {}
        }
    }
}

fn drain(agent: &mut IceAgent, now: Instant, last: &mut Last) {
    listen(agent, last);
    let mut slab = [0; 1500];
    for polls in 0.. {
        assert!(polls < 10_000, "polling does not end");
        let mut packet = PacketBuf::new(&mut slab, 48, 0);
        let Some(transmit) = agent.poll_transmit(now, &mut packet) else { break };
        (last.packet, last.path) = (packet.bytes().to_vec(), transmit.path);
    }
    listen(agent, last);
    assert!(agent.poll_timeout().is_none_or(|deadline| deadline > now), "P2");
    assert!(agent.candidate_pairs().len() <= 101);
}
