//! Multicast DNS, as much of it as asking for an address takes (RFC 6762).
//!
//! ```text
//! message  := id 0 | flags | QDCOUNT | ANCOUNT | NSCOUNT | ARCOUNT | questions | records
//! question := name | type | class (top bit: a unicast answer is welcome)
//! record   := name | type | class (top bit: flush the cache) | TTL (32 bits) | length | data
//! name     := (length | label)* 0, or ending in a pointer 11xxxxxx xxxxxxxx to an earlier name (RFC 1035, 4.1.4)
//! ```

use sendrecv_core::{Reader, Truncated};
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const PORT: u16 = 5353;
const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;
const UNICAST_WELCOME: u16 = 0x8000;
const RESPONSE: u16 = 0x8000;
/// Records looked at in one message; real ones have a handful.
const MAX_RECORDS: usize = 64;
/// Labels and pointers followed in one name.
const MAX_LABELS: usize = 128;
/// The pause before the question is repeated.
const REPEAT: Duration = Duration::from_millis(500);

/// Asks the local network for `name` until someone answers, at most for `patience`.
pub(crate) fn query(name: &str, patience: Duration) -> io::Result<Vec<IpAddr>> {
    let question = question(name)?;
    let socket = open()?;
    socket.set_read_timeout(Some(REPEAT / 10))?;
    let asks = patience.as_millis().div_ceil(REPEAT.as_millis());
    for _ in 0..asks {
        ask(&socket, &question);
        for _ in 0..10 {
            let addresses = listen(&socket, name)?;
            if !addresses.is_empty() {
                return Ok(addresses);
            }
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, format!("nobody on the local network answers for {name}")))
}

/// A socket that hears answers to the group as well as to itself. Port 5353 is shared with the machine's other
/// responders; where that is not allowed, answers come by unicast only.
fn open() -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    socket.set_multicast_ttl_v4(255)?;
    socket.set_multicast_loop_v4(true)?;
    let shared = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    if socket.bind(&shared.into()).is_err() {
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
    }
    for interface in interfaces()? {
        if let Err(error) = socket.join_multicast_v4(&GROUP, &interface) {
            tracing::debug!(%interface, %error, "no multicast here");
        }
    }
    Ok(socket.into())
}

fn interfaces() -> io::Result<impl Iterator<Item = Ipv4Addr>> {
    Ok(if_addrs::get_if_addrs()?.into_iter().filter_map(|interface| match interface.ip() {
        IpAddr::V4(ip) => Some(ip),
        IpAddr::V6(_) => None,
    }))
}

/// Asks on every interface: the group's default route leads to only one of them.
fn ask(socket: &UdpSocket, question: &[u8]) {
    let Ok(interfaces) = interfaces() else { return };
    for interface in interfaces {
        let chosen = socket2::SockRef::from(socket).set_multicast_if_v4(&interface);
        let sent = chosen.and_then(|()| socket.send_to(question, (GROUP, PORT)));
        if let Err(error) = sent {
            tracing::debug!(%interface, %error, "multicast question not sent");
        }
    }
}

/// Waits for one message and returns the addresses it gives for `name`.
fn listen(socket: &UdpSocket, name: &str) -> io::Result<Vec<IpAddr>> {
    let mut buffer = [0; 9000];
    match socket.recv(&mut buffer) {
        Ok(len) => Ok(addresses(buffer.get(..len).unwrap_or_default(), name).unwrap_or_default()),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            Ok(vec![])
        }
        Err(error) => Err(error),
    }
}

/// Asks for the IPv4 and the IPv6 address of `name`.
fn question(name: &str) -> io::Result<Vec<u8>> {
    let mut message = vec![0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0];
    for kind in [TYPE_A, TYPE_AAAA] {
        for label in name.trim_end_matches('.').split('.') {
            let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length));
            message
                .push(length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a DNS name"))?);
            message.extend(label.as_bytes());
        }
        message.push(0);
        message.extend(kind.to_be_bytes());
        message.extend((CLASS_IN | UNICAST_WELCOME).to_be_bytes());
    }
    Ok(message)
}

/// The addresses that a response gives for `name`.
fn addresses(message: &[u8], name: &str) -> Result<Vec<IpAddr>, Truncated> {
    let mut reader = Reader::new(message);
    let (_id, flags) = (reader.u16()?, reader.u16()?);
    let [questions, answers, authorities, additional] =
        [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?].map(usize::from);
    if flags & RESPONSE == 0 {
        return Ok(Vec::new());
    }
    for _ in 0..questions.min(MAX_RECORDS) {
        read_name(message, &mut reader)?;
        reader.u32()?;
    }
    let mut found = Vec::new();
    for _ in 0..(answers + authorities + additional).min(MAX_RECORDS) {
        let owner = read_name(message, &mut reader)?;
        let (kind, _class, _ttl) = (reader.u16()?, reader.u16()?, reader.u32()?);
        let data = reader.vec16()?;
        if owner.eq_ignore_ascii_case(name.trim_end_matches('.')) {
            found.extend(address(kind, data));
        }
    }
    Ok(found)
}

