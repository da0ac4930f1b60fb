//! An arbitrary byte stream in arbitrary pieces: the framing finds the same messages as in one piece.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sendrecv_turn::{FramingError, StreamFraming};

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, Result<(), FramingError>) {
    let (mut framing, mut frames) = (StreamFraming::default(), Vec::new());
    for mut piece in pieces {
        while !piece.is_empty() {
            piece = &piece[framing.push(piece)..];
            loop {
                match framing.next_frame() {
                    Ok(Some(frame)) => frames.push(frame.to_vec()),
                    Ok(None) => break,
                    Err(error) => return (frames, Err(error)),
                }
            }
        }
    }
    (frames, Ok(()))
}

fuzz_target!(|input: (u8, &[u8])| {
    let (size, stream) = input;
    assert_eq!(frames(stream.chunks(usize::from(size).max(1))), frames(std::iter::once(stream)));
});
