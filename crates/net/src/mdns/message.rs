//! Messages: as much of them as questions for addresses, and answers to those, take.
//!
//! ```text
//! message  := id | flags | QDCOUNT | ANCOUNT | NSCOUNT | ARCOUNT | questions | records
//! question := name | type | class (top bit: a unicast answer is welcome)
//! record   := name | type | class (top bit: flush the cache) | TTL (32 bits) | length | data
//! name     := (length | label)* 0, or ending in a pointer 11xxxxxx xxxxxxxx to an earlier name (RFC 1035, 4.1.4)
//! ```

use sendrecv_core::{Reader, Truncated};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const TYPE_ANY: u16 = 255;
const CLASS_IN: u16 = 1;
const UNICAST_WELCOME: u16 = 0x8000;
const FLUSH: u16 = 0x8000;
const RESPONSE: u16 = 0x8000;
const AUTHORITATIVE: u16 = 0x0400;
/// How long an answer holds, in seconds (RFC 6762, section 10): for hosts of the kind, and for those who know no multicast.
const TTL: u32 = 120;
const TTL_LEGACY: u32 = 10;
/// Questions and records looked at in one message; real ones have a handful.
const MAX_RECORDS: usize = 64;
/// Labels and pointers followed in one name.
const MAX_LABELS: usize = 128;

/// A question for an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// The message's number, which an answer to plain DNS repeats.
    pub(super) id: u16,
    pub(super) name: String,
    kind: u16,
    pub(super) unicast_welcome: bool,
}

impl Question {
    /// Whether `ip` is an answer.
    pub(super) const fn asks_for(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(_) => matches!(self.kind, TYPE_A | TYPE_ANY),
            IpAddr::V6(_) => matches!(self.kind, TYPE_AAAA | TYPE_ANY),
        }
    }
}

/// Asks for the IPv4 and the IPv6 address of `name`.
pub(super) fn question(name: &str) -> io::Result<Vec<u8>> {
    let mut message = vec![0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0];
    for kind in [TYPE_A, TYPE_AAAA] {
        write_name(&mut message, name)?;
        message.extend(kind.to_be_bytes());
        message.extend((CLASS_IN | UNICAST_WELCOME).to_be_bytes());
    }
    Ok(message)
}

/// The questions for addresses in `message`; none in a response.
pub(super) fn questions(message: &[u8]) -> Result<Vec<Question>, Truncated> {
    let mut reader = Reader::new(message);
    let (id, flags, count) = (reader.u16()?, reader.u16()?, reader.u16()?);
    reader.take(6)?;
    let mut questions = Vec::new();
    if flags & RESPONSE != 0 {
        return Ok(questions);
    }
    for _ in 0..usize::from(count).min(MAX_RECORDS) {
        let name = read_name(message, &mut reader)?;
        let (kind, class) = (reader.u16()?, reader.u16()?);
        if matches!(kind, TYPE_A | TYPE_AAAA | TYPE_ANY) && class & !UNICAST_WELCOME == CLASS_IN {
            questions.push(Question { id, name, kind, unicast_welcome: class & UNICAST_WELCOME != 0 });
        }
    }
    Ok(questions)
}

/// The answer to `question`. One in plain DNS, `legacy`, repeats the question and does not hold for long (RFC 6762,
/// section 6.7).
pub(super) fn answer(question: &Question, ip: IpAddr, legacy: bool) -> io::Result<Vec<u8>> {
    let (id, repeated) = if legacy { (question.id, 1) } else { (0, 0) };
    let mut message = Vec::new();
    for field in [id, RESPONSE | AUTHORITATIVE, repeated, 1, 0, 0] {
        message.extend(u16::to_be_bytes(field));
    }
    if legacy {
        write_name(&mut message, &question.name)?;
        message.extend(question.kind.to_be_bytes());
        message.extend(CLASS_IN.to_be_bytes());
    }
    write_name(&mut message, &question.name)?;
    let (kind, data) = match ip {
        IpAddr::V4(ip) => (TYPE_A, ip.octets().to_vec()),
        IpAddr::V6(ip) => (TYPE_AAAA, ip.octets().to_vec()),
    };
    let (class, ttl) = if legacy { (CLASS_IN, TTL_LEGACY) } else { (CLASS_IN | FLUSH, TTL) };
    message.extend(kind.to_be_bytes());
    message.extend(class.to_be_bytes());
    message.extend(ttl.to_be_bytes());
    message.extend([0, if ip.is_ipv4() { 4 } else { 16 }]);
    message.extend(data);
    Ok(message)
}

fn write_name(message: &mut Vec<u8>, name: &str) -> io::Result<()> {
    for label in name.trim_end_matches('.').split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..64).contains(length));
        message.push(length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a DNS name"))?);
        message.extend(label.as_bytes());
    }
    message.push(0);
    Ok(())
}

/// The addresses that a response gives for `name`.
pub(super) fn addresses(message: &[u8], name: &str) -> Result<Vec<IpAddr>, Truncated> {
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
    fn an_answer_is_understood_by_who_asked() {
        let asked = questions(&question(NAME).unwrap()).unwrap();
        assert_eq!(asked.len(), 2);
        for ip in [IpAddr::from([192, 168, 1, 9]), Ipv6Addr::LOCALHOST.into()] {
            let question = asked.iter().find(|question| question.asks_for(ip)).unwrap();
            assert!(question.unicast_welcome && question.name == NAME);
            for legacy in [false, true] {
                assert_eq!(addresses(&answer(question, ip, legacy).unwrap(), NAME), Ok(vec![ip]));
            }
        }
    }

    #[test]
    fn answers_are_on_the_wire_as_the_rfc_draws_them() {
        let question = Question { id: 7, name: "a.local".to_owned(), kind: TYPE_A, unicast_welcome: false };
        let name = b"\x01a\x05local\0";
        let plain = [
            &[0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0],
            &name[..],
            b"\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\0\0\x01",
        ];
        assert_eq!(answer(&question, [10, 0, 0, 1].into(), false).unwrap(), plain.concat());
        let header = [0, 7, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0];
        let legacy = [&header, &name[..], b"\0\x01\0\x01", name, b"\0\x01\0\x01\0\0\0\x0a\0\x04\x0a\0\0\x01"];
        assert_eq!(answer(&question, [10, 0, 0, 1].into(), true).unwrap(), legacy.concat());
    }

    #[test]
    fn responses_hold_no_questions_and_no_message_breaks_the_reader() {
        assert_eq!(questions(&response(true, TYPE_A, &[1, 2, 3, 4])), Ok(vec![]));
        let good = question(NAME).unwrap();
        for end in 0..good.len() {
            assert!(questions(&good[..end]).is_err());
        }
    }
}
