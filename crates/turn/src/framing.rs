//! TURN over a byte stream (RFC 8656, sections 3.1 and 12.5; RFC 8489, section 6.2.2).
//!
//! ```text
//! |<-------- STUN --------->|<---------- ChannelData ----------->|<- STUN …
//! | 00.. type | length | …  | 40..4f | length | data | padding   |
//! ```
//!
//! There is no framing of its own: both kinds of message say how long they are, STUN in multiples of four, ChannelData
//! exactly, with the padding implied.

use crate::channel_data;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// The longest message: a STUN header and the longest body its length field can say.
const MAX_FRAME: usize = sendrecv_stun::HEADER_LEN + 0xffff;

/// The stream is not TURN, or has lost its alignment: it must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FramingError;

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither a STUN message nor ChannelData on the stream")
    }
}

impl core::error::Error for FramingError {}

/// Cuts what a TCP or TLS stream from a TURN server brings into messages.
///
/// It holds no more than one message of the greatest length, 65,555 bytes, and only as much memory as the longest one
/// so far needed. Nothing is needed for the other direction: what the client sends already is its own frame.
///
/// ```
/// use sendrecv_turn::StreamFraming;
///
/// let mut framing = StreamFraming::default();
/// let mut input: &[u8] = &[0x40, 0, 0, 2, b'h', b'i', 0, 0, 0x40, 1, 0, 0];
/// let mut frames = 0;
/// while !input.is_empty() {
///     let taken = framing.push(input);
///     input = &input[taken..];
///     while let Some(frame) = framing.next_frame()? {
///         frames += usize::from(frame.len() >= 4); // hand it to TurnClient::handle_datagram
///     }
/// }
/// assert_eq!(frames, 2);
/// # Ok::<(), sendrecv_turn::FramingError>(())
/// ```
#[derive(Debug, Default)]
pub struct StreamFraming {
    buffer: Vec<u8>,
    /// Everything before this was handed out.
    consumed: usize,
}

impl StreamFraming {
    /// Takes in bytes from the stream and says how many: fewer than given when there is no room before
    /// [`next_frame`](Self::next_frame) was drained.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        let room = MAX_FRAME.saturating_sub(self.buffer.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        taken.len()
    }

    /// The next whole message, without padding; `None` until more bytes came.
    pub fn next_frame(&mut self) -> Result<Option<&mut [u8]>, FramingError> {
        let waiting = self.buffer.get(self.consumed..).unwrap_or_default();
        let Some(Frame { len, padded_len }) = Frame::measure(waiting)? else { return Ok(None) };
        if waiting.len() < padded_len {
            return Ok(None);
        }
        let frame: Range<usize> = self.consumed..self.consumed + len;
        self.consumed += padded_len;
        Ok(self.buffer.get_mut(frame))
    }

    /// Bytes that wait for the rest of their message.
    pub const fn buffered(&self) -> usize {
        self.buffer.len() - self.consumed
    }
}

/// How long the first message is, with and without padding.
struct Frame {
    len: usize,
    padded_len: usize,
}

impl Frame {
    fn measure(bytes: &[u8]) -> Result<Option<Self>, FramingError> {
        let is_stun = match bytes {
            [] => return Ok(None),
            [0..=3, ..] => true,
            _ if channel_data::is_channel_data(bytes) => false,
            _ => return Err(FramingError),
        };
        let [_, _, high, low, ..] = bytes else { return Ok(None) };
        let body = usize::from(u16::from_be_bytes([*high, *low]));
        if !is_stun {
            let len = channel_data::HEADER_LEN + body;
            return Ok(Some(Self { len, padded_len: len.next_multiple_of(4) }));
        }
        if !body.is_multiple_of(4) {
            return Err(FramingError);
        }
        let len = sendrecv_stun::HEADER_LEN + body;
        Ok(Some(Self { len, padded_len: len }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn drain(framing: &mut StreamFraming, mut input: &[u8]) -> Result<Vec<Vec<u8>>, FramingError> {
        let mut frames = Vec::new();
        while !input.is_empty() {
            let taken = framing.push(input);
            input = &input[taken..];
            while let Some(frame) = framing.next_frame()? {
                frames.push(frame.to_vec());
            }
        }
        Ok(frames)
    }

    /// A message of either kind with this many body bytes, and what it is without padding.
    fn message(is_stun: bool, body: &[u8]) -> (Vec<u8>, usize) {
        let mut message = Vec::new();
        let body = if is_stun { &body[..body.len() / 4 * 4] } else { body };
        message.extend_from_slice(if is_stun { &[0, 1] } else { &[0x4a, 0xbc] });
        message.extend_from_slice(&u16::try_from(body.len()).unwrap().to_be_bytes());
        if is_stun {
            message.extend_from_slice(&[0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
        }
        message.extend_from_slice(body);
        let len = message.len();
        message.resize(len.next_multiple_of(4), 0);
        (message, len)
    }

    #[test]
    fn other_protocols_and_misaligned_lengths_are_errors() {
        assert_eq!(drain(&mut StreamFraming::default(), &[0x16, 3, 1, 0]), Err(FramingError));
        assert_eq!(drain(&mut StreamFraming::default(), &[0x50, 0, 0, 0]), Err(FramingError));
        assert_eq!(drain(&mut StreamFraming::default(), &[0, 1, 0, 3]), Err(FramingError));
    }

    #[test]
    fn the_buffer_is_bounded_by_one_message() {
        let mut framing = StreamFraming::default();
        assert_eq!(framing.push(&[0x40; 200_000]), MAX_FRAME);
        assert_eq!(framing.push(&[0x40; 10]), 0);
        assert!(framing.next_frame().unwrap().is_some());
        assert!(framing.push(&[0x40; 10]) > 0);
    }

    proptest! {
        #[test]
        fn messages_come_out_whole_however_the_stream_is_cut(
            bodies in vec((any::<bool>(), vec(any::<u8>(), 0..100)), 1..20),
            cuts in vec(1usize..50, 1..100),
        ) {
            let (mut stream, mut expected) = (Vec::new(), Vec::new());
            for (is_stun, body) in bodies {
                let (message, len) = message(is_stun, &body);
                expected.push(message[..len].to_vec());
                stream.extend_from_slice(&message);
            }
            let (mut framing, mut frames, mut rest) = (StreamFraming::default(), Vec::new(), &stream[..]);
            for cut in cuts.iter().cycle() {
                let (piece, behind) = rest.split_at((*cut).min(rest.len()));
                frames.extend(drain(&mut framing, piece).unwrap());
                rest = behind;
                if rest.is_empty() {
                    break;
                }
            }
            prop_assert_eq!(frames, expected);
            prop_assert_eq!(framing.buffered(), 0);
        }

        #[test]
        fn arbitrary_streams_never_panic(stream in vec(any::<u8>(), 0..2000)) {
            let _ = drain(&mut StreamFraming::default(), &stream);
        }
    }
}
