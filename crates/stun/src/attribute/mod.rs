//! Attributes: their numbers, and a type for every one that STUN, ICE and TURN define.

mod address;
mod error;
mod ice;
mod macros;
mod password;
mod registry;
mod text;
mod turn;

pub use address::{
    AlternateServer, MappedAddress, OtherAddress, ResponseOrigin, XorMappedAddress, XorPeerAddress,
    XorRelayedAddress,
};
pub use error::{AddressErrorCode, ErrorCode, UnknownAttributes};
pub use ice::{
    DtlsInStun, DtlsInStunAck, IceControlled, IceControlling, NetworkInfo, Nomination, Priority, UseCandidate,
};
pub use password::{PasswordAlgorithm, PasswordAlgorithms, UserHash};
pub use registry::AttributeType;
pub use text::{AlternateDomain, Nonce, Realm, Software, Username};
pub use turn::{
    AdditionalAddressFamily, AddressFamily, ChangeRequest, ChannelNumber, Data, DontFragment, EvenPort, Icmp,
    Lifetime, Padding, RequestedAddressFamily, RequestedTransport, ReservationToken, ResponsePort,
};

use crate::TransactionId;
use sendrecv_core::{NoSpace, Writer};

/// An attribute that can be read from and written to a message.
pub trait Attribute<'a>: Sized {
    /// Its number.
    const TYPE: AttributeType;

    /// Reads the value, without padding; `None` when it is malformed. `id` is the message's, which XOR-ed addresses
    /// need.
    fn decode(value: &'a [u8], id: TransactionId) -> Option<Self>;

    /// Writes the value, without padding.
    fn encode<W: Writer>(&self, id: TransactionId, out: &mut W) -> Result<(), NoSpace>;
}

/// An attribute as it lies on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawAttribute<'a> {
    /// Its number.
    pub kind: AttributeType,
    /// Its value, without padding.
    pub value: &'a [u8],
}
