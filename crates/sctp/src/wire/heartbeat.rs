//! HEARTBEAT and HEARTBEAT ACK (RFC 9260, sections 3.3.5 and 3.3.6).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! | Type = 4 or 5 |   Flags = 0   |            Length             |
//! |    Heartbeat Info Type = 1    |          Info Length          |
//! |          Sender-specific information, echoed as it is         |
//! +---------------------------------------------------------------+
//! ```

use super::chunk::{Chunk, kind};
use super::tlv::Parameter;
use alloc::vec::Vec;
use sendrecv_core::{NoSpace, Writer};

const HEARTBEAT_INFO: u16 = 1;

/// Appends a HEARTBEAT with `info` as its information.
pub fn write_heartbeat(info: &[u8], out: &mut impl Writer) -> Result<(), NoSpace> {
    let mut value = Vec::with_capacity(info.len().saturating_add(4));
    Parameter { kind: HEARTBEAT_INFO, value: info }.write(&mut value)?;
    Chunk { kind: kind::HEARTBEAT, flags: 0, value: &value }.write(out)
}

/// Appends a HEARTBEAT ACK that echoes `value`, the whole value of a HEARTBEAT.
pub fn write_heartbeat_ack(value: &[u8], out: &mut impl Writer) -> Result<(), NoSpace> {
    Chunk { kind: kind::HEARTBEAT_ACK, flags: 0, value }.write(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_has_its_documented_bytes() {
        let mut bytes = Vec::new();
        write_heartbeat(&[1, 2, 3, 4], &mut bytes).unwrap();
        assert_eq!(hex::encode(&bytes), "0400000c0001000801020304");
        let mut ack = Vec::new();
        write_heartbeat_ack(&bytes[4..], &mut ack).unwrap();
        assert_eq!((ack[0], &ack[1..]), (5, &bytes[1..]));
    }
}
