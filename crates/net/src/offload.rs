//! Many datagrams per system call.

use quinn_udp::{EcnCodepoint, RecvMeta, UdpSockRef, UdpSocketState};
use sendrecv::Unreachable;
use sendrecv_core::{Ecn, Path, Transmit};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the kernel can do for one socket: segmentation on the way out, coalescing on the way in, ECN both ways, and "don't
/// fragment" whatever it has heard of the path (`IP_PMTUDISC_PROBE` on Linux). Where it can do none of that, datagrams go
/// one by one and nothing else changes.
#[derive(Debug)]
pub struct Offload {
    state: UdpSocketState,
    address: SocketAddr,
    refused: AtomicU64,
}

/// The largest UDP payload of an IPv4 packet; a batch for the kernel to cut up must not be larger either.
const MAX_BATCH: usize = 65_507;

impl Offload {
    /// Prepares a socket that is bound to `address`.
    pub fn new<S>(socket: &S, address: SocketAddr) -> io::Result<Self>
    where
        for<'s> UdpSockRef<'s>: From<&'s S>,
    {
        Ok(Self { state: UdpSocketState::new(socket.into())?, address, refused: AtomicU64::new(0) })
    }

    /// Whether datagrams leave in one piece or not at all.
    pub fn keeps_datagrams_whole(&self) -> bool {
        !self.state.may_fragment()
    }

    /// How many datagrams the system refused to send: those too long for the interface, as path MTU discovery may try,
    /// and those for which there was no way.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The address the socket is bound to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends `content` to `remote`, cut up as `transmit` says.
    ///
    /// To protocols that retransmit, errors of the network are losses: "too long" and the like end here, and of those that
    /// say that nothing gets there, ICE is told. ICMP messages are not among them, since the socket is not connected: the
    /// system tells of those in an error queue of its own (`IP_RECVERR`), which is not read. Checks and consent find out.
    pub fn send<S>(&self, socket: &S, transmit: &Transmit, remote: SocketAddr, content: &[u8]) -> Sent
    where
        for<'s> UdpSockRef<'s>: From<&'s S>,
    {
        let segment = transmit.segment_size.unwrap_or(content.len()).max(1);
        let mut sent = Sent::default();
        while let Some(rest) = content.get(sent.bytes..).filter(|rest| !rest.is_empty()) {
            let batch = rest.get(..self.batch_bytes(segment)).unwrap_or(rest);
            let message = quinn_udp::Transmit {
                destination: remote,
                ecn: to_codepoint(transmit.ecn),
                contents: batch,
                segment_size: (batch.len() > segment).then_some(segment),
                src_ip: None,
            };
            match self.state.try_send(socket.into(), &message) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // A device without segmentation: the state has learned it, and the same bytes go one by one.
                Err(_) if batch.len() > self.batch_bytes(segment) => continue,
                Err(error) => {
                    tracing::debug!(%error, %remote, bytes = batch.len(), "datagram not sent");
                    let datagrams = u64::try_from(batch.len().div_ceil(segment)).unwrap_or(u64::MAX);
                    self.refused.fetch_add(datagrams, Ordering::Relaxed);
                    sent.unreachable = to_unreachable(error.kind()).or(sent.unreachable);
                }
                Ok(()) => {}
            }
            sent.bytes += batch.len();
        }
        sent
    }

    /// Receives what has arrived, as far as the slab has room. `WouldBlock` when nothing has.
    pub fn receive<S>(&self, socket: &S, slab: &mut Slab) -> io::Result<()>
    where
        for<'s> UdpSockRef<'s>: From<&'s S>,
    {
        slab.filled = 0;
        slab.local = Some(self.address);
        let mut chunks = slab.memory.chunks_mut(SLOT_BYTES);
        let mut slots: [IoSliceMut<'_>; SLOTS] =
            std::array::from_fn(|_| IoSliceMut::new(chunks.next().unwrap_or_default()));
        slab.filled = self.state.recv(socket.into(), &mut slots, &mut slab.meta)?;
        Ok(())
    }

    /// How much fits into one system call: whole segments, as many as the kernel takes.
    fn batch_bytes(&self, segment: usize) -> usize {
        segment.saturating_mul(self.state.max_gso_segments().min(MAX_BATCH / segment).max(1))
    }
}

/// What became of datagrams that were to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// How many bytes are done with; fewer than all when the socket's buffer is full, with the rest to be tried again when
    /// it is writable.
    pub bytes: usize,
    /// Whether the system said that nothing gets there.
    pub unreachable: Option<Unreachable>,
}

const fn to_unreachable(error: io::ErrorKind) -> Option<Unreachable> {
    match error {
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::AddrNotAvailable => Some(Unreachable::NoRoute),
        // What Linux says of a way from a loopback address to another machine.
        io::ErrorKind::InvalidInput => Some(Unreachable::NoRoute),
        io::ErrorKind::ConnectionRefused => Some(Unreachable::Refused),
        _ => None,
    }
}

/// A slot holds what the kernel coalesces at most; there are as many as one system call should fill.
const SLOT_BYTES: usize = 65_536;
const SLOTS: usize = 16;

/// Memory for what arrives. Untouched pages cost nothing, so the slab is as large as the largest burst.
#[derive(Debug)]
pub struct Slab {
    memory: Vec<u8>,
    meta: [RecvMeta; SLOTS],
    filled: usize,
    local: Option<SocketAddr>,
}

impl Default for Slab {
    fn default() -> Self {
        Self {
            memory: vec![0; SLOTS * SLOT_BYTES],
            meta: [RecvMeta::default(); SLOTS],
            filled: 0,
            local: None,
        }
    }
}

