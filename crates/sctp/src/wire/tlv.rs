//! Type-length-value parameters of INIT, INIT ACK and RE-CONFIG (RFC 9260, section 3.2.1).
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |        Parameter Type         | Length (with these 4 bytes)   |
//! +-------------------------------+-------------------------------+
//! |               Value, padded with zeros to 4 bytes             |
//! +---------------------------------------------------------------+
//! ```

use super::Malformed;
use super::chunk::put_padding;
use crate::num::{clamp16, padded};
use sendrecv_core::{NoSpace, Writer};

/// Parameter types.
pub mod parameter {
    /// State cookie, in INIT ACK.
    pub const STATE_COOKIE: u16 = 7;
    /// A parameter of an INIT that its receiver did not recognize, in INIT ACK.
    pub const UNRECOGNIZED: u16 = 8;
    /// Host name address: obsolete, must not be used (RFC 9260, section 3.3.2).
    pub const HOST_NAME: u16 = 11;
    /// Outgoing SSN reset request (RFC 6525).
    pub const OUTGOING_RESET: u16 = 13;
    /// Incoming SSN reset request (RFC 6525).
    pub const INCOMING_RESET: u16 = 14;
    /// SSN/TSN reset request (RFC 6525).
    pub const SSN_TSN_RESET: u16 = 15;
    /// Re-configuration response (RFC 6525).
    pub const RECONFIG_RESPONSE: u16 = 16;
    /// Add outgoing streams request (RFC 6525).
    pub const ADD_OUTGOING: u16 = 17;
    /// Add incoming streams request (RFC 6525).
    pub const ADD_INCOMING: u16 = 18;
    /// Zero checksum acceptable (RFC 9653).
    pub const ZERO_CHECKSUM: u16 = 0x8001;
    /// Supported extensions (RFC 5061, section 4.2.7).
    pub const SUPPORTED_EXTENSIONS: u16 = 0x8008;
    /// Forward TSN supported (RFC 3758).
    pub const FORWARD_TSN: u16 = 0xc000;
}

/// One parameter: its type and its value without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// The type, e.g. [`parameter::STATE_COOKIE`].
    pub kind: u16,
    /// What follows the parameter header.
    pub value: &'a [u8],
}

impl Parameter<'_> {
    /// Appends the parameter with its padding.
    pub fn write(&self, out: &mut impl Writer) -> Result<(), NoSpace> {
        out.put_u16(self.kind)?;
        out.put_u16(clamp16(self.value.len().saturating_add(4)))?;
        out.put(self.value)?;
        put_padding(out, self.value.len())
    }

    /// Bytes the parameter takes, with padding.
    pub const fn wire_len(&self) -> usize {
        padded(self.value.len()).saturating_add(4)
    }
}

/// Parameters in order. An item is an error, and the last one, where the framing breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters<'a> {
    rest: &'a [u8],
}

impl<'a> Parameters<'a> {
    /// Iterates over the bytes behind a chunk's fixed fields.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The bytes not yet iterated over.
    pub const fn bytes(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<Parameter<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let bytes = core::mem::take(&mut self.rest);
        let Some((&[a, b, high, low], body)) = bytes.split_first_chunk::<4>() else {
            return Some(Err(Malformed));
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(value_len) = length.checked_sub(4) else { return Some(Err(Malformed)) };
        let Some(value) = body.get(..value_len) else { return Some(Err(Malformed)) };
        self.rest = body.get(padded(value_len)..).unwrap_or_default();
        Some(Ok(Parameter { kind: u16::from_be_bytes([a, b]), value }))
    }
}
