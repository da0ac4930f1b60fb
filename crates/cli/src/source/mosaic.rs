//! A moving mosaic as VP8 key frames.

use super::vp8::{self, Yuv};

/// 640 × 352 pixels in macroblocks.
const COLUMNS: u16 = 40;
const ROWS: u16 = 22;

/// The synthetic picture.
#[derive(Debug, Default)]
pub(crate) struct Mosaic {
    frame: u32,
}

impl Mosaic {
    /// The next frame, encoded.
    pub(crate) fn next_frame(&mut self) -> Vec<u8> {
        let time = f64::from(self.frame) / 15.0;
        self.frame = self.frame.wrapping_add(1);
        vp8::encode(COLUMNS, ROWS, |column, row| colour(f64::from(column), f64::from(row), time))
    }
}

/// Interfering waves: every block differs from its neighbours, and all of them move.
fn colour(x: f64, y: f64, time: f64) -> Yuv {
    let wave = |value: f64, middle: f64, swing: f64| (middle + swing * value.sin()).round().clamp(0.0, 255.0);
    let luma = wave(x * 0.4 + time * 2.0, 130.0, 60.0) + wave(y * 0.5 - time, 0.0, 30.0);
    [luma, wave(x * 0.15 + y * 0.1 + time, 128.0, 70.0), wave(y * 0.2 - x * 0.07 + time * 0.7, 128.0, 70.0)]
        .map(byte)
}

fn byte(value: f64) -> u8 {
    // Saturates by definition of the cast, and the value is already in range.
    value as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_small_key_frames_of_the_right_size_and_move() {
        let mut mosaic = Mosaic::default();
        let (one, two) = (mosaic.next_frame(), mosaic.next_frame());
        assert_eq!(one[0] & 1, 0, "key frame");
        assert_eq!(&one[3..10], [0x9d, 0x01, 0x2a, 128, 2, 96, 1]);
        assert!(one.len() < 8_000, "{} bytes", one.len());
        assert_ne!(one, two);
    }
}
