//! A small server side: binding responses (RFC 8489, sections 6.3 and 12).

use crate::attribute::{AttributeType, ErrorCode, Software, UnknownAttributes, XorMappedAddress};
use crate::{Class, Message, MessageBuilder, Method, ParseError};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use sendrecv_core::{DiscardReason, Discards, NoSpace, PacketBuf};

/// Why a datagram got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerDiscard {
    /// Not a STUN message.
    Malformed,
    /// FINGERPRINT does not match.
    Fingerprint,
    /// Not a binding request: an indication, a response, or another method.
    NotForUs,
    /// The response does not fit into the packet.
    NoSpace,
}

impl DiscardReason for ServerDiscard {
    const ALL: &'static [Self] = &[Self::Malformed, Self::Fingerprint, Self::NotForUs, Self::NoSpace];

    fn index(self) -> usize {
        match self {
            Self::Malformed => 0,
            Self::Fingerprint => 1,
            Self::NotForUs => 2,
            Self::NoSpace => 3,
        }
    }
}

impl From<ParseError> for ServerDiscard {
    fn from(_: ParseError) -> Self {
        Self::Malformed
    }
}

impl From<NoSpace> for ServerDiscard {
    fn from(_: NoSpace) -> Self {
        Self::NoSpace
    }
}

/// At most this many unknown attributes are named in a 420, so that the answer stays small.
const MAX_UNKNOWN: usize = 8;

/// Tells clients their addresses. It keeps no state per client; without SOFTWARE an answer is at most 24 bytes longer
/// than the request, so it is of little use for amplification.
#[derive(Clone, Debug, Default)]
pub struct BindingServer {
    software: Option<String>,
    discards: Discards<4>,
    answered: u64,
}

impl BindingServer {
    /// A server; `software` goes into its responses, if given.
    pub fn new(software: Option<String>) -> Self {
        Self { software, ..Self::default() }
    }

    /// Answers `request` from `source` into `out`. An IPv4 address that a dual-stack socket shows as IPv6 is reported
    /// as the IPv4 address it is.
    pub fn handle_datagram(
        &mut self,
        source: SocketAddr,
        request: &[u8],
        out: &mut PacketBuf<'_>,
    ) -> Result<(), ServerDiscard> {
        let before = out.len();
        let answer = self.answer(source, request, out);
        match answer {
            Ok(()) => self.answered = self.answered.saturating_add(1),
            Err(_) => out.truncate(before),
        }
        answer.map_err(|reason| self.discards.count(reason))
    }

    /// Requests answered, errors included.
    pub const fn answered(&self) -> u64 {
        self.answered
    }

    /// Datagrams that got no answer, by reason.
    pub const fn discards(&self) -> &Discards<4> {
        &self.discards
    }

    fn answer(
        &self,
        source: SocketAddr,
        request: &[u8],
        out: &mut PacketBuf<'_>,
    ) -> Result<(), ServerDiscard> {
        let request = Message::parse(request)?;
        let fingerprinted = request.has(AttributeType::FINGERPRINT);
        if fingerprinted && request.verify_fingerprint().is_err() {
            return Err(ServerDiscard::Fingerprint);
        }
        if (request.class(), request.method()) != (Class::Request, Method::BINDING) {
            return Err(ServerDiscard::NotForUs);
        }
        let unknown = unknown_attributes(&request);
        let mut response = if unknown.is_empty() {
            let mut response = MessageBuilder::success(out, &request)?;
            response.attribute(&XorMappedAddress(canonical(source)))?;
            response
        } else {
            let mut response = MessageBuilder::error(out, &request, ErrorCode::UNKNOWN_ATTRIBUTE, "")?;
            response.attribute(&UnknownAttributes::from_wire(&unknown))?;
            response
        };
        if let Some(software) = &self.software {
            response.attribute(&Software(software))?;
        }
        if fingerprinted {
            response.fingerprint()?;
        }
        Ok(())
    }
}

fn unknown_attributes(request: &Message<'_>) -> Vec<u8> {
    let unknown = request.unknown_required(AttributeType::is_known).take(MAX_UNKNOWN);
    unknown.flat_map(|kind| kind.0.to_be_bytes()).collect()
}

fn canonical(address: SocketAddr) -> SocketAddr {
    let ip: IpAddr = address.ip().to_canonical();
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TransactionId;

    const SOURCE: &str = "192.0.2.1:3478";

    fn request(build: impl FnOnce(&mut MessageBuilder<'_, Vec<u8>>)) -> Vec<u8> {
        let mut packet = Vec::new();
        let id = TransactionId([3; 12]);
        build(&mut MessageBuilder::new(&mut packet, Class::Request, Method::BINDING, id).unwrap());
        packet
    }

    fn serve(source: &str, request: &[u8]) -> Result<Vec<u8>, ServerDiscard> {
        let mut slab = [0; 200];
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        let served = BindingServer::default().handle_datagram(source.parse().unwrap(), request, &mut out);
        served.map(|()| out.bytes().to_vec())
    }

    #[test]
    fn a_request_is_answered_with_its_source() {
        let response = serve(SOURCE, &request(|_| ())).unwrap();
        let response = Message::parse(&response).unwrap();
        assert_eq!(response.class(), Class::Success);
        assert_eq!(response.attribute(), Some(XorMappedAddress(SOURCE.parse().unwrap())));
        assert!(!response.has(AttributeType::FINGERPRINT));
    }

    #[test]
    fn a_mapped_ipv4_source_is_reported_as_ipv4() {
        let response = serve("[::ffff:192.0.2.1]:3478", &request(|_| ())).unwrap();
        let response = Message::parse(&response).unwrap();
        assert_eq!(response.attribute(), Some(XorMappedAddress(SOURCE.parse().unwrap())));
    }

    #[test]
    fn a_fingerprint_is_checked_and_returned() {
        let mut packet = request(|builder| {
            builder.fingerprint().unwrap();
        });
        let response = serve(SOURCE, &packet).unwrap();
        assert_eq!(Message::parse(&response).unwrap().verify_fingerprint(), Ok(()));
        *packet.last_mut().unwrap() ^= 1;
        assert_eq!(serve(SOURCE, &packet), Err(ServerDiscard::Fingerprint));
    }

    #[test]
    fn an_unknown_required_attribute_gives_420() {
        let packet = request(|builder| {
            builder.raw(AttributeType(0x7fff), b"?").unwrap();
        });
        let response = serve(SOURCE, &packet).unwrap();
        let response = Message::parse(&response).unwrap();
        let ErrorCode { code, .. } = response.attribute().unwrap();
        let unknown: UnknownAttributes<'_> = response.attribute().unwrap();
        assert_eq!((code, unknown.iter().next()), (420, Some(AttributeType(0x7fff))));
    }

    #[test]
    fn responses_and_noise_get_no_answer() {
        let response = serve(SOURCE, &request(|_| ())).unwrap();
        assert_eq!(serve(SOURCE, &response), Err(ServerDiscard::NotForUs));
        assert_eq!(serve(SOURCE, b"noise"), Err(ServerDiscard::Malformed));
    }
}
