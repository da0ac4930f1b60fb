//! Application-defined packets (RFC 3550, section 6.7).

use super::{RtcpError, packet_type, write_header};
use sendrecv_core::{NoSpace, Reader, Writer};

/// An application-defined packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct App<'a> {
    /// Five bits of the application's choice.
    pub subtype: u8,
    /// Who sends it.
    pub ssrc: u32,
    /// Four ASCII characters that name the application.
    pub name: [u8; 4],
    /// Whole words of data.
    pub data: &'a [u8],
}

impl<'a> App<'a> {
    pub(super) fn read(subtype: u8, body: &'a [u8]) -> Result<Self, RtcpError> {
        let mut reader = Reader::new(body);
        Ok(Self { subtype, ssrc: reader.u32()?, name: reader.array()?, data: reader.rest() })
    }

    /// Writes the packet; data is filled with zeros to whole words.
    pub fn write<W: Writer + ?Sized>(&self, out: &mut W) -> Result<(), NoSpace> {
        let padded = self.data.len().next_multiple_of(4);
        write_header(out, self.subtype, packet_type::APP, 8 + padded)?;
        out.put_u32(self.ssrc)?;
        out.put(&self.name)?;
        out.put(self.data)?;
        out.put_zeros(padded - self.data.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, RtcpPacket};
    use alloc::vec::Vec;

    #[test]
    fn application_data_survives_the_wire() {
        let app = App { subtype: 5, ssrc: 9, name: *b"test", data: &[1, 2, 3, 4] };
        let mut out = Vec::new();
        app.write(&mut out).unwrap();
        let Some(Ok(RtcpPacket::App(read))) = Compound::parse(&out).unwrap().next() else { panic!() };
        assert_eq!(read, app);
    }
}
