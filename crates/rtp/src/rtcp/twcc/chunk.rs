//! Packet status chunks (sections 3.1.1 to 3.1.4).
//!
//! ```text
//!  0                   1             0                   1
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |0| S |       run length        | |1|s| 14 symbols of 1, 7 of 2  |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+ +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```

/// What became of one packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symbol {
    /// It was not received, or not yet.
    #[default]
    NotReceived,
    /// It was received, with a delta of one byte.
    Small,
    /// It was received, with a signed delta of two bytes.
    Large,
    /// Reserved; taken as received without a time, which is how the draft's examples read it.
    Untimed,
}

impl Symbol {
    pub(super) const fn from_bits(bits: u16) -> Self {
        match bits & 3 {
            0 => Self::NotReceived,
            1 => Self::Small,
            2 => Self::Large,
            _ => Self::Untimed,
        }
    }

    pub(super) const fn bits(self) -> u16 {
        match self {
            Self::NotReceived => 0,
            Self::Small => 1,
            Self::Large => 2,
            Self::Untimed => 3,
        }
    }

    /// How many bytes of delta belong to it.
    pub const fn delta_len(self) -> usize {
        match self {
            Self::NotReceived | Self::Untimed => 0,
            Self::Small => 1,
            Self::Large => 2,
        }
    }
}

/// One packet status chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// The same symbol, `length` times (13 bits).
    Run {
        /// The symbol.
        symbol: Symbol,
        /// How many packets.
        length: u16,
    },
    /// 14 symbols of one bit, from bit 13 down: received with a small delta, or not.
    OneBit(u16),
    /// 7 symbols of two bits, from bits 13 and 12 down.
    TwoBit(u16),
}

impl Chunk {
    /// Reads 16 bits; all of them mean something.
    pub const fn from_bits(bits: u16) -> Self {
        match bits >> 14 {
            2 => Self::OneBit(bits & 0x3fff),
            3 => Self::TwoBit(bits & 0x3fff),
            _ => Self::Run { symbol: Symbol::from_bits(bits >> 13), length: bits & 0x1fff },
        }
    }

    /// As 16 bits.
    pub const fn bits(self) -> u16 {
        match self {
            Self::Run { symbol, length } => symbol.bits() << 13 | length & 0x1fff,
            Self::OneBit(list) => 0x8000 | list & 0x3fff,
            Self::TwoBit(list) => 0xc000 | list & 0x3fff,
        }
    }

    /// How many symbols it holds.
    pub const fn len(self) -> u16 {
        match self {
            Self::Run { length, .. } => length,
            Self::OneBit(_) => 14,
            Self::TwoBit(_) => 7,
        }
    }

    /// Whether it holds no symbol: a run of length zero.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The symbol at `index`, which is below [`len`](Self::len).
    pub const fn symbol(self, index: u16) -> Symbol {
        match self {
            Self::Run { symbol, .. } => symbol,
            Self::OneBit(list) => Symbol::from_bits(list >> 13u16.saturating_sub(index) & 1),
            Self::TwoBit(list) => Symbol::from_bits(list >> 12u16.saturating_sub(index.saturating_mul(2))),
        }
    }

    /// The bytes of delta that the first `count` of its symbols need.
    pub(super) fn delta_len(self, count: u16) -> usize {
        match self {
            Self::Run { symbol, .. } => symbol.delta_len() * usize::from(count),
            _ => (0..count).map(|index| self.symbol(index).delta_len()).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn the_examples_of_the_draft_read_as_described() {
        let text = include_str!("../../../../../tests/vectors/rtp/rtp_rtcp_numbers.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        for example in vectors["twcc_chunks"]["examples"].as_array().unwrap() {
            let bits = u16::from_str_radix(example["hex"].as_str().unwrap(), 16).unwrap();
            let chunk = Chunk::from_bits(bits);
            assert_eq!(chunk.bits(), bits);
            if let Some(length) = example["length"].as_u64() {
                assert!(matches!(chunk, Chunk::Run { .. }));
                assert_eq!(u64::from(chunk.len()), length);
            } else {
                let symbols: Vec<u64> = (0..chunk.len()).map(|i| u64::from(chunk.symbol(i).bits())).collect();
                let expected: Vec<u64> = example["symbols"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|symbol| symbol.as_u64().unwrap())
                    .collect();
                assert_eq!(symbols, expected);
            }
        }
    }

    proptest! {
        #[test]
        fn every_16_bits_are_a_chunk(bits: u16) {
            let chunk = Chunk::from_bits(bits);
            prop_assert_eq!(chunk.bits(), bits);
            let by_symbol: usize = (0..chunk.len()).map(|index| chunk.symbol(index).delta_len()).sum();
            prop_assert_eq!(chunk.delta_len(chunk.len()), by_symbol);
        }
    }
}
