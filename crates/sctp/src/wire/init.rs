//! INIT and INIT ACK (RFC 9260, sections 3.3.2 and 3.3.3).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! | Type = 1 or 2 |   Flags = 0   |            Length             |
//! |                         Initiate Tag                          |
//! |           Advertised Receiver Window Credit (a_rwnd)          |
//! |  Number of Outbound Streams   |   Number of Inbound Streams   |
//! |                          Initial TSN                          |
//! |                         Parameters ...                        |
//! +---------------------------------------------------------------+
//! ```

use super::chunk::{Chunk, put_header};
use super::tlv::{Parameter, Parameters, parameter};
use super::{Malformed, kind};
use crate::num::wide;
use alloc::vec::Vec;
use sendrecv_core::{NoSpace, Reader, Writer};

/// The error detection method "SCTP over DTLS" (RFC 9653).
const EDMID_DTLS: [u8; 4] = [0, 0, 0, 1];

/// The fixed fields of an INIT or INIT ACK, and its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Init<'a> {
    /// The verification tag the sender wants to be addressed with; never 0.
    pub initiate_tag: u32,
    /// The sender's receive window in bytes.
    pub a_rwnd: u32,
    /// How many streams the sender wants to send on.
    pub outbound_streams: u16,
    /// How many streams the sender can receive on.
    pub inbound_streams: u16,
    /// The sender's first TSN.
    pub initial_tsn: u32,
    /// Everything behind the fixed fields.
    pub parameters: Parameters<'a>,
}

impl<'a> Init<'a> {
    /// Reads a chunk of type INIT or INIT ACK. Field values are not judged here.
    pub fn parse(chunk: &Chunk<'a>) -> Result<Self, Malformed> {
        let mut reader = Reader::new(chunk.value);
        Ok(Self {
            initiate_tag: reader.u32()?,
            a_rwnd: reader.u32()?,
            outbound_streams: reader.u16()?,
            inbound_streams: reader.u16()?,
            initial_tsn: reader.u32()?,
            parameters: Parameters::new(reader.rest()),
        })
    }

    /// Appends a chunk of type `kind` (INIT or INIT ACK) with these fields and parameters.
    pub fn write(&self, kind: u8, out: &mut impl Writer) -> Result<(), NoSpace> {
        let parameters = self.parameters.bytes();
        put_header(out, kind, 0, parameters.len().saturating_add(16))?;
        out.put_u32(self.initiate_tag)?;
        out.put_u32(self.a_rwnd)?;
        out.put_u16(self.outbound_streams)?;
        out.put_u16(self.inbound_streams)?;
        out.put_u32(self.initial_tsn)?;
        out.put(parameters)
    }
}

/// The extensions one side announces in its INIT or INIT ACK.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InitExtensions {
    /// FORWARD-TSN (RFC 3758).
    pub partial_reliability: bool,
    /// RE-CONFIG (RFC 6525).
    pub reconfig: bool,
    /// I-DATA (RFC 8260).
    pub interleaving: bool,
    /// Packets with a zero checksum are accepted, for they come over DTLS (RFC 9653).
    pub zero_checksum: bool,
}

