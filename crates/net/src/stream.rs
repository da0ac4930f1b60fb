//! TCP streams to peers and TURN servers, each with a thread for either direction: they are few, and the rare case.

use crate::errand::{Errands, Outcome};
use sendrecv_core::{Path, Protocol};
use sendrecv_ice::framing::Rfc4571Reader;
use sendrecv_ice::{Framing, OpenStream};
use sendrecv_turn::StreamFraming;
use socket2::{Domain, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// How long the three-way handshake may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Packets that wait for the stream before further ones are dropped, as a full link does.
const QUEUE_PACKETS: usize = 256;
/// Active candidates are signalled with the discard port (RFC 6544, section 4.5); it means any.
const DISCARD_PORT: u16 = 9;

/// The sending end of an open stream. Dropping it closes the stream.
#[derive(Debug)]
pub(crate) struct StreamSender {
    framing: Framing,
    queue: SyncSender<Vec<u8>>,
}

impl StreamSender {
    /// Queues one packet; when the queue is full or the stream gone, the packet is lost.
    pub(crate) fn send(&self, packet: &[u8]) {
        let mut framed = Vec::with_capacity(packet.len() + 2);
        if self.framing == Framing::Rfc4571 {
            let Ok(length) = u16::try_from(packet.len()) else { return };
            framed.extend(length.to_be_bytes());
        }
        framed.extend(packet);
        let _ = self.queue.try_send(framed);
    }
}

/// Connects and serves the stream until it ends; runs on a thread of its own.
pub(crate) fn serve(request: &OpenStream, errands: &Errands) {
    match open(request) {
        Ok((stream, local)) => {
            let path = Path { protocol: request.protocol, local, remote: request.remote };
            read(stream, path, request, errands);
            errands.answer(Outcome::StreamClosed(path));
        }
        Err(error) => {
            tracing::debug!(remote = %request.remote, %error, "stream not opened");
            errands.answer(Outcome::StreamFailed(request.id));
        }
    }
}

fn open(request: &OpenStream) -> io::Result<(TcpStream, SocketAddr)> {
    if request.protocol == Protocol::Tls {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "TLS to TURN servers is not supported yet"));
    }
    let socket = Socket::new(Domain::for_address(request.remote), Type::STREAM, None)?;
    if request.local.is_ipv4() == request.remote.is_ipv4() {
        let port = if request.local.port() == DISCARD_PORT { 0 } else { request.local.port() };
        socket.bind(&SocketAddr::new(request.local.ip(), port).into())?;
    }
    socket.connect_timeout(&request.remote.into(), PATIENCE)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    Ok((stream, local))
}

/// Tells of the open stream, then of every packet that comes, until it ends.
fn read(mut stream: TcpStream, path: Path, request: &OpenStream, errands: &Errands) {
    let (queue, packets) = sync_channel(QUEUE_PACKETS);
    let Ok(writing) = stream.try_clone() else { return };
    let writer = thread::Builder::new().name("sendrecv stream".to_owned());
    if writer.spawn(move || write(writing, &packets)).is_err() {
        return;
    }
    errands.answer(Outcome::StreamOpened(request.id, path, StreamSender { framing: request.framing, queue }));
    let mut deframer = Deframer::new(request.framing);
    let mut buffer = vec![0; 65_536];
    while let Ok(len @ 1..) = stream.read(&mut buffer) {
        let mut bytes = buffer.get(..len).unwrap_or_default();
        while !bytes.is_empty() {
            let Some(taken) =
                deframer.take(bytes, |packet| errands.answer(Outcome::StreamData(path, packet.to_vec())))
            else {
                return;
            };
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }
}

/// Writes until the sender is dropped or the stream broken, then closes both directions, which ends the reader too.
fn write(mut stream: TcpStream, packets: &Receiver<Vec<u8>>) {
    while let Ok(packet) = packets.recv() {
        if stream.write_all(&packet).is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}

enum Deframer {
    Rfc4571(Rfc4571Reader),
    Turn(StreamFraming),
}

impl Deframer {
    fn new(framing: Framing) -> Self {
        match framing {
            Framing::Rfc4571 => Self::Rfc4571(Rfc4571Reader::new()),
            Framing::Turn => Self::Turn(StreamFraming::default()),
        }
    }

    /// Takes bytes in, gives whole packets out, and says how many bytes it took; `None` when the stream makes no
    /// sense any more.
    fn take(&mut self, bytes: &[u8], mut give: impl FnMut(&[u8])) -> Option<usize> {
        match self {
            Self::Rfc4571(reader) => {
                reader.push(bytes);
                while let Some(packet) = reader.next() {
                    give(packet);
                }
                Some(bytes.len())
            }
            Self::Turn(framing) => {
                let taken = framing.push(bytes);
                while let Some(frame) = framing.next_frame().ok()? {
                    give(frame);
                }
                Some(taken)
            }
        }
    }
}
