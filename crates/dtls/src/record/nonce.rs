//! Nonces (RFC 8446, section 5.3; RFC 7905, section 2).

/// What a direction's nonces are made from: twelve bytes, into the last eight of which every record's number is XORed.
///
/// Kept as the two words that ciphers read nonces in. Put together byte by byte, a nonce has to go through memory before
/// it can be read again, which a short record feels.
#[derive(Clone, Copy)]
pub(super) struct Iv {
    /// The first eight bytes.
    first: u64,
    /// The last four, in the low half.
    last: u64,
}

impl Iv {
    pub(super) const fn new([a, b, c, d, e, f, g, h, i, j, k, l]: [u8; 12]) -> Self {
        let first = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        Self { first, last: u64::from_be_bytes([0, 0, 0, 0, i, j, k, l]) }
    }

    /// The nonce of the record with this number.
    pub(super) const fn nonce(&self, number: u64) -> [u8; 12] {
        let [a, b, c, d, e, f, g, h] = (self.first ^ (number >> 32)).to_be_bytes();
        let [.., i, j, k, l] = (self.last ^ number).to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_goes_into_the_last_eight_bytes() {
        let iv = Iv::new([1, 2, 3, 4, 0xf0, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(iv.nonce(0), [1, 2, 3, 4, 0xf0, 6, 7, 8, 9, 10, 11, 12]);
        assert_eq!(iv.nonce(0x0f00_0000_0100_00ff), [1, 2, 3, 4, 0xff, 6, 7, 8, 8, 10, 11, 0xf3]);
    }
}
