//! `a=sctp-init` (SNAP, draft-hancke-tsvwg-snap): each side's INIT travels in its description, and the association needs
//! no handshake.
//!
//! ```text
//! offer:  a=sctp-init:<INIT chunk in base64>
//! answer: a=sctp-init:<INIT chunk in base64>      only if the offer has one
//! ```

use alloc::string::String;
use alloc::vec::Vec;
use base64ct::{Base64, Encoding};

/// The value that carries an INIT chunk.
pub(crate) fn encode(init: &[u8]) -> String {
    Base64::encode_string(init)
}

/// The INIT chunk in a value; `None` when an association could not start from it.
pub(crate) fn decode(value: &str) -> Option<Vec<u8>> {
    let init = Base64::decode_vec(value.trim_ascii()).ok()?;
    sendrecv_sctp::is_usable_init(&init).then_some(init)
}
