//! ChannelData messages (RFC 8656, section 12.4).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  channel number 0x4000..4fff  |  length, without padding      |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  application data …
//! +-+-+-+-+-+-+-+-+-+-
//! ```
//!
//! Over TCP and TLS the message is padded to a multiple of four bytes; over UDP it may be.

use sendrecv_core::{NoSpace, PacketBuf, Writer};

/// Length of the header in bytes.
pub(crate) const HEADER_LEN: usize = 4;

/// A channel number, 0x4000 to 0x4fff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Channel(u16);

impl Channel {
    /// How many channels an allocation has.
    pub(crate) const COUNT: u16 = 0x1000;

    /// The `index`th channel, 0 to 4095.
    pub(crate) const fn from_index(index: u16) -> Option<Self> {
        if index < Self::COUNT { Some(Self(0x4000 + index)) } else { None }
    }

    /// Its number on the wire.
    pub(crate) const fn number(self) -> u16 {
        self.0
    }

    /// Which channel it is, counted from 0.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0 & 0xfff)
    }
}

/// Whether a message starts like ChannelData: first byte 64 to 79 (RFC 7983).
pub(crate) const fn is_channel_data(message: &[u8]) -> bool {
    matches!(message, [0x40..=0x4f, ..])
}

/// Takes a ChannelData message apart; `None` when it is shorter than it says. Padding is ignored.
pub(crate) fn open(message: &mut [u8]) -> Option<(Channel, &mut [u8])> {
    let (header, rest) = message.split_first_chunk_mut::<HEADER_LEN>()?;
    let [a, b, c, d] = *header;
    let channel = Channel(u16::from_be_bytes([a, b]));
    let data = rest.get_mut(..usize::from(u16::from_be_bytes([c, d])))?;
    Some((channel, data))
}

/// Puts the header in front of the content, and padding behind it if asked to. On error nothing has changed.
pub(crate) fn wrap(channel: Channel, packet: &mut PacketBuf<'_>, pad: bool) -> Result<(), NoSpace> {
    let len = packet.len();
    let [c, d] = u16::try_from(len).map_err(|_| NoSpace)?.to_be_bytes();
    let [a, b] = channel.number().to_be_bytes();
    if pad {
        put_padding(packet)?;
    }
    packet.prepend(&[a, b, c, d]).inspect_err(|_| packet.truncate(len))
}

/// Pads the content to a multiple of four bytes, into the tailroom if need be.
pub(crate) fn put_padding(packet: &mut PacketBuf<'_>) -> Result<(), NoSpace> {
    packet.release_tailroom();
    let padding = packet.len().next_multiple_of(4) - packet.len();
    packet.put([0; 3].get(..padding).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn wrapped(data: &[u8], pad: bool) -> Result<Vec<u8>, NoSpace> {
        let mut slab = [0xee; 64];
        let mut packet = PacketBuf::new(&mut slab, HEADER_LEN, 3);
        packet.put(data)?;
        wrap(Channel::from_index(7).ok_or(NoSpace)?, &mut packet, pad)?;
        Ok(packet.bytes().to_vec())
    }

    #[test]
    fn what_is_wrapped_opens() {
        for (pad, len) in [(false, 9), (true, 12)] {
            let mut message = wrapped(b"hello", pad).unwrap();
            assert_eq!((message.len(), is_channel_data(&message)), (len, true));
            let (channel, data) = open(&mut message).unwrap();
            assert_eq!((channel.number(), channel.index(), &*data), (0x4007, 7, &b"hello"[..]));
        }
    }

    #[test]
    fn a_length_beyond_the_message_is_refused() {
        assert_eq!(open(&mut [0x40, 0, 0, 2, 1]), None);
        assert_eq!(open(&mut [0x40, 0, 0]), None);
        assert!(open(&mut [0x40, 0, 0, 0]).is_some_and(|(_, data)| data.is_empty()));
    }

    #[test]
    fn without_room_nothing_changes() {
        let mut slab = [0; 9];
        let mut packet = PacketBuf::new(&mut slab, 3, 0);
        packet.put(b"data.").unwrap();
        assert_eq!(wrap(Channel(0x4000), &mut packet, true), Err(NoSpace));
        assert_eq!(packet.bytes(), b"data.");
    }

    #[test]
    fn there_are_4096_channels() {
        assert_eq!(Channel::from_index(4095).map(Channel::number), Some(0x4fff));
        assert_eq!(Channel::from_index(4096), None);
    }
}
