//! Handshake messages and their fragments (RFC 6347, section 4.2.2; RFC 9147, section 5.2).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+-----------------------------------------------+
//! |   msg_type    |                 length (24)                   |
//! +---------------+---------------+-------------------------------+
//! |          message_seq          |      fragment_offset (24)     |
//! +---------------+---------------+-------------------------------+
//! |fragment_offset|             fragment_length (24)              |
//! +---------------+-----------------------------------------------+
//! |  fragment_length bytes of the message body ...
//! ```

use super::DecodeError;
use core::fmt;
use sendrecv_core::Reader;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 12;

/// The kind of a handshake message (TLS HandshakeType registry).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandshakeType(pub u8);

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        impl HandshakeType {
            $($(#[$doc])* pub const $name: Self = Self($code);)*
        }

        impl fmt::Debug for HandshakeType {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $(Self::$name => f.write_str(stringify!($name)),)*
                    Self(code) => write!(f, "HandshakeType({code})"),
                }
            }
        }
    };
}

types! {
    /// hello_request, DTLS 1.2.
    HELLO_REQUEST = 0;
    /// client_hello.
    CLIENT_HELLO = 1;
    /// server_hello, and DTLS 1.3's HelloRetryRequest.
    SERVER_HELLO = 2;
    /// hello_verify_request, DTLS 1.2.
    HELLO_VERIFY_REQUEST = 3;
    /// new_session_ticket.
    NEW_SESSION_TICKET = 4;
    /// encrypted_extensions, DTLS 1.3.
    ENCRYPTED_EXTENSIONS = 8;
    /// request_connection_id, DTLS 1.3.
    REQUEST_CONNECTION_ID = 9;
    /// new_connection_id, DTLS 1.3.
    NEW_CONNECTION_ID = 10;
    /// certificate.
    CERTIFICATE = 11;
    /// server_key_exchange, DTLS 1.2.
    SERVER_KEY_EXCHANGE = 12;
    /// certificate_request.
    CERTIFICATE_REQUEST = 13;
    /// server_hello_done, DTLS 1.2.
    SERVER_HELLO_DONE = 14;
    /// certificate_verify.
    CERTIFICATE_VERIFY = 15;
    /// client_key_exchange, DTLS 1.2.
    CLIENT_KEY_EXCHANGE = 16;
    /// finished.
    FINISHED = 20;
    /// key_update, DTLS 1.3.
    KEY_UPDATE = 24;
    /// message_hash: stands for the first ClientHello in a transcript with a HelloRetryRequest.
    MESSAGE_HASH = 254;
}

impl fmt::Display for HandshakeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A piece of a handshake message, or all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// The message's kind.
    pub kind: HandshakeType,
    /// Length of the whole message's body.
    pub length: u32,
    /// The message's number, counted per direction.
    pub message_seq: u16,
    /// Where this piece begins in the body.
    pub offset: u32,
    /// The piece.
    pub data: &'a [u8],
}

impl<'a> Fragment<'a> {
    /// Reads the next fragment of a handshake record. Its piece lies within the message it claims to be of.
    pub fn parse(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let kind = HandshakeType(reader.u8()?);
        let length = reader.u24()?;
        let message_seq = reader.u16()?;
        let offset = reader.u24()?;
        let data = reader.vec24()?;
        let end = u32::try_from(data.len()).ok().and_then(|len| offset.checked_add(len));
        if end.is_none_or(|end| end > length) {
            return Err(DecodeError::BadLength);
        }
        Ok(Self { kind, length, message_seq, offset, data })
    }

    /// The header's bytes.
    pub fn header(&self) -> [u8; HEADER_LEN] {
        let [_, l0, l1, l2] = self.length.to_be_bytes();
        let [s0, s1] = self.message_seq.to_be_bytes();
        let [_, o0, o1, o2] = self.offset.to_be_bytes();
        let [_, f0, f1, f2] = u32::try_from(self.data.len()).unwrap_or(u32::MAX).to_be_bytes();
        [self.kind.0, l0, l1, l2, s0, s1, o0, o1, o2, f0, f1, f2]
    }
}

/// The four-byte header of TLS, which DTLS 1.3 transcripts use.
pub fn tls_header(kind: HandshakeType, body_len: usize) -> [u8; 4] {
    let [_, a, b, c] = u32::try_from(body_len).unwrap_or(u32::MAX).to_be_bytes();
    [kind.0, a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn fragments_round_trip(kind: u8, message_seq: u16, offset in 0u32..1000, data: Vec<u8>, more in 0u32..1000) {
            let length = offset + u32::try_from(data.len()).unwrap() + more;
            let fragment = Fragment { kind: HandshakeType(kind), length, message_seq, offset, data: &data };
            let mut bytes = fragment.header().to_vec();
            bytes.extend_from_slice(&data);
            prop_assert_eq!(Fragment::parse(&mut Reader::new(&bytes)), Ok(fragment));
        }

        #[test]
        fn junk_never_panics(bytes: Vec<u8>) {
            let _ = Fragment::parse(&mut Reader::new(&bytes));
        }
    }

    #[test]
    fn a_piece_beyond_its_message_is_refused() {
        let bytes = [1, 0, 0, 3, 0, 0, 0, 0, 2, 0, 0, 2, 0xaa, 0xbb];
        assert_eq!(Fragment::parse(&mut Reader::new(&bytes)), Err(DecodeError::BadLength));
    }
}
