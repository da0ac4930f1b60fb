//! The socket, the clock and standard input around one connection.

use crate::Result;
use sendrecv_core::{Instant, Machine, PacketBuf, Writer};
use sendrecv_dtls::{
    ConnectedInfo, ConnectionId, ConnectionIdUsage, Dtls, Event, Fingerprint, HEADROOM, SrtpProfile, TAILROOM,
};
use std::io::BufRead;
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

/// How long to wait for a datagram before looking at what else there is to do.
const PATIENCE: Duration = Duration::from_millis(20);
/// More than any connection ID takes.
const ROOM: usize = 256;

/// A socket with one connection on it.
pub(crate) struct Host {
    socket: UdpSocket,
    peer: Option<SocketAddr>,
    dtls: Dtls,
    start: std::time::Instant,
    /// What to do; without it, one line is sent and one awaited.
    orders: Option<Receiver<String>>,
    done: bool,
}

impl Host {
    pub(crate) fn new(
        socket: UdpSocket,
        peer: Option<SocketAddr>,
        mut dtls: Dtls,
        expected: Vec<Fingerprint>,
        talks: bool,
    ) -> Self {
        dtls.set_remote_fingerprints(Instant::ZERO, expected);
        Self {
            socket,
            peer,
            dtls,
            start: std::time::Instant::now(),
            orders: talks.then(standard_input),
            done: false,
        }
    }

    /// Until there is nothing left to do, the connection is over, or the time.
    pub(crate) fn run(&mut self, limit: Duration) -> Result<()> {
        while !self.done && self.start.elapsed() < limit {
            self.drain()?;
            self.receive()?;
            let now = self.now();
            self.dtls.handle_timeout(now);
            self.obey()?;
        }
        self.drain()?;
        let now = self.now();
        self.dtls.close(now);
        self.drain()?;
        println!("{:?}", self.dtls.stats());
        Ok(())
    }

    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn drain(&mut self) -> Result<()> {
        while let Some(event) = self.dtls.poll_event() {
            self.on_event(event)?;
        }
        let Some(peer) = self.peer else {
            return Ok(());
        };
        let (now, mut slab) = (self.now(), [0; 2048]);
        loop {
            let mut out = PacketBuf::new(&mut slab, 0, 0);
            if self.dtls.poll_transmit(now, &mut out).is_none() {
                return Ok(());
            }
            self.socket.send_to(out.bytes(), peer)?;
        }
    }

    fn on_event(&mut self, event: Event) -> Result<()> {
        match event {
            Event::FingerprintNeeded => println!("fingerprint needed"),
            Event::Closed(reason) => {
                println!("closed: {reason}");
                self.done = true;
            }
            Event::Connected(info) => {
                self.tell(&info)?;
                if self.orders.is_none() {
                    self.send(b"hello from sendrecv\n")?;
                }
            }
        }
        Ok(())
    }

    fn tell(&self, info: &ConnectedInfo) -> Result<()> {
        let srtp = info.srtp_profile.map_or(0, SrtpProfile::code);
        let (suite, group) = (info.cipher_suite.code(), info.group.code());
        println!("connected {:?} suite={suite:04x} group={group:04x} srtp={srtp:04x}", info.version);
        let mut material = [0; 60];
        self.dtls.export_keying_material("EXTRACTOR-dtls_srtp", None, &mut material)?;
        println!("exporter {}", hex(&material));
        Ok(())
    }

    fn send(&mut self, line: &[u8]) -> Result<()> {
        let mut slab = vec![0; HEADROOM + ROOM + line.len() + TAILROOM];
        let mut packet = PacketBuf::new(&mut slab, HEADROOM + ROOM, TAILROOM);
        packet.put(line)?;
        // What the handshake still has to send goes first.
        self.drain()?;
        let now = self.now();
        self.dtls.seal(now, &mut packet)?;
        if let Some(peer) = self.peer {
            self.socket.send_to(packet.bytes(), peer)?;
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let wait = self.dtls.poll_timeout().map_or(PATIENCE, |deadline| deadline - self.now());
        self.socket.set_read_timeout(Some(wait.clamp(Duration::from_millis(1), PATIENCE)))?;
        let mut datagram = [0; 2048];
        let Ok((len, from)) = self.socket.recv_from(&mut datagram) else {
            return Ok(());
        };
        self.peer.get_or_insert(from);
        let now = self.now();
        match self.dtls.handle_datagram(now, datagram.get_mut(..len).unwrap_or_default()) {
            Ok(records) => {
                for payload in records {
                    println!("received {}", String::from_utf8_lossy(payload).trim_end());
                    self.done = self.orders.is_none();
                }
            }
            Err(reason) => println!("discarded: {reason}"),
        }
        // With connection IDs the peer may have moved. An owner with more to lose checks the new path first.
        if self.dtls.is_newest() && self.dtls.local_connection_id().is_some() && self.peer != Some(from) {
            println!("the peer has moved");
            self.peer = Some(from);
        }
        Ok(())
    }

    /// Does what was said on standard input meanwhile.
    fn obey(&mut self) -> Result<()> {
        while let Some(order) = self.orders.as_ref().and_then(|orders| orders.try_recv().ok()) {
            let (verb, rest) = order.split_once(' ').unwrap_or((&order, ""));
            let now = self.now();
            match verb {
                "send" => self.send(rest.as_bytes())?,
                "update" => self.dtls.update_key(now),
                "request" => self.dtls.request_connection_ids(now, rest.parse()?)?,
                "offer" => {
                    let ids = self.more_ids(rest.parse()?);
                    self.dtls.offer_connection_ids(now, &ids, ConnectionIdUsage::Spare)?;
                }
                "replace" => {
                    let ids = self.more_ids(1);
                    self.dtls.offer_connection_ids(now, &ids, ConnectionIdUsage::Immediate)?;
                }
                "spare" => println!("went over to a spare ID: {}", self.dtls.use_spare_connection_id(now)),
                "ids" => {
                    let show = |id: Option<&ConnectionId>| id.map_or("-".into(), |id| hex(id.as_bytes()));
                    println!(
                        "ids {} {}",
                        show(self.dtls.local_connection_id()),
                        show(self.dtls.remote_connection_id())
                    );
                }
                "stats" => println!("{:?}", self.dtls.stats()),
                "close" => self.done = true,
                _ => return Err(format!("no such order: {order}").into()),
            }
        }
        Ok(())
    }

    /// IDs as long as the one in use, and different from it.
    fn more_ids(&self, count: u8) -> Vec<ConnectionId> {
        let ours = self.dtls.local_connection_id().map(ConnectionId::as_bytes).unwrap_or_default();
        let nth = |n| ours.iter().map(|byte| byte ^ n).collect::<Vec<u8>>();
        (1..=count).filter_map(|n| ConnectionId::new(&nth(n))).collect()
    }
}

fn standard_input() -> Receiver<String> {
    let (lines, orders) = mpsc::channel();
    std::thread::spawn(move || {
        std::io::stdin()
            .lock()
            .lines()
            .map_while(std::result::Result::ok)
            .try_for_each(|line| lines.send(line))
    });
    orders
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
