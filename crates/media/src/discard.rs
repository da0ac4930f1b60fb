//! Packets without effect, and calls that were wrong.

use sendrecv_core::DiscardReason;
use thiserror::Error;

macro_rules! discards {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Why a received packet had no effect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Discard {
            $($(#[$doc])* $name,)*
        }

        impl Discard {
            /// How many reasons there are.
            pub const COUNT: usize = Self::ALL.len();
        }

        impl DiscardReason for Discard {
            const ALL: &'static [Self] = &[$(Self::$name,)*];

            fn index(self) -> usize {
                Self::ALL.iter().position(|reason| *reason == self).unwrap_or(0)
            }
        }
    };
}

discards! {
    /// It is not RTP.
    MalformedRtp,
    /// It is not RTCP, or one of its packets is not what it claims to be.
    MalformedRtcp,
    /// Its SSRC is new, and neither MID nor payload type says which section it belongs to.
    Unroutable,
    /// Its section does not receive, or not this payload type.
    UnknownPayloadType,
    /// It is a retransmission, and it is unclear of which stream.
    UnknownRepairedStream,
    /// There are as many received streams as allowed.
    TooManyStreams,
    /// Its SSRC is one of ours, and so was another a moment ago: our own packets come back.
    SsrcCollision,
    /// A retransmission is too short to hold the original sequence number.
    MalformedRetransmission,
    /// As many events wait as allowed.
    EventQueueFull,
    /// The engine is closed.
    Closed,
}

/// Why a call was refused; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MediaError {
    /// There is no such sender.
    #[error("there is no such sender")]
    UnknownSender,
    /// There is no such section, or it has no such half.
    #[error("the section does not exist or does not go in this direction")]
    UnknownSection,
    /// There is no such received stream.
    #[error("there is no such received stream")]
    UnknownStream,
    /// The sender is not part of a section that sends.
    #[error("the sender is not negotiated to send")]
    NotNegotiated,
    /// The codec or payload type is not negotiated for sending.
    #[error("the payload type is not negotiated for sending")]
    UnknownPayloadType,
    /// The payload is longer than configured.
    #[error("the payload is longer than allowed")]
    TooLong,
    /// As many packets wait to be sent as the cache holds.
    #[error("too many packets wait to be sent")]
    QueueFull,
    /// The packet's sequence number was used already, or lies too far back.
    #[error("the sequence number was used already or lies too far back")]
    Stale,
    /// A character is no tone: 0 to 9, A to D, `#`, `*`, and `,` are.
    #[error("a character is no tone")]
    UnknownTone,
    /// The engine is closed.
    #[error("the media engine is closed")]
    Closed,
}
