//! The candidate line (RFC 8839, section 5.1; `tcptype` of RFC 6544, section 4.5).
//!
//! ```text
//! candidate:<foundation> <component> <transport> <priority> <address> <port> typ <type>
//!           [raddr <address>] [rport <port>] *(<name> <value>)
//! ```

use super::{Candidate, CandidateAddress, CandidateKind, TcpType, Transport};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::str::{FromStr, SplitAsciiWhitespace};

/// Longest line that is looked at, in bytes.
const MAX_LINE: usize = 2048;
/// Longest host name (RFC 1035).
const MAX_NAME: usize = 253;
/// Most unknown extensions that are kept; further ones are dropped.
const MAX_EXTENSIONS: usize = 16;

/// The field of a candidate line that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateField {
    /// The foundation.
    Foundation,
    /// The component id.
    Component,
    /// The transport.
    Transport,
    /// The priority.
    Priority,
    /// The connection address.
    Address,
    /// The port.
    Port,
    /// The word `typ` and the candidate type.
    Kind,
    /// The related address.
    RelatedAddress,
    /// The related port.
    RelatedPort,
    /// The `tcptype`.
    TcpType,
    /// A name without a value.
    Extension,
}

/// Why a candidate line was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CandidateError {
    /// The line ends before this field.
    Missing(CandidateField),
    /// This field is not what the grammar allows.
    Invalid(CandidateField),
    /// This field is grammatical but means nothing here (another transport or type): the candidate is to be ignored.
    Unsupported(CandidateField),
    /// The line is longer than 2048 bytes.
    TooLong,
}

impl fmt::Display for CandidateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(field) => write!(f, "candidate line ends before its {field:?}"),
            Self::Invalid(field) => write!(f, "candidate line has an invalid {field:?}"),
            Self::Unsupported(field) => write!(f, "candidate line has an unsupported {field:?}"),
            Self::TooLong => f.write_str("candidate line is too long"),
        }
    }
}

impl core::error::Error for CandidateError {}

impl FromStr for Candidate {
    type Err = CandidateError;

    fn from_str(line: &str) -> Result<Self, CandidateError> {
        if line.len() > MAX_LINE {
            return Err(CandidateError::TooLong);
        }
        let line = line.trim();
        let line = line.strip_prefix("a=").unwrap_or(line);
        let line = line.strip_prefix("candidate:").unwrap_or(line);
        let mut fields = Fields(line.split_ascii_whitespace());
        let mut candidate = fields.fixed_part()?;
        fields.optional_part(&mut candidate)?;
        Ok(candidate)
    }
}

/// The words of a line, consumed from the left.
struct Fields<'a>(SplitAsciiWhitespace<'a>);

