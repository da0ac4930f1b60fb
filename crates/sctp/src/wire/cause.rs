//! Error causes of ERROR and ABORT (RFC 9260, section 3.3.10).
//!
//! ```text
//! +-------------------------------+-------------------------------+
//! |           Cause Code          |  Length (with these 4 bytes)  |
//! |               Cause-specific information, padded              |
//! +---------------------------------------------------------------+
//! ```

use super::Malformed;
use super::tlv::{Parameter, Parameters};
use sendrecv_core::{NoSpace, Writer};

/// Cause codes.
pub mod code {
    /// Data for a stream that does not exist.
    pub const INVALID_STREAM: u16 = 1;
    /// An INIT or INIT ACK without a parameter that must be there.
    pub const MISSING_PARAMETER: u16 = 2;
    /// A cookie that came too late.
    pub const STALE_COOKIE: u16 = 3;
    /// No resources.
    pub const OUT_OF_RESOURCE: u16 = 4;
    /// An address that cannot be used, e.g. a host name.
    pub const UNRESOLVABLE_ADDRESS: u16 = 5;
    /// A chunk type that is not known and asks to be reported.
    pub const UNRECOGNIZED_CHUNK: u16 = 6;
    /// A mandatory parameter with an invalid value.
    pub const INVALID_PARAMETER: u16 = 7;
    /// Parameters that are not known and ask to be reported.
    pub const UNRECOGNIZED_PARAMETERS: u16 = 8;
    /// A DATA chunk without data.
    pub const NO_USER_DATA: u16 = 9;
    /// A cookie while shutting down.
    pub const COOKIE_WHILE_SHUTTING_DOWN: u16 = 10;
    /// A restart with new addresses.
    pub const RESTART_WITH_NEW_ADDRESSES: u16 = 11;
    /// The user asked for it.
    pub const USER_INITIATED_ABORT: u16 = 12;
    /// Anything else that breaks the protocol.
    pub const PROTOCOL_VIOLATION: u16 = 13;
}

/// One error cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause<'a> {
    /// The code, e.g. [`code::STALE_COOKIE`].
    pub code: u16,
    /// What follows the cause's header.
    pub value: &'a [u8],
}

impl Cause<'_> {
    /// Appends the cause with its padding.
    pub fn write(&self, out: &mut impl Writer) -> Result<(), NoSpace> {
        Parameter { kind: self.code, value: self.value }.write(out)
    }
}

/// Error causes in order; framed like parameters.
#[derive(Clone, Copy, Debug)]
pub struct Causes<'a>(Parameters<'a>);

impl<'a> Causes<'a> {
    /// Iterates over the value of an ERROR or ABORT.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(Parameters::new(bytes))
    }
}

impl<'a> Iterator for Causes<'a> {
    type Item = Result<Cause<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let parameter = self.0.next()?;
        Some(parameter.map(|parameter| Cause { code: parameter.kind, value: parameter.value }))
    }
}