fn address(kind: u16, data: &[u8]) -> Option<IpAddr> {
    match kind {
        TYPE_A => <[u8; 4]>::try_from(data).ok().map(|octets| Ipv4Addr::from(octets).into()),
        TYPE_AAAA => <[u8; 16]>::try_from(data).ok().map(|octets| Ipv6Addr::from(octets).into()),
        _ => None,
    }
}

/// Reads a name, following pointers; `reader` ends up behind the name where it was.
fn read_name<'m>(message: &'m [u8], reader: &mut Reader<'m>) -> Result<String, Truncated> {
    let mut name = String::new();
    let mut elsewhere: Option<Reader<'m>> = None;
    for _ in 0..MAX_LABELS {
        let here = elsewhere.as_mut().unwrap_or(reader);
        match here.u8()? {
            0 => return Ok(name),
            length @ 1..64 => {
                if !name.is_empty() {
                    name.push('.');
                }
                name.push_str(&String::from_utf8_lossy(here.take(usize::from(length))?));
            }
            high @ 192.. => {
                let offset = usize::from(u16::from_be_bytes([high & 0x3f, here.u8()?]));
                elsewhere = Some(Reader::new(message.get(offset..).ok_or(Truncated)?));
            }
            _ => return Err(Truncated),
        }
    }
    Err(Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "3b1d6f0a.local";

    /// A response to [`question`] as browsers give it: one record, its name a pointer or spelled out.
    fn response(compressed: bool, kind: u16, data: &[u8]) -> Vec<u8> {
        let mut message = question(NAME).unwrap();
        message[2] = 0x84;
        message[5] = 1;
        let name_end = 12 + NAME.len() + 2;
        let name = message[12..name_end].to_vec();
        message.truncate(name_end + 4);
        message[7] = 1;
        match compressed {
            true => message.extend([0xc0, 12]),
            false => message.extend(name),
        }
        message.extend(kind.to_be_bytes());
        message.extend([0x80, 1, 0, 0, 0, 120]);
        message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        message.extend(data);
        message
    }

    #[test]
    fn answers_give_addresses_of_both_families() {
        let v4 = response(true, TYPE_A, &[192, 168, 1, 9]);
        assert_eq!(addresses(&v4, NAME), Ok(vec![IpAddr::from([192, 168, 1, 9])]));
        let v6 = response(false, TYPE_AAAA, &Ipv6Addr::LOCALHOST.octets());
        assert_eq!(addresses(&v6, "3B1D6F0A.local."), Ok(vec![Ipv6Addr::LOCALHOST.into()]));
    }

    #[test]
    fn questions_and_other_names_and_odd_lengths_give_nothing() {
        assert_eq!(addresses(&question(NAME).unwrap(), NAME), Ok(vec![]));
        assert_eq!(addresses(&response(true, TYPE_A, &[1, 2, 3, 4]), "other.local"), Ok(vec![]));
        assert_eq!(addresses(&response(true, TYPE_A, &[1, 2, 3]), NAME), Ok(vec![]));
    }

    #[test]
    fn no_message_can_hang_or_break_the_parser() {
        let good = response(true, TYPE_A, &[1, 2, 3, 4]);
        for end in 0..good.len() {
            let _ = addresses(&good[..end], NAME);
        }
        for position in 0..good.len() {
            for value in [0, 1, 0x3f, 0xc0, 0xff] {
                let mut bad = good.clone();
                bad[position] = value;
                let _ = addresses(&bad, NAME);
            }
        }
        let mut looping = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        looping.extend([0xc0, 12]);
        assert_eq!(addresses(&looping, NAME), Err(Truncated));
    }

    #[test]
    fn a_responder_on_this_machine_is_found() {
        let Ok(responder) = open() else { return };
        if responder.local_addr().unwrap().port() != PORT {
            return;
        }
        responder.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let thread = std::thread::Builder::new().spawn(move || {
            let mut buffer = [0; 1500];
            while let Ok((len, _)) = responder.recv_from(&mut buffer) {
                if buffer[..len] == question(NAME).unwrap() {
                    ask(&responder, &response(true, TYPE_A, &[10, 1, 2, 3]));
                    return;
                }
            }
        });
        assert_eq!(query(NAME, Duration::from_secs(4)).unwrap(), [IpAddr::from([10, 1, 2, 3])]);
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn silence_is_an_error_that_names_the_name() {
        let error = query("nobody-has-this-name.local", Duration::from_millis(500)).unwrap_err();
        assert!(error.to_string().contains("nobody-has-this-name.local"), "{error}");
    }
}
