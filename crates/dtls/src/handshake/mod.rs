//! What both versions' handshakes share: whole messages from fragments, flights and their retransmission, transcripts.

pub(crate) mod acks;
pub(crate) mod flight;
pub(crate) mod ranges;
pub(crate) mod reassembly;
pub(crate) mod timer;
pub(crate) mod transcript;