/// A datagram that arrived, to be decrypted where it lies.
#[derive(Debug)]
pub struct Received<'a> {
    /// The socket it came to, and its sender.
    pub path: Path,
    /// How the network marked it.
    pub ecn: Ecn,
    /// Its content.
    pub data: &'a mut [u8],
}

impl Slab {
    /// Forgets what was received.
    pub const fn clear(&mut self) {
        self.filled = 0;
    }

    /// The datagrams of the last [`Offload::receive`], in the order of arrival.
    pub fn datagrams(&mut self) -> impl Iterator<Item = Received<'_>> {
        let local = self.local;
        let slots = self.memory.chunks_mut(SLOT_BYTES).zip(self.meta).take(self.filled);
        slots.filter_map(move |(slot, meta)| Some((local?, slot.get_mut(..meta.len)?, meta))).flat_map(
            |(local, bytes, meta)| {
                let path = Path::udp(local, canonical(meta.addr));
                let ecn = from_codepoint(meta.ecn);
                bytes.chunks_mut(meta.stride.max(1)).map(move |data| Received { path, ecn, data })
            },
        )
    }
}

/// Scopes and flow labels are about this machine, not about the peer's name: candidates do not have them.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

const fn to_codepoint(ecn: Ecn) -> Option<EcnCodepoint> {
    match ecn {
        Ecn::NotEct => None,
        Ecn::Ect0 => Some(EcnCodepoint::Ect0),
        Ecn::Ect1 => Some(EcnCodepoint::Ect1),
        Ecn::Ce => Some(EcnCodepoint::Ce),
    }
}

const fn from_codepoint(codepoint: Option<EcnCodepoint>) -> Ecn {
    match codepoint {
        None => Ecn::NotEct,
        Some(EcnCodepoint::Ect0) => Ecn::Ect0,
        Some(EcnCodepoint::Ect1) => Ecn::Ect1,
        Some(EcnCodepoint::Ce) => Ecn::Ce,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::thread::sleep;
    use std::time::Duration;

    fn socket() -> (UdpSocket, Offload) {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let offload = Offload::new(&socket, socket.local_addr().unwrap()).unwrap();
        (socket, offload)
    }

    /// Receives until `count` datagrams have come, as (path, ecn, content).
    fn receive(socket: &UdpSocket, offload: &Offload, count: usize) -> Vec<(Path, Ecn, Vec<u8>)> {
        let mut slab = Slab::default();
        let mut all = Vec::new();
        for _ in 0..500 {
            match offload.receive(socket, &mut slab) {
                Ok(()) => all.extend(slab.datagrams().map(|d| (d.path, d.ecn, d.data.to_vec()))),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            if all.len() >= count {
                break;
            }
            sleep(Duration::from_millis(5));
        }
        all
    }

    #[test]
    fn a_batch_arrives_as_the_datagrams_it_was_cut_into() {
        let ((a, a_offload), (b, b_offload)) = (socket(), socket());
        let content: Vec<u8> = (0..60_000_u32).map(|i| i.to_be_bytes()[3]).collect();
        let transmit = Transmit { path: None, segment_size: Some(1187), ecn: Ecn::Ect0 };
        assert_eq!(a_offload.send(&a, &transmit, b_offload.address(), &content).bytes, content.len());
        let received = receive(&b, &b_offload, content.len().div_ceil(1187));
        let path = Path::udp(b_offload.address(), a_offload.address());
        for (p, ecn, _) in &received {
            assert_eq!((p, ecn), (&path, &Ecn::Ect0));
        }
        let pieces: Vec<_> = received.iter().map(|(_, _, data)| data.as_slice()).collect();
        assert_eq!(pieces, content.chunks(1187).collect::<Vec<_>>());
    }

    #[test]
    fn datagrams_of_different_senders_stay_apart() {
        let (receiver, offload) = socket();
        let senders = [socket(), socket(), socket()];
        for (sender, sender_offload) in &senders {
            let text = sender_offload.address().to_string();
            let transmit = Transmit::selected();
            sender_offload.send(sender, &transmit, offload.address(), text.as_bytes());
        }
        let received = receive(&receiver, &offload, 3);
        assert_eq!(received.len(), 3);
        for (path, ecn, data) in received {
            assert_eq!((path.remote.to_string().into_bytes(), ecn), (data, Ecn::NotEct));
        }
    }

    #[test]
    fn a_refused_datagram_is_a_loss_and_no_error() {
        let (a, offload) = socket();
        let (gone, gone_offload) = socket();
        drop(gone);
        for _ in 0..3 {
            assert_eq!(offload.send(&a, &Transmit::selected(), gone_offload.address(), b"x").bytes, 1);
        }
        let before = offload.refused();
        assert_eq!(
            offload.send(&a, &Transmit::selected(), gone_offload.address(), &[0; 65_536]),
            Sent { bytes: 65_536, unreachable: None },
            "too long for UDP"
        );
        assert_eq!(offload.refused(), before + 1);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn datagrams_are_never_cut_up_and_what_the_system_learns_of_the_path_does_not_matter() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(socket) = UdpSocket::bind(address) else { continue };
            let offload = Offload::new(&socket, socket.local_addr().unwrap()).unwrap();
            assert!(offload.keeps_datagrams_whole(), "{address}");
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn where_there_is_no_way_the_sender_hears_of_it() {
        let (a, offload) = socket();
        let elsewhere = SocketAddr::from(([192, 0, 2, 1], 9));
        let sent = offload.send(&a, &Transmit::selected(), elsewhere, b"x");
        assert_eq!(sent, Sent { bytes: 1, unreachable: Some(Unreachable::NoRoute) });
    }
}
