//! What happened, as a sequence diagram in text.

use crate::nat::NatRefusal;
use crate::network::HostId;
use sendrecv_core::{Instant, Reader, Truncated};
use std::fmt::{self, Write};
use std::net::SocketAddr;

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is still under way.
    UnderWay,
    /// It arrived then.
    Arrived(Instant),
    /// Lost on a link.
    Lost,
    /// Dropped by a full queue.
    QueueFull,
    /// Larger than a link's MTU.
    TooBig,
    /// The test's own filter dropped it.
    Filtered,
    /// The sender's or receiver's interface was disconnected.
    Disconnected,
    /// No host has this address.
    NoRoute,
    /// A NAT refused it.
    Refused(NatRefusal),
}

#[derive(Clone, Debug)]
struct Rung {
    at: Instant,
    from: HostId,
    to: Option<HostId>,
    remote: SocketAddr,
    label: String,
    duplicate: bool,
    fate: Fate,
}

type Summary = Box<dyn Fn(&[u8]) -> String>;

/// A sequence diagram: a lifeline per host, a rung per datagram, what became of it in the margin.
///
/// ```text
///      time  alice                                 bob
///  0.000000  |-- STUN Binding request (100 B) ----->|  +20ms
///  0.020000  |<----- STUN Binding success (80 B) --x|  lost
/// ```
pub struct Ladder {
    hosts: Vec<String>,
    rungs: Vec<Rung>,
    summarise: Summary,
    recording: bool,
}

/// More than this is not read by anyone; later datagrams are not recorded.
const MAX_RUNGS: usize = 200_000;
/// Characters between two lifelines.
const GAP: usize = 44;

impl Default for Ladder {
    fn default() -> Self {
        Self { hosts: Vec::new(), rungs: Vec::new(), summarise: Box::new(summary), recording: true }
    }
}

impl Ladder {
    /// Chooses what is written on the rungs of datagrams sent from now on; the default is [`summary`].
    pub fn label_with(&mut self, summarise: impl Fn(&[u8]) -> String + 'static) {
        self.summarise = Box::new(summarise);
    }

    /// Switches recording on or off, e.g. off for long transfers.
    pub const fn record(&mut self, recording: bool) {
        self.recording = recording;
    }

    /// Forgets what happened so far. Datagrams under way leave no trace.
    pub fn clear(&mut self) {
        self.rungs.clear();
    }

    /// Labels and fates in the order of sending, for tests on what was exchanged.
    pub fn rungs(&self) -> impl Iterator<Item = (HostId, &str, Fate)> {
        self.rungs.iter().map(|rung| (rung.from, rung.label.as_str(), rung.fate))
    }

    /// The diagram of the last `count` datagrams.
    pub fn tail(&self, count: usize) -> String {
        self.draw(self.rungs.len().saturating_sub(count))
    }

    pub(crate) fn add_host(&mut self, name: &str) {
        self.hosts.push(name.to_owned());
    }

    pub(crate) fn send(&mut self, at: Instant, from: HostId, remote: SocketAddr, data: &[u8]) -> usize {
        if !self.recording || self.rungs.len() >= MAX_RUNGS {
            return usize::MAX;
        }
        let label = (self.summarise)(data);
        let fate = Fate::UnderWay;
        self.rungs.push(Rung { at, from, to: None, remote, label, duplicate: false, fate });
        self.rungs.len() - 1
    }

    pub(crate) fn duplicate(&mut self, rung: usize) -> usize {
        let Some(copy) = self.rungs.get(rung).cloned() else { return usize::MAX };
        self.rungs.push(Rung { duplicate: true, ..copy });
        self.rungs.len() - 1
    }

    pub(crate) fn set_fate(&mut self, rung: usize, fate: Fate) {
        if let Some(rung) = self.rungs.get_mut(rung) {
            rung.fate = fate;
        }
    }

    pub(crate) fn set_destination(&mut self, rung: usize, to: HostId) {
        if let Some(rung) = self.rungs.get_mut(rung) {
            rung.to = Some(to);
        }
    }

    pub(crate) fn arrive(&mut self, rung: usize, to: HostId, at: Instant) {
        self.set_destination(rung, to);
        self.set_fate(rung, Fate::Arrived(at));
    }

    fn draw(&self, start: usize) -> String {
        let mut text = format!("{:>12}  ", "time");
        for name in &self.hosts {
            let _ = write!(text, "{name:<width$}", width = GAP + 1);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        for rung in self.rungs.iter().skip(start) {
            let _ = writeln!(text, "{:>12}  {}  {}", rung.at.to_string(), self.arrow(rung), margin(rung));
        }
        text
    }

    /// The lifelines with one arrow between them.
    fn arrow(&self, rung: &Rung) -> String {
        let last = self.hosts.len().saturating_sub(1);
        let from = rung.from.0.min(last);
        let to =
            rung.to.map_or(if from < last { from + 1 } else { from.saturating_sub(1) }, |to| to.0.min(last));
        let (left, right) = (from.min(to), from.max(to));
        let mut line = String::from("|");
        let mut host = 0;
        while host < last {
            if host == left && left < right {
                line.push_str(&shaft(rung, from < to, (right - left) * (GAP + 1) - 1));
                host = right;
            } else {
                line.extend(std::iter::repeat_n(' ', GAP));
                host += 1;
            }
            line.push('|');
        }
        line
    }
}

fn shaft(rung: &Rung, rightwards: bool, width: usize) -> String {
    let ok = matches!(rung.fate, Fate::Arrived(_) | Fate::UnderWay);
    let label: String = rung.label.chars().take(width.saturating_sub(8)).collect();
    let fill = width.saturating_sub(label.chars().count() + 6);
    let dashes: String = std::iter::repeat_n('-', fill).collect();
    match (rightwards, ok) {
        (true, true) => format!("-- {label} {dashes}->"),
        (true, false) => format!("-- {label} {dashes}x "),
        (false, true) => format!("<-{dashes} {label} --"),
        (false, false) => format!(" x{dashes} {label} --"),
    }
}

fn margin(rung: &Rung) -> String {
    let fate = match rung.fate {
        Fate::UnderWay => "under way".to_owned(),
        Fate::Arrived(at) => format!("+{:?}", at - rung.at),
        Fate::Lost => "lost".to_owned(),
        Fate::QueueFull => "queue full".to_owned(),
        Fate::TooBig => "above the MTU".to_owned(),
        Fate::Filtered => "dropped by the test".to_owned(),
        Fate::Disconnected => "disconnected".to_owned(),
        Fate::NoRoute => format!("no route to {}", rung.remote),
        Fate::Refused(refusal) => format!("{refusal:?} on the way to {}", rung.remote),
    };
    if rung.duplicate { format!("{fate} (duplicate)") } else { fate }
}

impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.draw(0))
    }
}

