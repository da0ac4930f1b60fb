//! Puts another SCTP implementation to the test over UDP: one that opens an association at the same time as we do and
//! sends back every message.
//!
//! ```text
//! cargo run -p sendrecv-sctp --example echo_client -- 127.0.0.1:7001 127.0.0.1:7002 50
//! ```
//!
//! Stream by stream it sends messages ordered, unordered, with limited retransmissions and with a lifetime, then big ones;
//! resets a stream and uses it again; ends the association. The last argument is how many of a thousand packets are lost
//! on their way to the other side, and on their way back.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a host owns the clock, the threads and entropy"
)]

use bytes::Bytes;
use sendrecv_core::{Instant, Machine, PacketBuf, Rng, Seed};
use sendrecv_sctp::{Association, CloseReason, Config, Event, Message, SendOptions};
use std::collections::BTreeMap;
use std::error::Error;
use std::net::UdpSocket;
use std::time::{Duration, Instant as Clock};

/// Binary data of WebRTC.
const PPID: u32 = 53;
const SIZES: [usize; 8] = [1, 17, 100, 1100, 1200, 4096, 16384, 65536];
const PATIENCE: Duration = Duration::from_secs(30);

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// An association, its socket, the epoch of its time, and what came in.
struct Client {
    association: Association,
    socket: UdpSocket,
    epoch: Clock,
    rng: Rng,
    /// Of a thousand packets.
    loss: u32,
    events: Vec<Event>,
    echoes: BTreeMap<u16, Vec<Message>>,
}

impl Client {
    fn new(local: &str, remote: &str, loss: u32) -> Outcome<Self> {
        let socket = UdpSocket::bind(local)?;
        socket.connect(remote)?;
        socket.set_read_timeout(Some(Duration::from_millis(1)))?;
        let seed = Seed::from_u64(u64::from(std::process::id()));
        let config = Config { max_probe_size: 1400, ..Config::default() };
        let mut association = Association::new(config, &seed, Instant::ZERO);
        association.connect(Instant::ZERO)?;
        let (epoch, rng) = (Clock::now(), seed.derive("loss").rng());
        Ok(Self { association, socket, epoch, rng, loss, events: Vec::new(), echoes: BTreeMap::new() })
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    fn is_lost(&mut self) -> bool {
        self.rng.u32() % 1000 < self.loss
    }

    /// One turn of the loop: packets out, the packets that are there in (or a short wait for one), time, events.
    fn turn(&mut self) -> Outcome {
        let mut slab = [0; 2048];
        loop {
            let mut packet = PacketBuf::new(&mut slab, 0, 0);
            if self.association.poll_transmit(self.now(), &mut packet).is_none() {
                break;
            }
            if !self.is_lost() {
                // The other side may not be there yet, or no longer.
                let _ = self.socket.send(packet.bytes());
            }
        }
        self.socket.set_nonblocking(false)?;
        while let Ok(len) = self.socket.recv(&mut slab) {
            self.socket.set_nonblocking(true)?;
            if !self.is_lost() {
                let _ = self.association.handle_datagram(self.now(), slab.get(..len).unwrap_or_default());
            }
        }
        self.association.handle_timeout(self.now());
        while let Some(event) = self.association.poll_event() {
            match event {
                Event::Message(message) => self.echoes.entry(message.stream).or_default().push(message),
                event => self.events.push(event),
            }
        }
        Ok(())
    }

    /// Turns until `done`.
    fn until(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) -> Outcome {
        let limit = self.now() + PATIENCE;
        while !done(self) {
            if self.now() > limit {
                return Err(format!("{what} took too long; so far {:?}", self.events).into());
            }
            self.turn()?;
        }
        Ok(())
    }

    fn until_event(&mut self, what: &str, event: &Event) -> Outcome {
        self.until(what, |client| client.events.contains(event))?;
        self.events.retain(|seen| seen != event);
        Ok(())
    }

    /// Sends messages of these sizes on one stream, and compares what comes back.
    fn echo(&mut self, what: &str, stream: u16, sizes: &[usize], options: SendOptions) -> Outcome {
        let began = self.now();
        let sent: Vec<Bytes> = sizes.iter().zip(0..).map(|(size, index)| message(index, *size)).collect();
        for data in &sent {
            self.association.send(self.now(), stream, PPID, data.clone(), options)?;
        }
        self.until(what, |client| {
            client.echoes.get(&stream).is_some_and(|echoes| echoes.len() >= sent.len())
        })?;
        let mut echoes = self.echoes.remove(&stream).unwrap_or_default();
        let alike = echoes.iter().all(|echo| echo.unordered == options.unordered && echo.ppid == PPID);
        let mut expected = sent;
        if options.unordered {
            expected.sort();
            echoes.sort_by(|one, other| one.data.cmp(&other.data));
        }
        if !alike || !echoes.iter().map(|echo| &echo.data).eq(&expected) {
            return Err(format!("{what}: what came back is not what was sent").into());
        }
        let bytes: usize = sizes.iter().sum();
        println!(
            "{what}: {} messages, {bytes} bytes each way in {:?}",
            expected.len(),
            self.now().saturating_since(began)
        );
        Ok(())
    }

    /// Resets our side of a stream; the other side resets its own.
    fn reset(&mut self, stream: u16) -> Outcome {
        self.association.reset_stream(self.now(), stream)?;
        self.until_event("our reset", &Event::OutgoingStreamReset { stream, performed: true })?;
        self.until_event("the reset of the other side", &Event::IncomingStreamReset { stream })?;
        println!("stream {stream} reset by both sides");
        Ok(())
    }
}

/// Message `index`, of `size` bytes.
fn message(index: u8, size: usize) -> Bytes {
    (0u8..=250).cycle().map(|value| value.wrapping_add(index)).take(size).collect()
}

fn run(local: &str, remote: &str, loss: u32) -> Outcome {
    let mut client = Client::new(local, remote, loss)?;
    client.until_event("the association", &Event::Connected)?;
    println!("associated: {:?}", client.association.extensions());
    let mixed: Vec<usize> = SIZES.iter().copied().cycle().take(200).collect();
    let reliable = SendOptions::default();
    client.echo("ordered", 0, &mixed, reliable)?;
    client.echo("unordered", 1, &mixed, SendOptions { unordered: true, ..reliable })?;
    client.echo(
        "limited retransmissions",
        2,
        &mixed,
        SendOptions { max_retransmits: Some(30), ..reliable },
    )?;
    client.echo(
        "lifetime",
        3,
        &mixed,
        SendOptions { lifetime: Some(Duration::from_secs(20)), ..reliable },
    )?;
    client.echo("bulk", 4, &[65536; 200], reliable)?;
    client.reset(0)?;
    client.echo("ordered, after the reset", 0, &mixed, reliable)?;
    client.association.shutdown(client.now())?;
    client.until("the end", |client| matches!(client.events.last(), Some(Event::Closed(_))))?;
    client.turn()?; // the last packet of ours is still to go
    let stats = client.association.stats();
    println!(
        "{} packets out, {} in, {} retransmissions",
        stats.packets_sent, stats.packets_received, stats.retransmissions
    );
    match client.association.close_reason() {
        Some(CloseReason::Shutdown) => println!("done"),
        other => return Err(format!("closed: {other:?}").into()),
    }
    Ok(())
}

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(local), Some(remote)) => {
            let loss = arguments.next().map_or(Ok(0), |loss| loss.parse())?;
            run(&local, &remote, loss)
        }
        _ => Err("usage: echo_client LOCAL REMOTE [LOSS]".into()),
    }
}
