//! Frames of an IVF file, over and over.
//!
//! ```text
//! "DKIF"  version u16  header length u16  codec fourcc  width u16  height u16  ...   then per frame: length u32, time u64, data
//! ```

use std::path::Path;

const FRAME_HEADER: usize = 12;

/// A VP8 file in memory.
#[derive(Debug)]
pub(crate) struct IvfLoop {
    frames: Vec<Vec<u8>>,
    next: usize,
}

impl IvfLoop {
    /// Reads a file, or says what is wrong with it.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let bytes =
            std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let frames =
            parse(&bytes).ok_or_else(|| format!("{} is not an IVF file with VP8 frames", path.display()))?;
        Ok(Self { frames, next: 0 })
    }

    /// The next frame, the first one again after the last.
    pub(crate) fn next_frame(&mut self) -> &[u8] {
        let position = self.next;
        self.next = (self.next + 1) % self.frames.len();
        &self.frames[position]
    }
}

fn parse(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (magic, fourcc) = (bytes.get(..4)?, bytes.get(8..12)?);
    if magic != b"DKIF" || fourcc != b"VP80" {
        return None;
    }
    let header_len = u16::from_le_bytes(bytes.get(6..8)?.try_into().ok()?);
    let mut rest = bytes.get(usize::from(header_len)..)?;
    let mut frames = Vec::new();
    while let Some((length, _)) = rest.split_first_chunk::<4>() {
        let end = FRAME_HEADER.checked_add(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        frames.push(rest.get(FRAME_HEADER..end)?.to_vec());
        rest = rest.get(end..)?;
    }
    (!frames.is_empty()).then_some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(frames: &[&[u8]]) -> Vec<u8> {
        let mut bytes = b"DKIF\0\0\x20\0VP80".to_vec();
        bytes.resize(32, 0);
        for frame in frames {
            bytes.extend((frame.len() as u32).to_le_bytes());
            bytes.extend([0; 8]);
            bytes.extend(*frame);
        }
        bytes
    }

    #[test]
    fn frames_come_in_order_and_again() {
        let mut ivf = IvfLoop { frames: parse(&file(&[b"one", b"two"])).unwrap(), next: 0 };
        assert_eq!(
            [ivf.next_frame().to_vec(), ivf.next_frame().to_vec(), ivf.next_frame().to_vec()],
            [*b"one", *b"two", *b"one"]
        );
    }

    #[test]
    fn damaged_files_are_refused() {
        let good = file(&[b"one"]);
        assert!(parse(&good[..good.len() - 1]).is_none());
        assert!(parse(b"RIFF").is_none());
        assert!(parse(&file(&[])).is_none());
    }
}
