//! RE-CONFIG parameters (RFC 6525, section 4).
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |     Parameter Type = 13       |  Parameter Length = 16 + 2*N  |
//! |           Re-configuration Request Sequence Number            |
//! |           Re-configuration Response Sequence Number           |
//! |                Sender's Last Assigned TSN                     |
//! |       Stream Number 1         |     Stream Number 2 ...       |
//! +---------------------------------------------------------------+
//! |     Parameter Type = 14       |  Parameter Length = 8 + 2*N   |
//! |           Re-configuration Request Sequence Number            |
//! |       Stream Number 1         |     Stream Number 2 ...       |
//! +---------------------------------------------------------------+
//! |     Parameter Type = 16       |     Parameter Length = 12     |
//! |           Re-configuration Response Sequence Number           |
//! |                            Result                             |
//! +---------------------------------------------------------------+
//! ```

use super::Malformed;
use super::chunk::put_padding;
use super::tlv::parameter;
use crate::num::clamp16;
use sendrecv_core::{NoSpace, Reader, Writer};

/// An outgoing SSN reset request: its sender starts these streams over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutgoingResetRequest<'a> {
    /// The request's number.
    pub request: u32,
    /// The peer's request that this one follows from, or the last one seen.
    pub response: u32,
    /// Everything up to this TSN was sent before the reset.
    pub last_tsn: u32,
    streams: &'a [u8],
}

impl<'a> OutgoingResetRequest<'a> {
    /// Reads the value of a parameter of type 13.
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(value);
        Ok(Self {
            request: reader.u32()?,
            response: reader.u32()?,
            last_tsn: reader.u32()?,
            streams: stream_list(reader.rest())?,
        })
    }

    /// The streams; none means all.
    pub fn streams(&self) -> impl ExactSizeIterator<Item = u16> + use<'a> {
        streams(self.streams)
    }

    /// Appends the parameter.
    pub fn write(
        request: u32,
        response: u32,
        last_tsn: u32,
        streams: &[u16],
        out: &mut impl Writer,
    ) -> Result<(), NoSpace> {
        let list_len = streams.len().saturating_mul(2);
        out.put_u16(parameter::OUTGOING_RESET)?;
        out.put_u16(clamp16(list_len.saturating_add(16)))?;
        out.put_u32(request)?;
        out.put_u32(response)?;
        out.put_u32(last_tsn)?;
        streams.iter().try_for_each(|stream| out.put_u16(*stream))?;
        put_padding(out, list_len)
    }
}

/// An incoming SSN reset request: its sender asks that its peer resets these streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IncomingResetRequest<'a> {
    /// The request's number.
    pub request: u32,
    streams: &'a [u8],
}

impl<'a> IncomingResetRequest<'a> {
    /// Reads the value of a parameter of type 14.
    pub fn parse(value: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(value);
        Ok(Self { request: reader.u32()?, streams: stream_list(reader.rest())? })
    }

    /// The streams; none means all.
    pub fn streams(&self) -> impl ExactSizeIterator<Item = u16> + use<'a> {
        streams(self.streams)
    }
}

fn stream_list(bytes: &[u8]) -> Result<&[u8], Malformed> {
    if bytes.len().is_multiple_of(2) { Ok(bytes) } else { Err(Malformed) }
}

fn streams(bytes: &[u8]) -> impl ExactSizeIterator<Item = u16> {
    bytes.as_chunks::<2>().0.iter().map(|bytes| u16::from_be_bytes(*bytes))
}

/// What became of a request (RFC 6525, section 4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetResult {
    /// Nothing had to be done.
    NothingToDo,
    /// Done.
    Performed,
    /// Refused.
    Denied,
    /// Refused: a stream number is wrong.
    WrongStream,
    /// Refused: another request is being worked on.
    AlreadyInProgress,
    /// Refused: the request's number is out of order.
    BadSequenceNumber,
    /// Not yet: ask again.
    InProgress,
}

impl ResetResult {
    /// The number on the wire.
    pub const fn code(self) -> u32 {
        match self {
            Self::NothingToDo => 0,
            Self::Performed => 1,
            Self::Denied => 2,
            Self::WrongStream => 3,
            Self::AlreadyInProgress => 4,
            Self::BadSequenceNumber => 5,
            Self::InProgress => 6,
        }
    }

    /// The result with this number on the wire.
    pub const fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::NothingToDo,
            1 => Self::Performed,
            2 => Self::Denied,
            3 => Self::WrongStream,
            4 => Self::AlreadyInProgress,
            5 => Self::BadSequenceNumber,
            6 => Self::InProgress,
            _ => return None,
        })
    }
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconfigResponse {
    /// The request's number.
    pub response: u32,
    /// The result's code; see [`ResetResult::from_code`].
    pub result: u32,
}

impl ReconfigResponse {
    /// Reads the value of a parameter of type 16; its optional TSNs are skipped.
    pub fn parse(value: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(value);
        Ok(Self { response: reader.u32()?, result: reader.u32()? })
    }

    /// Appends the parameter.
    pub fn write(&self, out: &mut impl Writer) -> Result<(), NoSpace> {
        out.put_u16(parameter::RECONFIG_RESPONSE)?;
        out.put_u16(12)?;
        out.put_u32(self.response)?;
        out.put_u32(self.result)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Parameters;
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn requests_and_responses_have_their_documented_bytes() {
        let mut bytes = Vec::new();
        OutgoingResetRequest::write(1, 2, 3, &[4], &mut bytes).unwrap();
        ReconfigResponse { response: 5, result: ResetResult::InProgress.code() }.write(&mut bytes).unwrap();
        assert_eq!(hex::encode(&bytes), "000d0012000000010000000200000003000400000010000c0000000500000006");
        let parameters: Vec<_> = Parameters::new(&bytes).map(Result::unwrap).collect();
        let request = OutgoingResetRequest::parse(parameters[0].value).unwrap();
        assert_eq!((request.request, request.response, request.last_tsn), (1, 2, 3));
        assert_eq!(request.streams().collect::<Vec<_>>(), [4]);
        let response = ReconfigResponse::parse(parameters[1].value).unwrap();
        assert_eq!(
            (response.response, ResetResult::from_code(response.result)),
            (5, Some(ResetResult::InProgress))
        );
    }

    #[test]
    fn every_result_has_its_own_code() {
        assert!((0..7).all(|code| ResetResult::from_code(code).unwrap().code() == code));
        assert_eq!(ResetResult::from_code(7), None);
    }
}
