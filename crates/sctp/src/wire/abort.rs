//! ABORT (RFC 9260, section 3.3.7).
//!
//! ```text
//! +---------------+-------------+-+-------------------------------+
//! |   Type = 6    |  Reserved   |T|            Length             |
//! |                       Error causes ...                        |
//! +---------------------------------------------------------------+
//! ```

use super::cause::Causes;
use super::chunk::{Chunk, kind};
use sendrecv_core::{NoSpace, Writer};

/// An ABORT.
#[derive(Clone, Copy, Debug)]
pub struct Abort<'a> {
    /// The T bit: the verification tag is the receiver's own, reflected.
    pub reflected: bool,
    /// Why.
    pub causes: Causes<'a>,
}

impl<'a> Abort<'a> {
    /// Reads a chunk of type ABORT.
    pub const fn parse(chunk: &Chunk<'a>) -> Self {
        Self { reflected: chunk.flags & 1 != 0, causes: Causes::new(chunk.value) }
    }

    /// Appends the chunk with `causes`, already encoded.
    pub fn write(reflected: bool, causes: &[u8], out: &mut impl Writer) -> Result<(), NoSpace> {
        Chunk { kind: kind::ABORT, flags: u8::from(reflected), value: causes }.write(out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Cause, Chunks, code};
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn an_abort_carries_its_causes() {
        let (mut causes, mut bytes) = (Vec::new(), Vec::new());
        Cause { code: code::USER_INITIATED_ABORT, value: b"bye" }.write(&mut causes).unwrap();
        Abort::write(true, &causes, &mut bytes).unwrap();
        assert_eq!(hex::encode(&bytes), "0601000c000c000762796500");
        let abort = Abort::parse(&Chunks::new(&bytes).next().unwrap().unwrap());
        let read: Vec<_> = abort.causes.collect();
        assert_eq!((abort.reflected, read), (true, [Ok(Cause { code: 12, value: b"bye" })].to_vec()));
    }
}
