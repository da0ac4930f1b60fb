//! NewConnectionId and RequestConnectionId (RFC 9147, section 9).
//!
//! ```text
//! NewConnectionId:     | length (16) | IDs: length (8), bytes | usage: 0 immediate, 1 spare |
//! RequestConnectionId: | how many (8) |
//! ```

use super::{DecodeError, Encoder, finish};
use crate::ConnectionId;
use alloc::vec::Vec;
use sendrecv_core::Reader;

/// When an ID is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionIdUsage {
    /// From now on, and none of those before it.
    Immediate,
    /// Whenever the receiver finds it useful, e.g. on another path.
    Spare,
}

/// What a NewConnectionId says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewConnectionId<'a> {
    ids: &'a [u8],
    /// When to use them.
    pub usage: ConnectionIdUsage,
}

impl<'a> NewConnectionId<'a> {
    /// Reads the body of the message. No ID in it is empty, and at least one is to be used at once if any is.
    pub fn parse(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let ids = reader.vec16()?;
        let usage = match reader.u8()? {
            0 => ConnectionIdUsage::Immediate,
            1 => ConnectionIdUsage::Spare,
            _ => return Err(DecodeError::BadValue),
        };
        finish(&reader)?;
        let mut list = Reader::new(ids);
        while !list.is_empty() {
            if list.vec8()?.is_empty() {
                return Err(DecodeError::BadLength);
            }
        }
        if ids.is_empty() && usage == ConnectionIdUsage::Immediate {
            return Err(DecodeError::BadLength);
        }
        Ok(Self { ids, usage })
    }

    /// The IDs, in the order in which they should be used.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut list = Reader::new(self.ids);
        core::iter::from_fn(move || list.vec8().ok())
    }
}

/// Writes a NewConnectionId's body.
pub(crate) fn encode_new(ids: &[ConnectionId], usage: ConnectionIdUsage) -> Vec<u8> {
    let mut out = Encoder::new();
    out.vec16(|out| ids.iter().for_each(|id| out.vec8(|out| out.bytes(id.as_bytes()))));
    out.u8(match usage {
        ConnectionIdUsage::Immediate => 0,
        ConnectionIdUsage::Spare => 1,
    });
    out.finish()
}

/// Reads a RequestConnectionId: how many IDs the peer would like.
pub fn parse_request(body: &[u8]) -> Result<u8, DecodeError> {
    match body {
        [count] => Ok(*count),
        _ => Err(DecodeError::BadLength),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_round_trip_in_order() {
        let ids: Vec<_> = [&b"one"[..], b"two"].iter().map(|id| ConnectionId::new(id).unwrap()).collect();
        for usage in [ConnectionIdUsage::Immediate, ConnectionIdUsage::Spare] {
            let body = encode_new(&ids, usage);
            let message = NewConnectionId::parse(&body).unwrap();
            assert_eq!(
                (message.usage, message.iter().collect::<Vec<_>>()),
                (usage, alloc::vec![&b"one"[..], b"two"])
            );
        }
    }

    #[test]
    fn empty_ids_and_unknown_usages_are_refused() {
        assert!(NewConnectionId::parse(&[0, 0, 1]).is_ok(), "no spare ones is an answer");
        assert_eq!(NewConnectionId::parse(&[0, 0, 0]), Err(DecodeError::BadLength));
        assert_eq!(NewConnectionId::parse(&[0, 1, 0, 1]), Err(DecodeError::BadLength));
        assert_eq!(NewConnectionId::parse(&[0, 2, 1, 7, 2]), Err(DecodeError::BadValue));
        assert_eq!((parse_request(&[3]), parse_request(&[])), (Ok(3), Err(DecodeError::BadLength)));
    }

    proptest! {
        #[test]
        fn junk_never_panics(bytes: Vec<u8>) {
            let _ = (NewConnectionId::parse(&bytes).map(|message| message.iter().count()), parse_request(&bytes));
        }
    }
}
