//! Data Channel Establishment Protocol messages (RFC 8832, section 5).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! | Message Type  | Channel Type  |           Priority            |
//! |   = 0x03      |               |                               |
//! |                    Reliability Parameter                      |
//! |         Label Length          |       Protocol Length         |
//! |                 Label ...  Protocol ...                       |
//! +---------------------------------------------------------------+
//! | Message Type  |
//! |   = 0x02      |
//! +---------------+
//! ```

use super::{DataChannelInit, InvalidInit};
use crate::num::clamp16;
use alloc::string::String;
use alloc::vec::Vec;
use sendrecv_core::{NoSpace, Reader, Truncated, Writer};

/// Payload protocol identifiers of data channels (RFC 8831, section 8).
pub mod ppid {
    /// DCEP.
    pub const DCEP: u32 = 50;
    /// Text, UTF-8.
    pub const STRING: u32 = 51;
    /// Binary.
    pub const BINARY: u32 = 53;
    /// Text without bytes; one byte that does not count is sent.
    pub const STRING_EMPTY: u32 = 56;
    /// Binary without bytes; one byte that does not count is sent.
    pub const BINARY_EMPTY: u32 = 57;
}

const OPEN: u8 = 0x03;
const ACK: u8 = 0x02;
const UNORDERED: u8 = 0x80;
const RELIABLE: u8 = 0x00;
const RETRANSMITS: u8 = 0x01;
const LIFETIME: u8 = 0x02;

/// A DCEP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dcep {
    Open { label: String, init: DataChannelInit },
    Ack,
}

/// Bytes that are no DCEP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadDcep;

impl From<Truncated> for BadDcep {
    fn from(_: Truncated) -> Self {
        Self
    }
}

impl Dcep {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, BadDcep> {
        let mut reader = Reader::new(bytes);
        match reader.u8()? {
            OPEN => Self::parse_open(reader),
            ACK => Ok(Self::Ack),
            _ => Err(BadDcep),
        }
    }

    fn parse_open(mut reader: Reader<'_>) -> Result<Self, BadDcep> {
        let (kind, priority, reliability) = (reader.u8()?, reader.u16()?, reader.u32()?);
        let (label_len, protocol_len) = (usize::from(reader.u16()?), usize::from(reader.u16()?));
        let label = text(reader.take(label_len)?);
        let protocol = text(reader.take(protocol_len)?);
        // What does not fit our 16 bits is as good as the longest: more than a minute, or 65,535 attempts.
        let parameter = u16::try_from(reliability).unwrap_or(u16::MAX);
        let (max_retransmits, max_packet_life_time) = match kind & !UNORDERED {
            RELIABLE => (None, None),
            RETRANSMITS => (Some(parameter), None),
            LIFETIME => (None, Some(parameter)),
            _ => return Err(BadDcep),
        };
        let ordered = kind & UNORDERED == 0;
        let init = DataChannelInit {
            ordered,
            max_retransmits,
            max_packet_life_time,
            protocol,
            negotiated: false,
            id: None,
            priority: priority.max(1),
        };
        Ok(Self::Open { label, init })
    }
}

/// Labels that are not UTF-8 are kept as far as possible: refusing would only close the channel.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The OPEN message for a channel.
pub(crate) fn encode_open(label: &str, init: &DataChannelInit) -> Result<Vec<u8>, NoSpace> {
    let (kind, reliability) = match (init.max_retransmits, init.max_packet_life_time) {
        (Some(count), _) => (RETRANSMITS, count),
        (None, Some(millis)) => (LIFETIME, millis),
        (None, None) => (RELIABLE, 0),
    };
    let mut bytes = Vec::with_capacity(label.len().saturating_add(init.protocol.len()).saturating_add(12));
    bytes.put_u8(OPEN)?;
    bytes.put_u8(if init.ordered { kind } else { kind | UNORDERED })?;
    bytes.put_u16(init.priority)?;
    bytes.put_u32(u32::from(reliability))?;
    bytes.put_u16(clamp16(label.len()))?;
    bytes.put_u16(clamp16(init.protocol.len()))?;
    bytes.put(label.as_bytes())?;
    bytes.put(init.protocol.as_bytes())?;
    Ok(bytes)
}

/// The ACK message.
pub(crate) const fn encode_ack() -> &'static [u8] {
    &[ACK]
}

/// Whether a channel may have these parameters (W3C webrtc-pc, createDataChannel).
pub(crate) fn check(label: &str, init: &DataChannelInit) -> Result<(), InvalidInit> {
    let longest = usize::from(u16::MAX);
    if label.len() > longest || init.protocol.len() > longest {
        return Err(InvalidInit::TooLong);
    }
    if init.max_retransmits.is_some() && init.max_packet_life_time.is_some() {
        return Err(InvalidInit::TwoLimits);
    }
    match (init.negotiated, init.id) {
        (true, None) => Err(InvalidInit::IdMissing),
        (true, Some(u16::MAX)) => Err(InvalidInit::IdOutOfRange),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_open_message_has_its_documented_bytes() {
        let init = DataChannelInit {
            ordered: false,
            max_retransmits: Some(3),
            protocol: "p".into(),
            ..DataChannelInit::default()
        };
        let bytes = encode_open("chat", &init).unwrap();
        assert_eq!(hex::encode(&bytes), "0381010000000003000400016368617470");
        assert_eq!(Dcep::parse(&bytes), Ok(Dcep::Open { label: "chat".into(), init }));
    }

    proptest! {
        #[test]
        fn open_messages_read_back(
            label: String, protocol: String, ordered: bool, limit in 0u8..3, value: u16, priority in 1u16..,
        ) {
            let init = DataChannelInit {
                ordered, protocol, priority,
                max_retransmits: (limit == 1).then_some(value),
                max_packet_life_time: (limit == 2).then_some(value),
                ..DataChannelInit::default()
            };
            let bytes = encode_open(&label, &init).unwrap();
            prop_assert_eq!(Dcep::parse(&bytes), Ok(Dcep::Open { label, init }));
        }

        #[test]
        fn any_bytes_parse_or_are_refused(bytes: Vec<u8>) {
            let _ = Dcep::parse(&bytes);
        }
    }
}
