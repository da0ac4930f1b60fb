//! Asks a STUN server how it sees this machine, over a std socket.
//!
//! ```text
//! cargo run -p sendrecv-stun --example my_address -- 192.0.2.1:3478
//! ```
//!
//! Without an address it asks a server of its own, on a thread, which is [`serve`].
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "hosts have clocks and threads")]

use sendrecv_core::{Instant, PacketBuf, Seed};
use sendrecv_stun::attribute::{ErrorCode, XorMappedAddress};
use sendrecv_stun::{
    BindingServer, Class, ClientTransaction, Message, MessageBuilder, Method, Step, TransactionConfig,
    TransactionId,
};
use std::error::Error;
use std::net::{SocketAddr, UdpSocket};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let server = match std::env::args().nth(1) {
        Some(address) => address.parse()?,
        None => serve()?,
    };
    let socket = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    println!("{server} sees {} as {}", socket.local_addr()?, ask(&socket, server)?);
    Ok(())
}

/// One binding transaction (RFC 8489, section 6): the request, again as the schedule says, until a response comes.
fn ask(socket: &UdpSocket, server: SocketAddr) -> Result<SocketAddr> {
    let clock = Clock::start();
    let id = TransactionId::random(&mut entropy().rng());
    let mut transaction = ClientTransaction::new(id, false, TransactionConfig::default(), clock.now());
    let mut request = Vec::new();
    MessageBuilder::new(&mut request, Class::Request, Method::BINDING, id)?.fingerprint()?;

    let mut buffer = [0; 1500];
    loop {
        match transaction.step(clock.now()) {
            Step::Send => {
                socket.send_to(&request, server)?;
                transaction.sent(clock.now());
            }
            Step::Failed(failure) => return Err(failure.to_string().into()),
            Step::Wait => {}
        }
        let wait = transaction.deadline().saturating_since(clock.now());
        socket.set_read_timeout(Some(wait.max(std::time::Duration::from_millis(1))))?;
        let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
        let datagram = buffer.get(..len).unwrap_or_default();
        if from == server
            && let Some(answer) = read(datagram, id)
        {
            return answer;
        }
    }
}

/// What the response to our request says; `None` when it is not one.
fn read(datagram: &[u8], id: TransactionId) -> Option<Result<SocketAddr>> {
    let message = Message::parse(datagram).ok()?;
    if message.transaction_id() != id {
        return None;
    }
    match message.class() {
        Class::Success => {
            let mapped = message.attribute().map(|XorMappedAddress(address)| address);
            Some(mapped.ok_or_else(|| "the response has no address".into()))
        }
        Class::Error => {
            let error: ErrorCode<'_> = message.attribute()?;
            Some(Err(format!("the server refused: {} {}", error.code, error.reason).into()))
        }
        Class::Request | Class::Indication => None,
    }
}

/// A server on a free port of this machine, for as long as the program runs.
fn serve() -> Result<SocketAddr> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let address = socket.local_addr()?;
    std::thread::spawn(move || -> std::io::Result<()> {
        let mut server = BindingServer::new(Some("my_address".to_owned()));
        let (mut request, mut answer) = ([0; 1500], [0; 1500]);
        loop {
            let (len, client) = socket.recv_from(&mut request)?;
            let mut packet = PacketBuf::new(&mut answer, 0, 0);
            if server.handle_datagram(client, request.get(..len).unwrap_or_default(), &mut packet).is_ok() {
                socket.send_to(packet.bytes(), client)?;
            }
        }
    });
    Ok(address)
}

/// A transaction id that cannot be guessed from outside. Where that matters more, ask the operating system.
fn entropy() -> Seed {
    use std::hash::{BuildHasher, RandomState};
    Seed::from_u64(RandomState::new().hash_one("transaction"))
}

/// The host's clock: nanoseconds since the program began.
struct Clock(std::time::Instant);

impl Clock {
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.0.elapsed()
    }
}
