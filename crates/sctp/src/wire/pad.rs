//! PAD (RFC 4820, section 3).
//!
//! ```text
//! +---------------+---------------+-------------------------------+
//! |  Type = 132   |   Flags = 0   |            Length             |
//! |                     Padding Data (zeros) ...                  |
//! +---------------------------------------------------------------+
//! ```

use super::chunk::{kind, put_header};
use sendrecv_core::{NoSpace, Writer};

/// Appends a PAD of `len` bytes in all, header included; `len` is a multiple of 4 and at least 4.
pub fn write_pad(len: usize, out: &mut impl Writer) -> Result<(), NoSpace> {
    let value_len = len.saturating_sub(4);
    put_header(out, kind::PAD, 0, value_len)?;
    out.put_zeros(value_len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn padding_is_as_long_as_asked() {
        let mut bytes = Vec::new();
        write_pad(8, &mut bytes).unwrap();
        assert_eq!(hex::encode(&bytes), "8400000800000000");
    }
}
