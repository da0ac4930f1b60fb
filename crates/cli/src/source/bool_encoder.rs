//! The boolean entropy encoder of VP8 (RFC 6386, section 7).

/// Writes booleans of known probability as an arithmetic code.
pub(super) struct BoolEncoder {
    out: Vec<u8>,
    low: u32,
    range: u32,
    bits_to_byte: u32,
}

impl BoolEncoder {
    pub(super) const fn new() -> Self {
        Self { out: Vec::new(), low: 0, range: 255, bits_to_byte: 24 }
    }

    /// Writes one boolean whose probability of being false is `probability / 256`.
    pub(super) fn put(&mut self, value: bool, probability: u8) {
        let split = 1 + (((self.range - 1) * u32::from(probability)) >> 8);
        if value {
            self.low = self.low.wrapping_add(split);
            if self.low < split {
                self.carry();
            }
            self.range -= split;
        } else {
            self.range = split;
        }
        while self.range < 128 {
            self.range <<= 1;
            self.shift();
        }
    }

    /// Writes the low `bits` bits of `value`, highest first, each as likely as not.
    pub(super) fn literal(&mut self, value: u32, bits: u32) {
        for bit in (0..bits).rev() {
            self.put(value >> bit & 1 == 1, 128);
        }
    }

    /// The finished partition.
    pub(super) fn finish(mut self) -> Vec<u8> {
        for _ in 0..32 {
            self.shift();
        }
        self.out
    }

    fn shift(&mut self) {
        if self.low >> 31 == 1 {
            self.carry();
        }
        self.low <<= 1;
        self.bits_to_byte -= 1;
        if self.bits_to_byte == 0 {
            let [byte, rest @ ..] = self.low.to_be_bytes();
            self.out.push(byte);
            self.low = u32::from_be_bytes([0, rest[0], rest[1], rest[2]]);
            self.bits_to_byte = 8;
        }
    }

    fn carry(&mut self) {
        for byte in self.out.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decoder of RFC 6386, section 7.3, one bit at a time.
    fn decode(data: &[u8], probabilities: &[u8]) -> Vec<bool> {
        let mut bits = data.iter().flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1)));
        let mut value = (0..16).fold(0, |value, _| value << 1 | bits.next().unwrap_or(0));
        let mut range = 255u32;
        let mut next = |probability: u8| {
            let split = 1 + (((range - 1) * u32::from(probability)) >> 8);
            let bit = value >= split << 8;
            if bit {
                value -= split << 8;
                range -= split;
            } else {
                range = split;
            }
            while range < 128 {
                value = value << 1 | bits.next().unwrap_or(0);
                range <<= 1;
            }
            bit
        };
        probabilities.iter().map(|probability| next(*probability)).collect()
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut state = 1u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let values: Vec<(bool, u8)> =
            (0..20_000).map(|_| (random() % 5 == 0, u8::try_from(random() % 255 + 1).unwrap())).collect();
        let mut encoder = BoolEncoder::new();
        values.iter().for_each(|(value, probability)| encoder.put(*value, *probability));
        let data = encoder.finish();
        let probabilities: Vec<u8> = values.iter().map(|(_, probability)| *probability).collect();
        assert_eq!(decode(&data, &probabilities), values.iter().map(|(value, _)| *value).collect::<Vec<_>>());
    }
}
