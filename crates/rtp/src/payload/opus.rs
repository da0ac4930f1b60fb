//! Opus (RFC 7587): one Opus packet is one RTP payload.
//!
//! ```text
//!  0 1 2 3 4 5 6 7
//! +-+-+-+-+-+-+-+-+
//! | config  |s| c |  table of contents (RFC 6716, section 3.1)
//! +-+-+-+-+-+-+-+-+
//! ```

/// The clock rate of Opus in RTP, whatever the audio's sampling rate (RFC 7587, section 4.1).
pub const CLOCK_RATE: u32 = 48_000;

/// How much audio an Opus packet holds, in samples of 48 kHz; `None` when it is empty or exceeds the 120 ms that a
/// packet may hold (RFC 6716, sections 3.1 and 3.2).
pub fn duration(packet: &[u8]) -> Option<u32> {
    let toc = *packet.first()?;
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 0x3f),
    };
    let duration = frame_duration(toc >> 3) * frames;
    (1..=5760).contains(&duration).then_some(duration)
}

/// Samples per frame by the TOC's configuration, 0 to 31.
const fn frame_duration(config: u8) -> u32 {
    let size = config & 3;
    match config {
        // SILK: 10, 20, 40, 60 ms.
        0..=11 => match size {
            3 => 2880,
            size => 480 << size,
        },
        // Hybrid: 10, 20 ms.
        12..=15 => 480 << (config & 1),
        // CELT: 2.5, 5, 10, 20 ms.
        _ => 120 << size,
    }
}

/// An Opus packet of 20 ms of silence, mono.
pub const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_follow_the_table_of_contents() {
        assert_eq!(duration(&SILENCE), Some(960));
        assert_eq!(duration(&[3 << 3]), Some(2880));
        assert_eq!(duration(&[13 << 3 | 1]), Some(1920));
        assert_eq!(duration(&[16 << 3 | 3, 48]), Some(5760));
    }

    #[test]
    fn impossible_packets_have_no_duration() {
        for packet in [&[][..], &[3], &[3, 0], &[3 << 3 | 3, 3]] {
            assert_eq!(duration(packet), None, "{packet:?}");
        }
    }
}