impl fmt::Debug for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ladder").field("rungs", &self.rungs.len()).finish_non_exhaustive()
    }
}

/// What a datagram on a WebRTC socket is (RFC 7983), in a few words and with its length.
pub fn summary(data: &[u8]) -> String {
    let kind = describe(data).unwrap_or_else(|Truncated| "cut short".to_owned());
    format!("{kind} ({} B)", data.len())
}

fn describe(data: &[u8]) -> Result<String, Truncated> {
    let mut reader = Reader::new(data);
    let Ok(first) = reader.u8() else { return Ok("empty".to_owned()) };
    Ok(match first {
        0..=3 => stun(first, reader.u8()?),
        20..=63 => dtls(data)?,
        64..=79 => "TURN ChannelData".to_owned(),
        128..=191 => rtp(reader.u8()?),
        _ => "?".to_owned(),
    })
}

fn stun(high: u8, low: u8) -> String {
    let class = match (high & 1, low & 0x10) {
        (0, 0) => "request",
        (0, _) => "indication",
        (_, 0) => "success",
        _ => "error",
    };
    let method = match low & 0x0f {
        1 => "Binding",
        3 => "Allocate",
        4 => "Refresh",
        6 => "Send",
        7 => "Data",
        8 => "CreatePermission",
        9 => "ChannelBind",
        _ => "other",
    };
    format!("STUN {method} {class}")
}

fn dtls(data: &[u8]) -> Result<String, Truncated> {
    let mut reader = Reader::new(data);
    let content_type = reader.u8()?;
    if content_type >= 32 {
        return Ok("DTLS 1.3 ciphertext".to_owned());
    }
    reader.take(2)?;
    let epoch = reader.u16()?;
    reader.take(8)?;
    let name = match content_type {
        20 => "ChangeCipherSpec",
        21 => "alert",
        22 if epoch == 0 => return reader.u8().map(handshake),
        22 => "encrypted handshake",
        23 => "application data",
        26 => "ACK",
        _ => "record",
    };
    Ok(format!("DTLS {name}"))
}

fn handshake(message: u8) -> String {
    let name = match message {
        1 => "ClientHello",
        2 => "ServerHello",
        3 => "HelloVerifyRequest",
        11 => "Certificate",
        12 => "ServerKeyExchange",
        14 => "ServerHelloDone",
        16 => "ClientKeyExchange",
        _ => return format!("DTLS handshake {message}"),
    };
    format!("DTLS {name}")
}

fn rtp(second: u8) -> String {
    match second {
        192..=223 => format!("RTCP {second}"),
        _ => format!("RTP payload type {}", second & 0x7f),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_span_the_lifelines_between_sender_and_receiver() {
        let mut ladder = Ladder::default();
        for name in ["alice", "relay", "bob"] {
            ladder.add_host(name);
        }
        ladder.label_with(|data| String::from_utf8_lossy(data).into_owned());
        let remote = SocketAddr::from(([10, 0, 0, 2], 1));
        let hello = ladder.send(Instant::ZERO, HostId(0), remote, b"hello");
        ladder.arrive(hello, HostId(2), Instant::from_millis(20));
        let reply = ladder.send(Instant::from_millis(20), HostId(2), remote, b"lost reply");
        ladder.set_destination(reply, HostId(1));
        ladder.set_fate(reply, Fate::Lost);
        let text = ladder.to_string();
        let lines: Vec<_> = text.lines().collect();
        let [_, hello, reply] = lines.as_slice() else { panic!("{text}") };
        assert!(hello.contains("|-- hello ---") && hello.ends_with("->|  +20ms"), "{text}");
        assert!(reply.contains("| x---") && reply.ends_with("- lost reply --|  lost"), "{text}");
        assert_eq!(hello.find("|  +"), reply.find("|  lost"), "{text}");
    }

    #[test]
    fn datagrams_are_named_by_their_first_bytes() {
        assert_eq!(summary(&[0, 1, 0, 0]), "STUN Binding request (4 B)");
        assert_eq!(summary(&[1, 0x13, 0, 0]), "STUN Allocate error (4 B)");
        assert_eq!(summary(&[0x80, 0xe0]), "RTP payload type 96 (2 B)");
        assert_eq!(summary(&[0x80, 200]), "RTCP 200 (2 B)");
        assert_eq!(summary(&[22, 254, 255]), "cut short (3 B)");
        let hello = [22, 254, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
        assert_eq!(summary(&hello), "DTLS ClientHello (14 B)");
        assert_eq!(summary(&[0x2f, 1]), "DTLS 1.3 ciphertext (2 B)");
    }
}
