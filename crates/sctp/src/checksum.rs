//! CRC32c over a whole packet (RFC 9260, section 6.8 and appendix A).

/// The CRC32c of `bytes`, as the number whose little-endian bytes go on the wire.
#[cfg(feature = "std")]
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// The CRC32c of `bytes`, as the number whose little-endian bytes go on the wire.
#[cfg(not(feature = "std"))]
pub fn crc32c(bytes: &[u8]) -> u32 {
    table::crc32c(bytes)
}

/// The checksum of a packet whose checksum field, bytes 8 to 11, counts as zero; `None` for less than a header.
pub(crate) fn packet_checksum(packet: &[u8]) -> Option<[u8; 4]> {
    let (head, rest) = packet.split_first_chunk::<8>()?;
    let body = rest.get(4..)?;
    Some(split::crc32c_without_field(head, body).to_le_bytes())
}

#[cfg(feature = "std")]
mod split {
    use crate::num::low32;
    use crc_fast::{CrcAlgorithm, Digest};

    pub(super) fn crc32c_without_field(head: &[u8; 8], body: &[u8]) -> u32 {
        let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
        let [a, b, c, d, e, f, g, h] = *head;
        digest.update(&[a, b, c, d, e, f, g, h, 0, 0, 0, 0]);
        digest.update(body);
        low32(digest.finalize())
    }
}

#[cfg(not(feature = "std"))]
mod split {
    pub(super) fn crc32c_without_field(head: &[u8; 8], body: &[u8]) -> u32 {
        let crc = super::table::update(!0, head);
        !super::table::update(super::table::update(crc, &[0; 4]), body)
    }
}

#[cfg(any(test, not(feature = "std")))]
mod table {
    const POLYNOMIAL: u32 = 0x82f6_3b78;

    /// The effect of four bits shifted out; two steps make a byte. Sixteen entries keep the crate small where no
    /// `std` usually means little memory.
    const NIBBLES: [u32; 16] = nibbles();

    #[allow(clippy::indexing_slicing, reason = "constant evaluation, where a wrong index does not compile")]
    const fn nibbles() -> [u32; 16] {
        let mut table = [0; 16];
        let mut index = 0;
        let mut seed = 0u32;
        while index < table.len() {
            let mut crc = seed;
            let mut bit = 0;
            while bit < 4 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
                bit += 1;
            }
            table[index] = crc;
            index += 1;
            seed += 1;
        }
        table
    }

    fn step(crc: u32) -> u32 {
        let [.., low] = crc.to_be_bytes();
        (crc >> 4) ^ NIBBLES.get(usize::from(low & 0xf)).copied().unwrap_or_default()
    }

    pub(super) fn update(crc: u32, bytes: &[u8]) -> u32 {
        bytes.iter().fold(crc, |crc, byte| step(step(crc ^ u32::from(*byte))))
    }

    #[cfg(any(test, not(feature = "std")))]
    pub(super) fn crc32c(bytes: &[u8]) -> u32 {
        !update(!0, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[test]
    fn published_vectors_match() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/vectors/sctp/crc32c.json")).unwrap();
        for vector in vectors["vectors"].as_array().unwrap() {
            let bytes = hex::decode(vector["hex"].as_str().unwrap()).unwrap();
            let expected = u32::from_str_radix(vector["crc32c"].as_str().unwrap(), 16).unwrap();
            assert_eq!(crc32c(&bytes), expected, "{}", vector["name"]);
            assert_eq!(table::crc32c(&bytes), expected, "{}", vector["name"]);
        }
    }

    proptest! {
        #[test]
        fn the_field_itself_counts_as_zero(mut packet in prop::collection::vec(any::<u8>(), 12..200)) {
            let checksum = packet_checksum(&packet).unwrap();
            packet[8..12].fill(0);
            prop_assert_eq!(checksum, table::crc32c(&packet).to_le_bytes());
        }

        #[test]
        fn both_implementations_agree(bytes: Vec<u8>) {
            prop_assert_eq!(crc32c(&bytes), table::crc32c(&bytes));
        }
    }
}
