//! The STUN header (RFC 8489, section 5).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |0 0|     message type          |        length, without header |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                  magic cookie 0x2112a442                      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                                                               |
//! |                  transaction id, 96 bits                      |
//! |                                                               |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! The message type interleaves a 12-bit method with a 2-bit class: `M11…M7 C1 M6 M5 M4 C0 M3…M0`.

use core::fmt;
use sendrecv_core::Rng;

/// Length of the header in bytes.
pub const HEADER_LEN: usize = 20;

/// The fixed value of the header's second word.
pub const MAGIC_COOKIE: u32 = 0x2112_a442;

pub(crate) const COOKIE_BYTES: [u8; 4] = MAGIC_COOKIE.to_be_bytes();

/// What kind of message it is (RFC 8489, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Asks for a response.
    Request,
    /// Never answered.
    Indication,
    /// A success response.
    Success,
    /// An error response, with an ERROR-CODE.
    Error,
}

impl Class {
    /// Whether it answers a request.
    pub const fn is_response(self) -> bool {
        matches!(self, Self::Success | Self::Error)
    }

    const fn bits(self) -> u16 {
        match self {
            Self::Request => 0x000,
            Self::Indication => 0x010,
            Self::Success => 0x100,
            Self::Error => 0x110,
        }
    }

    const fn from_bits(message_type: u16) -> Self {
        match message_type & 0x110 {
            0x000 => Self::Request,
            0x010 => Self::Indication,
            0x100 => Self::Success,
            _ => Self::Error,
        }
    }
}

/// A 12-bit method number (STUN Methods registry).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(u16);

impl Method {
    /// Binding (RFC 8489): "what is my address"; also ICE's connectivity check.
    pub const BINDING: Self = Self(0x001);
    /// Allocate (RFC 8656).
    pub const ALLOCATE: Self = Self(0x003);
    /// Refresh (RFC 8656).
    pub const REFRESH: Self = Self(0x004);
    /// Send indication (RFC 8656).
    pub const SEND: Self = Self(0x006);
    /// Data indication (RFC 8656).
    pub const DATA: Self = Self(0x007);
    /// CreatePermission (RFC 8656).
    pub const CREATE_PERMISSION: Self = Self(0x008);
    /// ChannelBind (RFC 8656).
    pub const CHANNEL_BIND: Self = Self(0x009);

    /// The method with this number, of which the low 12 bits count.
    pub const fn new(number: u16) -> Self {
        Self(number & 0xfff)
    }

    /// The method's number.
    pub const fn number(self) -> u16 {
        self.0
    }

    const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::BINDING => "Binding",
            Self::ALLOCATE => "Allocate",
            Self::REFRESH => "Refresh",
            Self::SEND => "Send",
            Self::DATA => "Data",
            Self::CREATE_PERMISSION => "CreatePermission",
            Self::CHANNEL_BIND => "ChannelBind",
            _ => return None,
        })
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Method({:#05x})", self.0),
        }
    }
}

/// Joins class and method into the header's first 16 bits.
pub(crate) const fn message_type(class: Class, method: Method) -> u16 {
    let Method(m) = method;
    (m & 0x00f) | ((m & 0x070) << 1) | ((m & 0xf80) << 2) | class.bits()
}

/// Takes the header's first 16 bits, of which the top two must be zero, apart.
pub(crate) const fn split_message_type(message_type: u16) -> (Class, Method) {
    let t = message_type;
    let method = (t & 0x000f) | ((t & 0x00e0) >> 1) | ((t & 0x3e00) >> 2);
    (Class::from_bits(t), Method(method))
}

/// The 96 random bits that pair a response with its request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub [u8; 12]);

impl TransactionId {
    /// A fresh id from `rng`.
    pub fn random(rng: &mut Rng) -> Self {
        Self(rng.bytes())
    }

    /// The id's bytes.
    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }
}

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Whether a datagram looks like STUN, by the two fixed parts of its header: the top bits of the first byte (RFC 7983:
/// first byte 0 to 3) and the magic cookie. Cheap, for demultiplexing; parsing decides.
pub fn is_stun(datagram: &[u8]) -> bool {
    matches!(datagram, [0..=3, _, _, _, a, b, c, d, ..] if [*a, *b, *c, *d] == COOKIE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_and_method_survives_interleaving() {
        for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
            for number in 0..=0xfff {
                let joined = message_type(class, Method::new(number));
                assert_eq!(joined & 0xc000, 0);
                assert_eq!(split_message_type(joined), (class, Method::new(number)));
            }
        }
    }

    #[test]
    fn known_message_types() {
        assert_eq!(message_type(Class::Request, Method::BINDING), 0x0001);
        assert_eq!(message_type(Class::Success, Method::BINDING), 0x0101);
        assert_eq!(message_type(Class::Error, Method::ALLOCATE), 0x0113);
        assert_eq!(message_type(Class::Indication, Method::DATA), 0x0017);
    }

    #[test]
    fn demultiplexing_looks_at_first_byte_and_cookie() {
        assert!(is_stun(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]));
        assert!(!is_stun(&[4, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]));
        assert!(!is_stun(&[0, 1, 0, 0, 0x21, 0x12, 0xa4]));
    }
}
