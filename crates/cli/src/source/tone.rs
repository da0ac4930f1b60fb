//! A tone as G.711 µ-law, and silence as Opus.

/// 20 ms of silence as an Opus packet (RFC 6716, section 3): one CELT frame, full band, mono.
pub(crate) const OPUS_SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];

/// A 440 Hz sine at 8 kHz.
#[derive(Debug, Default)]
pub(crate) struct Tone {
    sample: u32,
}

impl Tone {
    /// The next 20 ms: 160 samples.
    pub(crate) fn next_packet(&mut self) -> Vec<u8> {
        (0..160)
            .map(|_| {
                let phase = f64::from(self.sample) * 440.0 / 8000.0 * std::f64::consts::TAU;
                self.sample = (self.sample + 1) % 8000;
                mu_law((phase.sin() * 4000.0) as i16)
            })
            .collect()
    }
}

/// ITU-T G.711, µ-law: sign, exponent of the biased magnitude, four bits of mantissa, all inverted.
fn mu_law(sample: i16) -> u8 {
    let magnitude = sample.unsigned_abs().min(32_635) + 132;
    let exponent = (15 - magnitude.leading_zeros()).saturating_sub(7);
    let mantissa = magnitude >> (exponent + 3) & 0x0f;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (exponent as u8) << 4 | mantissa as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mu_law_has_its_known_points() {
        assert_eq!([mu_law(0), mu_law(-1), mu_law(32_635), mu_law(-32_635)], [0xff, 0x7f, 0x80, 0x00]);
    }

    #[test]
    fn the_tone_goes_on_without_a_gap() {
        let mut tone = Tone::default();
        assert_eq!(tone.next_packet().len(), 160);
        assert_eq!(tone.sample, 160);
    }
}
