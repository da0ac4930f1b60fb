//! Attributes that are text (RFC 8489, section 14).
//!
//! Text must be UTF-8; anything else counts as malformed. The lengths RFC 8489 allows (508 bytes for USERNAME, 763 for
//! the others) are the writer's business; readers are bounded by the message.

use super::{Attribute, AttributeType};
use crate::TransactionId;
use sendrecv_core::{NoSpace, Writer};

macro_rules! text_attribute {
    ($(#[$doc:meta])* $name:ident = $code:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<'a>(pub &'a str);

        impl<'a> Attribute<'a> for $name<'a> {
            const TYPE: AttributeType = AttributeType::$code;

            fn decode(value: &'a [u8], _: TransactionId) -> Option<Self> {
                core::str::from_utf8(value).ok().map(Self)
            }

            fn encode<W: Writer>(&self, _: TransactionId, out: &mut W) -> Result<(), NoSpace> {
                out.put(self.0.as_bytes())
            }
        }
    };
}

text_attribute!(
    /// USERNAME: whose credentials protect the message; in ICE, the receiver's ufrag, a colon and the sender's.
    Username = USERNAME
);
text_attribute!(
    /// REALM: for which of its users' passwords a server asks.
    Realm = REALM
);
text_attribute!(
    /// NONCE: the server's freshness cookie. It may begin with security features, see
    /// [`SecurityFeatures`](crate::SecurityFeatures).
    Nonce = NONCE
);
text_attribute!(
    /// SOFTWARE: what the sender runs, for people.
    Software = SOFTWARE
);
text_attribute!(
    /// ALTERNATE-DOMAIN: the name to verify an alternate server's certificate by.
    AlternateDomain = ALTERNATE_DOMAIN
);
