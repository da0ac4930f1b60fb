//! SHUTDOWN, SHUTDOWN ACK and SHUTDOWN COMPLETE (RFC 9260, sections 3.3.8, 3.3.9 and 3.3.13).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |   Type = 7    |   Flags = 0   |          Length = 8           |
//! |                      Cumulative TSN Ack                       |
//! +---------------------------------------------------------------+
//! |   Type = 8    |   Flags = 0   |          Length = 4           |
//! +---------------------------------------------------------------+
//! |   Type = 14   |  Flags = ...T |          Length = 4           |
//! +---------------------------------------------------------------+
//! ```

use super::Malformed;
use super::chunk::{Chunk, kind};
use sendrecv_core::{NoSpace, Reader, Writer};

/// A SHUTDOWN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Everything up to this TSN has arrived.
    pub cumulative_tsn: u32,
}

impl Shutdown {
    /// Reads a chunk of type SHUTDOWN.
    pub fn parse(chunk: &Chunk<'_>) -> Result<Self, Malformed> {
        Ok(Self { cumulative_tsn: Reader::new(chunk.value).u32()? })
    }

    /// Appends the chunk.
    pub fn write(&self, out: &mut impl Writer) -> Result<(), NoSpace> {
        Chunk { kind: kind::SHUTDOWN, flags: 0, value: &self.cumulative_tsn.to_be_bytes() }.write(out)
    }
}

/// Appends a SHUTDOWN ACK.
pub fn write_shutdown_ack(out: &mut impl Writer) -> Result<(), NoSpace> {
    Chunk { kind: kind::SHUTDOWN_ACK, flags: 0, value: &[] }.write(out)
}

/// Appends a SHUTDOWN COMPLETE; `reflected` sets the T bit: the verification tag is the peer's own.
pub fn write_shutdown_complete(reflected: bool, out: &mut impl Writer) -> Result<(), NoSpace> {
    Chunk { kind: kind::SHUTDOWN_COMPLETE, flags: u8::from(reflected), value: &[] }.write(out)
}

#[cfg(test)]
mod tests {
    use super::super::Chunks;
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn shutdowns_have_their_documented_bytes() {
        let mut bytes = Vec::new();
        Shutdown { cumulative_tsn: 0x0102_0304 }.write(&mut bytes).unwrap();
        let chunk = Chunks::new(&bytes).next().unwrap().unwrap();
        assert_eq!(Shutdown::parse(&chunk), Ok(Shutdown { cumulative_tsn: 0x0102_0304 }));
        write_shutdown_ack(&mut bytes).unwrap();
        write_shutdown_complete(true, &mut bytes).unwrap();
        assert_eq!(hex::encode(&bytes), "0700000801020304080000040e010004");
    }
}
