//! TCP streams to peers, TCP and TLS streams to TURN servers, each with a thread for either direction: they are few, and the rare case.

use crate::errand::{Errands, Outcome};
use crate::tls::{Session, TlsRoots};
use sendrecv_core::{Path, Protocol};
use sendrecv_ice::framing::Rfc4571Reader;
use sendrecv_ice::{Framing, OpenStream};
use sendrecv_turn::StreamFraming;
use socket2::{Domain, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// How long a server may take to accept, to answer in the handshake, and to take in what is sent.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the server may take to close its direction after we closed ours.
const LINGER: Duration = Duration::from_secs(1);
/// Packets that wait for the stream before further ones are dropped, as a full link does.
const QUEUE_PACKETS: usize = 256;
/// What is read at once.
const READ_BYTES: usize = 65_536;
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

/// An open stream, as the two threads share it.
#[derive(Debug)]
struct Stream {
    socket: TcpStream,
    session: Option<Session>,
}

/// Connects and serves the stream until it ends; runs on a thread of its own.
pub(crate) fn serve(request: &OpenStream, errands: &Errands) {
    match open(request, errands.tls_roots()) {
        Ok((stream, local)) => {
            let path = Path { protocol: request.protocol, local, remote: request.remote };
            if let Err(error) = read(&Arc::new(stream), path, request, errands) {
                tracing::debug!(remote = %request.remote, %error, "stream broken");
            }
            errands.answer(Outcome::StreamClosed(path));
        }
        Err(error) => {
            tracing::debug!(remote = %request.remote, %error, "stream not opened");
            errands.answer(Outcome::StreamFailed(request.id));
        }
    }
}

fn open(request: &OpenStream, roots: &TlsRoots) -> io::Result<(Stream, SocketAddr)> {
    let socket = connect(request)?;
    let local = socket.local_addr()?;
    // A server that takes nothing for so long is as good as gone.
    socket.set_write_timeout(Some(PATIENCE))?;
    if request.protocol != Protocol::Tls {
        return Ok((Stream { socket, session: None }, local));
    }
    let name = request.server_name.as_deref().unwrap_or_default();
    socket.set_read_timeout(Some(PATIENCE))?;
    let session = Session::connect(roots, name, &socket)?;
    socket.set_read_timeout(None)?;
    Ok((Stream { socket, session: Some(session) }, local))
}

fn connect(request: &OpenStream) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(request.remote), Type::STREAM, None)?;
    if request.local.is_ipv4() == request.remote.is_ipv4() {
        let port = if request.local.port() == DISCARD_PORT { 0 } else { request.local.port() };
        socket.bind(&SocketAddr::new(request.local.ip(), port).into())?;
    }
    socket.connect_timeout(&request.remote.into(), PATIENCE)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Tells of the open stream, then of every packet that comes, until it ends.
fn read(stream: &Arc<Stream>, path: Path, request: &OpenStream, errands: &Errands) -> io::Result<()> {
    let (queue, packets) = sync_channel(QUEUE_PACKETS);
    // Nothing is sent on this one: that it is dropped tells the writer that the reader has ended.
    let (_reading, end_of_reading) = sync_channel(0);
    let writing = Arc::clone(stream);
    let writer = thread::Builder::new().name("sendrecv stream".to_owned());
    writer.spawn(move || writing.write_all_of(&packets, &end_of_reading))?;
    errands.answer(Outcome::StreamOpened(request.id, path, StreamSender { framing: request.framing, queue }));
    let mut deframer = Deframer::new(request.framing);
    let (mut buffer, mut content) = (vec![0; READ_BYTES], Vec::new());
    while stream.read(&mut buffer, &mut content)? {
        let mut bytes = content.as_slice();
        while !bytes.is_empty() {
            let give = |packet: &[u8]| errands.answer(Outcome::StreamData(path, packet.to_vec()));
            let taken = deframer.take(bytes, give).ok_or(io::ErrorKind::InvalidData)?;
            bytes = bytes.get(taken..).unwrap_or_default();
        }
        content.clear();
    }
    Ok(())
}

impl Stream {
    /// Waits for bytes and appends what they carry to `content`; `false` when the server has closed the stream.
    fn read(&self, buffer: &mut [u8], content: &mut Vec<u8>) -> io::Result<bool> {
        let len = (&self.socket).read(buffer)?;
        let bytes = buffer.get(..len).unwrap_or_default();
        match &self.session {
            _ if bytes.is_empty() => Ok(false),
            Some(session) => session.open(bytes, content),
            None => {
                content.extend_from_slice(bytes);
                Ok(true)
            }
        }
    }

    /// Writes until the sender is dropped or the stream broken, then closes it: first our direction, so that the server
    /// can take in what was sent last, e.g. the release of an allocation; soon after the other, which ends the reader.
    fn write_all_of(&self, packets: &Receiver<Vec<u8>>, end_of_reading: &Receiver<()>) {
        while let Ok(packet) = packets.recv() {
            if let Err(error) = self.write(packet) {
                tracing::debug!(%error, "stream broken");
                break;
            }
        }
        if let Some(records) = self.session.as_ref().and_then(|session| session.farewell().ok()) {
            // The server may have gone first.
            let _ = (&self.socket).write_all(&records);
        }
        let _ = self.socket.shutdown(Shutdown::Write);
        let _ = end_of_reading.recv_timeout(LINGER);
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn write(&self, packet: Vec<u8>) -> io::Result<()> {
        let bytes = match &self.session {
            Some(session) => session.seal(&packet)?,
            None => packet,
        };
        (&self.socket).write_all(&bytes)
    }
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
