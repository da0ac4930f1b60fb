//! The STUN Attributes registry (RFC 8489, section 18.3, and the registry at IANA).

use core::fmt;

/// An attribute's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeType(pub u16);

impl AttributeType {
    /// Whether a receiver that does not know it must refuse the message: numbers below 0x8000 (RFC 8489, section 14).
    pub const fn is_comprehension_required(self) -> bool {
        self.0 < 0x8000
    }

    /// Whether this crate has a type for it.
    pub fn is_known(self) -> bool {
        self.name().is_some()
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "Attribute({:#06x})", self.0),
        }
    }
}

macro_rules! registry {
    ($($code:literal $name:ident $printed:literal $origin:literal;)*) => {
        impl AttributeType {
            $(
                #[doc = concat!($printed, " (", $origin, ").")]
                pub const $name: Self = Self($code);
            )*

            /// The registry's name, when this crate knows the attribute.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($printed),)*
                    _ => None,
                }
            }
        }
    };
}

registry! {
    0x0001 MAPPED_ADDRESS "MAPPED-ADDRESS" "RFC 8489";
    0x0003 CHANGE_REQUEST "CHANGE-REQUEST" "RFC 5780";
    0x0006 USERNAME "USERNAME" "RFC 8489";
    0x0008 MESSAGE_INTEGRITY "MESSAGE-INTEGRITY" "RFC 8489";
    0x0009 ERROR_CODE "ERROR-CODE" "RFC 8489";
    0x000a UNKNOWN_ATTRIBUTES "UNKNOWN-ATTRIBUTES" "RFC 8489";
    0x000c CHANNEL_NUMBER "CHANNEL-NUMBER" "RFC 8656";
    0x000d LIFETIME "LIFETIME" "RFC 8656";
    0x0012 XOR_PEER_ADDRESS "XOR-PEER-ADDRESS" "RFC 8656";
    0x0013 DATA "DATA" "RFC 8656";
    0x0014 REALM "REALM" "RFC 8489";
    0x0015 NONCE "NONCE" "RFC 8489";
    0x0016 XOR_RELAYED_ADDRESS "XOR-RELAYED-ADDRESS" "RFC 8656";
    0x0017 REQUESTED_ADDRESS_FAMILY "REQUESTED-ADDRESS-FAMILY" "RFC 8656";
    0x0018 EVEN_PORT "EVEN-PORT" "RFC 8656";
    0x0019 REQUESTED_TRANSPORT "REQUESTED-TRANSPORT" "RFC 8656";
    0x001a DONT_FRAGMENT "DONT-FRAGMENT" "RFC 8656";
    0x001c MESSAGE_INTEGRITY_SHA256 "MESSAGE-INTEGRITY-SHA256" "RFC 8489";
    0x001d PASSWORD_ALGORITHM "PASSWORD-ALGORITHM" "RFC 8489";
    0x001e USERHASH "USERHASH" "RFC 8489";
    0x0020 XOR_MAPPED_ADDRESS "XOR-MAPPED-ADDRESS" "RFC 8489";
    0x0022 RESERVATION_TOKEN "RESERVATION-TOKEN" "RFC 8656";
    0x0024 PRIORITY "PRIORITY" "RFC 8445";
    0x0025 USE_CANDIDATE "USE-CANDIDATE" "RFC 8445";
    0x0026 PADDING "PADDING" "RFC 5780";
    0x0027 RESPONSE_PORT "RESPONSE-PORT" "RFC 5780";
    0x8000 ADDITIONAL_ADDRESS_FAMILY "ADDITIONAL-ADDRESS-FAMILY" "RFC 8656";
    0x8001 ADDRESS_ERROR_CODE "ADDRESS-ERROR-CODE" "RFC 8656";
    0x8002 PASSWORD_ALGORITHMS "PASSWORD-ALGORITHMS" "RFC 8489";
    0x8003 ALTERNATE_DOMAIN "ALTERNATE-DOMAIN" "RFC 8489";
    0x8004 ICMP "ICMP" "RFC 8656";
    0x8022 SOFTWARE "SOFTWARE" "RFC 8489";
    0x8023 ALTERNATE_SERVER "ALTERNATE-SERVER" "RFC 8489";
    0x8028 FINGERPRINT "FINGERPRINT" "RFC 8489";
    0x8029 ICE_CONTROLLED "ICE-CONTROLLED" "RFC 8445";
    0x802a ICE_CONTROLLING "ICE-CONTROLLING" "RFC 8445";
    0x802b RESPONSE_ORIGIN "RESPONSE-ORIGIN" "RFC 5780";
    0x802c OTHER_ADDRESS "OTHER-ADDRESS" "RFC 5780";
    0xc001 NOMINATION "NOMINATION" "draft-thatcher-ice-renomination";
    0xc057 NETWORK_INFO "GOOG-NETWORK-INFO" "libwebrtc";
    0xc070 DTLS_IN_STUN "META-DTLS-IN-STUN" "libwebrtc";
    0xc071 DTLS_IN_STUN_ACK "META-DTLS-IN-STUN-ACKNOWLEDGEMENT" "libwebrtc";
}
