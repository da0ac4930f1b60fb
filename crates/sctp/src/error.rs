//! Why a packet had no effect, a command was refused, or an association ended.

use alloc::vec::Vec;
use core::fmt;
use sendrecv_core::DiscardReason;

/// Why a packet had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discard {
    /// The bytes are no SCTP packet, or a chunk or parameter in it is broken.
    Malformed,
    /// A port is not this association's.
    WrongPort,
    /// The CRC32c does not match.
    BadChecksum,
    /// The verification tag is not the one this chunk needs.
    BadVerificationTag,
    /// The association does not exist, or no longer.
    OutOfTheBlue,
    /// The packet makes no sense in the present state.
    Unexpected,
    /// A cookie that we did not make, or that does not fit.
    BadCookie,
    /// An acknowledgement of something never sent, or an older one than the last.
    BadAcknowledgement,
    /// The receive buffer is full.
    BufferFull,
}

impl DiscardReason for Discard {
    const ALL: &'static [Self] = &[
        Self::Malformed,
        Self::WrongPort,
        Self::BadChecksum,
        Self::BadVerificationTag,
        Self::OutOfTheBlue,
        Self::Unexpected,
        Self::BadCookie,
        Self::BadAcknowledgement,
        Self::BufferFull,
    ];

    fn index(self) -> usize {
        match self {
            Self::Malformed => 0,
            Self::WrongPort => 1,
            Self::BadChecksum => 2,
            Self::BadVerificationTag => 3,
            Self::OutOfTheBlue => 4,
            Self::Unexpected => 5,
            Self::BadCookie => 6,
            Self::BadAcknowledgement => 7,
            Self::BufferFull => 8,
        }
    }
}

/// How many [`Discard`] reasons there are.
pub const DISCARD_REASONS: usize = 9;

impl fmt::Display for Discard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed packet",
            Self::WrongPort => "wrong port",
            Self::BadChecksum => "bad checksum",
            Self::BadVerificationTag => "bad verification tag",
            Self::OutOfTheBlue => "no such association",
            Self::Unexpected => "unexpected in this state",
            Self::BadCookie => "bad cookie",
            Self::BadAcknowledgement => "bad acknowledgement",
            Self::BufferFull => "receive buffer full",
        })
    }
}

impl core::error::Error for Discard {}

/// Why a message was not taken; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The send buffer has no room for it now; wait for a buffered-amount-low event.
    BufferFull,
    /// The message is longer than the peer accepts.
    TooLarge {
        /// The peer's limit in bytes.
        limit: usize,
    },
    /// SCTP cannot carry a message without bytes. (Data channels can.)
    Empty,
    /// The stream or channel does not exist, or the peer accepts fewer streams.
    NoSuchStream,
    /// The stream or channel is being closed.
    Closing,
    /// The association or channel is closed, or is being shut down.
    Closed,
    /// The channel is not open yet.
    Connecting,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferFull => f.write_str("the send buffer is full"),
            Self::TooLarge { limit } => {
                write!(f, "the message is longer than the peer's limit of {limit} bytes")
            }
            Self::Empty => f.write_str("SCTP cannot carry an empty message"),
            Self::NoSuchStream => f.write_str("there is no such stream"),
            Self::Closing => f.write_str("the stream is being closed"),
            Self::Closed => f.write_str("the association is closed"),
            Self::Connecting => f.write_str("the channel is not open yet"),
        }
    }
}

impl core::error::Error for SendError {}

/// Why a command other than sending was refused; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// The association is not in a state for it.
    WrongState,
    /// The stream does not exist, or is already being reset.
    NoSuchStream,
    /// The peer did not offer the extension this needs.
    NotSupportedByPeer,
    /// The bytes are not one INIT chunk with valid fields.
    InvalidInit,
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongState => "the association is not in a state for this",
            Self::NoSuchStream => "there is no such stream, or it is already being reset",
            Self::NotSupportedByPeer => "the peer did not offer the extension this needs",
            Self::InvalidInit => "not a valid INIT chunk",
        })
    }
}

impl core::error::Error for UsageError {}

/// Why an association ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// Both sides agreed to end it (SHUTDOWN).
    Shutdown,
    /// We aborted it on the application's request.
    Aborted,
    /// The peer aborted it.
    AbortedByPeer {
        /// The first error cause's code (RFC 9260, section 3.3.10), if there was one.
        cause: Option<u16>,
        /// What the peer said about it, at most 128 bytes.
        reason: Vec<u8>,
    },
    /// The peer stopped answering.
    PeerUnreachable,
    /// The peer broke the protocol, and we aborted.
    ProtocolViolation(&'static str),
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shutdown => f.write_str("shut down"),
            Self::Aborted => f.write_str("aborted"),
            Self::AbortedByPeer { cause: Some(cause), .. } => {
                write!(f, "aborted by the peer with cause {cause}")
            }
            Self::AbortedByPeer { cause: None, .. } => f.write_str("aborted by the peer"),
            Self::PeerUnreachable => f.write_str("the peer stopped answering"),
            Self::ProtocolViolation(what) => write!(f, "the peer broke the protocol: {what}"),
        }
    }
}
