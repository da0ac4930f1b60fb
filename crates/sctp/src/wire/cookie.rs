//! COOKIE ECHO and COOKIE ACK (RFC 9260, sections 3.3.11 and 3.3.12).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |   Type = 10   |   Flags = 0   |            Length             |
//! |              State Cookie, as it was in the INIT ACK          |
//! +---------------------------------------------------------------+
//! |   Type = 11   |   Flags = 0   |          Length = 4           |
//! +---------------------------------------------------------------+
//! ```

use super::chunk::{Chunk, kind};
use sendrecv_core::{NoSpace, Writer};

/// Appends a COOKIE ECHO.
pub fn write_cookie_echo(cookie: &[u8], out: &mut impl Writer) -> Result<(), NoSpace> {
    Chunk { kind: kind::COOKIE_ECHO, flags: 0, value: cookie }.write(out)
}

/// Appends a COOKIE ACK.
pub fn write_cookie_ack(out: &mut impl Writer) -> Result<(), NoSpace> {
    Chunk { kind: kind::COOKIE_ACK, flags: 0, value: &[] }.write(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn cookies_have_their_documented_bytes() {
        let mut bytes = Vec::new();
        write_cookie_echo(&[0xaa; 5], &mut bytes).unwrap();
        write_cookie_ack(&mut bytes).unwrap();
        assert_eq!(hex::encode(&bytes), "0a000009aaaaaaaaaa0000000b000004");
    }
}
