//! SCTP over plain UDP, without any WebRTC: a chat of two terminals on one machine.
//!
//! ```text
//! cargo run -p sendrecv-sctp --example udp_chat -- 127.0.0.1:7001 127.0.0.1:7002
//! cargo run -p sendrecv-sctp --example udp_chat -- 127.0.0.1:7002 127.0.0.1:7001
//! ```
//!
//! Without arguments it talks to itself over two sockets, once, and ends.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a host owns the clock, the threads and entropy"
)]

use bytes::Bytes;
use sendrecv_core::{Instant, Machine, PacketBuf, Seed};
use sendrecv_sctp::{Association, Config, Event, SendOptions};
use std::error::Error;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant as Clock, SystemTime};

/// The payload protocol identifier of our messages; 0 means "not said".
const PPID: u32 = 0;

/// An association, its socket, and the epoch of its time.
struct Host {
    association: Association,
    socket: UdpSocket,
    epoch: Clock,
}

impl Host {
    fn new(local: &str, remote: &str) -> Result<Self, Box<dyn Error>> {
        let socket = UdpSocket::bind(local)?;
        socket.connect(remote)?;
        let epoch = Clock::now();
        // Good enough for an example; a real host draws 32 bytes from the operating system.
        let entropy = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.subsec_nanos();
        let seed = Seed::from_u64(u64::from(entropy)).derive(local);
        let mut association = Association::new(Config::default(), &seed, Instant::ZERO);
        association.connect(Instant::ZERO)?;
        Ok(Self { association, socket, epoch })
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    fn say(&mut self, text: String) -> Result<(), Box<dyn Error>> {
        let now = self.now();
        Ok(self.association.send(now, 0, PPID, Bytes::from(text), SendOptions::default())?)
    }

    /// One turn of the loop: packets out, one packet in (or a timeout), events out.
    fn turn(&mut self) -> Result<Vec<Event>, Box<dyn Error>> {
        let mut slab = [0; 2048];
        loop {
            let mut packet = PacketBuf::new(&mut slab, 0, 0);
            if self.association.poll_transmit(self.now(), &mut packet).is_none() {
                break;
            }
            self.socket.send(packet.bytes()).or_else(ignore_refused)?;
        }
        let now = self.now();
        let wait =
            self.association.poll_timeout().map_or(Duration::from_millis(50), |at| at.saturating_since(now));
        self.socket
            .set_read_timeout(Some(wait.clamp(Duration::from_millis(1), Duration::from_millis(50))))?;
        match self.socket.recv(&mut slab) {
            Ok(len) => {
                // What does not fit is counted by the association; there is nothing else to do about it.
                let _ = self.association.handle_datagram(self.now(), slab.get(..len).unwrap_or_default());
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => {
                ignore_refused(error)?;
            }
        }
        self.association.handle_timeout(self.now());
        Ok(std::iter::from_fn(|| self.association.poll_event()).collect())
    }
}

/// The peer may not have been started yet.
fn ignore_refused(error: std::io::Error) -> Result<usize, std::io::Error> {
    if error.kind() == ErrorKind::ConnectionRefused { Ok(0) } else { Err(error) }
}

fn lines() -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        std::io::stdin().lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

fn chat(local: &str, remote: &str) -> Result<(), Box<dyn Error>> {
    let mut host = Host::new(local, remote)?;
    let lines = lines();
    loop {
        match lines.try_recv() {
            Ok(line) if line.is_empty() => {}
            Ok(line) => host.say(line)?,
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => {
                // The end of the input ends the association, once what was said has arrived.
                let now = host.now();
                let _ = host.association.shutdown(now);
            }
        }
        for event in host.turn()? {
            match event {
                Event::Message(message) => println!("peer: {}", String::from_utf8_lossy(&message.data)),
                Event::Closed(reason) => {
                    println!("{reason}");
                    return Ok(());
                }
                event => println!("{event:?}"),
            }
        }
    }
}

fn soliloquy() -> Result<(), Box<dyn Error>> {
    let (a, b) = ("127.0.0.1:7001", "127.0.0.1:7002");
    let (mut a, mut b) = (Host::new(a, b)?, Host::new(b, a)?);
    a.say("hello".into())?;
    for _ in 0..1000 {
        a.turn()?;
        if let Some(Event::Message(message)) =
            b.turn()?.into_iter().find(|event| matches!(event, Event::Message(_)))
        {
            println!("{}", String::from_utf8_lossy(&message.data));
            return Ok(());
        }
    }
    Err("nothing arrived".into())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(local), Some(remote)) => chat(&local, &remote),
        _ => soliloquy(),
    }
}