impl InitExtensions {
    /// Appends the parameters that announce these extensions.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), NoSpace> {
        let mut supported = Vec::with_capacity(4);
        if self.reconfig {
            supported.push(kind::RE_CONFIG);
        }
        if self.partial_reliability {
            supported.push(kind::FORWARD_TSN);
            Parameter { kind: parameter::FORWARD_TSN, value: &[] }.write(out)?;
        }
        if self.interleaving {
            supported.push(kind::I_DATA);
            if self.partial_reliability {
                supported.push(kind::I_FORWARD_TSN);
            }
        }
        if self.zero_checksum {
            Parameter { kind: parameter::ZERO_CHECKSUM, value: &EDMID_DTLS }.write(out)?;
        }
        Parameter { kind: parameter::SUPPORTED_EXTENSIONS, value: &supported }.write(out)
    }

    /// Takes note of one parameter; false when it is not about extensions.
    pub fn note(&mut self, parameter: &Parameter<'_>) -> bool {
        match parameter.kind {
            parameter::FORWARD_TSN => self.partial_reliability = true,
            parameter::ZERO_CHECKSUM => self.zero_checksum = parameter.value == EDMID_DTLS,
            parameter::SUPPORTED_EXTENSIONS => {
                self.reconfig |= parameter.value.contains(&kind::RE_CONFIG);
                self.partial_reliability |= parameter.value.contains(&kind::FORWARD_TSN);
                self.interleaving |= parameter.value.contains(&kind::I_DATA);
            }
            _ => return false,
        }
        true
    }

    /// What both sides announced. A zero checksum is each side's own statement and stays the peer's.
    #[must_use]
    pub const fn common_with(self, peer: Self) -> Self {
        Self {
            partial_reliability: self.partial_reliability && peer.partial_reliability,
            reconfig: self.reconfig && peer.reconfig,
            interleaving: self.interleaving && peer.interleaving,
            zero_checksum: self.zero_checksum && peer.zero_checksum,
        }
    }

    /// The extensions as bits, for a cookie.
    pub(crate) fn to_bits(self) -> u8 {
        [self.partial_reliability, self.reconfig, self.interleaving, self.zero_checksum]
            .into_iter()
            .fold(0, |bits, flag| bits << 1 | u8::from(flag))
    }

    /// The extensions from [`to_bits`](Self::to_bits).
    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self {
            partial_reliability: bits & 8 != 0,
            reconfig: bits & 4 != 0,
            interleaving: bits & 2 != 0,
            zero_checksum: bits & 1 != 0,
        }
    }
}

/// The most bytes of unrecognized parameters that are reported back.
pub(crate) const MAX_REPORTED: u64 = 512;

/// Appends a report of `parameter` to an INIT ACK's parameters, unless there are too many already.
pub(crate) fn report_unrecognized(parameter: &Parameter<'_>, out: &mut Vec<u8>) -> Result<(), NoSpace> {
    if wide(out.len()) > MAX_REPORTED || wide(parameter.value.len()) > MAX_REPORTED {
        return Ok(());
    }
    let mut inner = Vec::with_capacity(parameter.wire_len());
    parameter.write(&mut inner)?;
    Parameter { kind: parameter::UNRECOGNIZED, value: &inner }.write(out)
}

#[cfg(test)]
mod tests {
    use super::super::Chunks;
    use super::*;

    /// The INIT of a browser's `a=sctp-init` attribute.
    const BROWSER_INIT: &str = "0100001c654f15df00100000ffffffffdb402b6a8008000882c040c2";

    #[test]
    fn a_browsers_init_is_understood() {
        let bytes = hex::decode(BROWSER_INIT).unwrap();
        let init = Init::parse(&Chunks::new(&bytes).next().unwrap().unwrap()).unwrap();
        assert_eq!((init.initiate_tag, init.a_rwnd, init.initial_tsn), (0x654f_15df, 1 << 20, 0xdb40_2b6a));
        let mut extensions = InitExtensions::default();
        for parameter in init.parameters {
            assert!(extensions.note(&parameter.unwrap()));
        }
        let all_but_zero_checksum = InitExtensions {
            partial_reliability: true,
            reconfig: true,
            interleaving: true,
            zero_checksum: false,
        };
        assert_eq!(extensions, all_but_zero_checksum);
        let mut out = Vec::new();
        init.write(kind::INIT, &mut out).unwrap();
        assert_eq!(out, bytes);
    }

    #[test]
    fn announced_extensions_read_back() {
        for bits in 0..16 {
            let extensions = InitExtensions::from_bits(bits);
            let mut bytes = Vec::new();
            extensions.write(&mut bytes).unwrap();
            let mut read = InitExtensions::default();
            assert!(Parameters::new(&bytes).all(|parameter| read.note(&parameter.unwrap())));
            assert_eq!((read, extensions.to_bits()), (extensions, bits));
        }
    }
}