impl<'a> Fields<'a> {
    fn word(&mut self, field: CandidateField) -> Result<&'a str, CandidateError> {
        self.0.next().ok_or(CandidateError::Missing(field))
    }

    fn parse<T: FromStr>(&mut self, field: CandidateField) -> Result<T, CandidateError> {
        self.word(field)?.parse().map_err(|_| CandidateError::Invalid(field))
    }

    fn address(&mut self, field: CandidateField) -> Result<CandidateAddress, CandidateError> {
        let word = self.word(field)?;
        if let Ok(ip) = word.parse::<IpAddr>() {
            return Ok(CandidateAddress::Ip(ip));
        }
        if is_name(word) {
            Ok(CandidateAddress::Name(word.to_owned()))
        } else {
            Err(CandidateError::Invalid(field))
        }
    }

    /// Everything up to the candidate type, in the grammar's order.
    fn fixed_part(&mut self) -> Result<Candidate, CandidateError> {
        let foundation = self.word(CandidateField::Foundation)?;
        if foundation.len() > 32 || !foundation.bytes().all(is_ice_char) {
            return Err(CandidateError::Invalid(CandidateField::Foundation));
        }
        let component = self.parse(CandidateField::Component)?;
        if !(1..=256).contains(&component) {
            return Err(CandidateError::Invalid(CandidateField::Component));
        }
        let transport = transport(self.word(CandidateField::Transport)?)?;
        Ok(Candidate {
            foundation: foundation.to_owned(),
            component,
            transport,
            priority: self.parse(CandidateField::Priority)?,
            address: self.address(CandidateField::Address)?,
            port: self.parse(CandidateField::Port)?,
            kind: self.kind()?,
            related: None,
            ufrag: None,
            generation: None,
            network_id: None,
            network_cost: None,
            extensions: Vec::new(),
            url: None,
            relay_protocol: None,
        })
    }

    fn kind(&mut self) -> Result<CandidateKind, CandidateError> {
        if self.word(CandidateField::Kind)? != "typ" {
            return Err(CandidateError::Invalid(CandidateField::Kind));
        }
        match self.word(CandidateField::Kind)? {
            "host" => Ok(CandidateKind::Host),
            "srflx" => Ok(CandidateKind::ServerReflexive),
            "prflx" => Ok(CandidateKind::PeerReflexive),
            "relay" => Ok(CandidateKind::Relayed),
            _ => Err(CandidateError::Unsupported(CandidateField::Kind)),
        }
    }

    /// Related address and extensions, in whatever order they come.
    fn optional_part(&mut self, candidate: &mut Candidate) -> Result<(), CandidateError> {
        let mut related = (None, None);
        let mut tcp_type = None;
        while let Some(name) = self.0.next() {
            match name {
                "raddr" => related.0 = Some(self.address(CandidateField::RelatedAddress)?),
                "rport" => related.1 = Some(self.parse(CandidateField::RelatedPort)?),
                "tcptype" => tcp_type = Some(parse_tcp_type(self.word(CandidateField::TcpType)?)?),
                _ => self.extension(name, candidate)?,
            }
        }
        candidate.related = related.0.map(|address| (address, related.1.unwrap_or(0)));
        if let Transport::Tcp(direction) = &mut candidate.transport {
            // RFC 6544 makes `tcptype` mandatory.
            *direction = tcp_type.ok_or(CandidateError::Missing(CandidateField::TcpType))?;
        }
        Ok(())
    }

    fn extension(&mut self, name: &str, candidate: &mut Candidate) -> Result<(), CandidateError> {
        let value = self.word(CandidateField::Extension)?;
        match name {
            "ufrag" => candidate.ufrag = Some(value.to_owned()),
            "generation" if value.parse::<u32>().is_ok() => candidate.generation = value.parse().ok(),
            "network-id" if value.parse::<u16>().is_ok() => candidate.network_id = value.parse().ok(),
            "network-cost" if value.parse::<u16>().is_ok() => candidate.network_cost = value.parse().ok(),
            _ if candidate.extensions.len() < MAX_EXTENSIONS => {
                candidate.extensions.push((name.to_owned(), value.to_owned()));
            }
            _ => {}
        }
        Ok(())
    }
}

fn transport(word: &str) -> Result<Transport, CandidateError> {
    if word.eq_ignore_ascii_case("udp") {
        Ok(Transport::Udp)
    } else if word.eq_ignore_ascii_case("tcp") {
        // Replaced by the line's `tcptype`, without which the line is refused.
        Ok(Transport::Tcp(TcpType::Active))
    } else {
        Err(CandidateError::Unsupported(CandidateField::Transport))
    }
}

fn parse_tcp_type(word: &str) -> Result<TcpType, CandidateError> {
    match word {
        "active" => Ok(TcpType::Active),
        "passive" => Ok(TcpType::Passive),
        "so" => Ok(TcpType::SimultaneousOpen),
        _ => Err(CandidateError::Invalid(CandidateField::TcpType)),
    }
}

/// `ice-char`: letters, digits, `+` and `/`. libwebrtc's ufrags and some foundations in the field also have `-` and `_`.
pub(crate) const fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=')
}

fn is_name(word: &str) -> bool {
    let label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    word.len() <= MAX_NAME && word.bytes().all(label) && word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.transport {
            Transport::Udp => "udp",
            Transport::Tcp(_) => "tcp",
        };
        write!(f, "candidate:{} {} {protocol} {}", self.foundation, self.component, self.priority)?;
        write!(f, " {} {} typ {}", self.address, self.port, self.kind)?;
        if let Some((address, port)) = &self.related {
            write!(f, " raddr {address} rport {port}")?;
        }
        if let Transport::Tcp(direction) = self.transport {
            write!(f, " tcptype {}", direction.as_str())?;
        }
        write_extension(f, "generation", self.generation.as_ref())?;
        write_extension(f, "ufrag", self.ufrag.as_ref())?;
        write_extension(f, "network-id", self.network_id.as_ref())?;
        write_extension(f, "network-cost", self.network_cost.as_ref())?;
        self.extensions.iter().try_for_each(|(name, value)| write_extension(f, name, Some(value)))
    }
}

fn write_extension(f: &mut fmt::Formatter<'_>, name: &str, value: Option<&impl fmt::Display>) -> fmt::Result {
    value.map_or(Ok(()), |value| write!(f, " {name} {value}"))
}

impl From<&Candidate> for String {
    fn from(candidate: &Candidate) -> Self {
        alloc::format!("{candidate}")
    }
}

#[cfg(test)]
mod tests;
