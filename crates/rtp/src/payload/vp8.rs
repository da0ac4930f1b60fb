//! VP8 (RFC 7741).
//!
//! ```text
//!      0 1 2 3 4 5 6 7
//!     +-+-+-+-+-+-+-+-+
//!     |X|R|N|S|R| PID | (required)
//!     +-+-+-+-+-+-+-+-+
//! X:  |I|L|T|K|  RSV  | (optional)
//!     +-+-+-+-+-+-+-+-+
//! I:  |M| PictureID   | (7 bits, or 15 when M)
//!     +-+-+-+-+-+-+-+-+
//! L:  |   TL0PICIDX   |
//!     +-+-+-+-+-+-+-+-+
//! T/K:|TID|Y| KEYIDX  |
//!     +-+-+-+-+-+-+-+-+
//! ```

use sendrecv_core::{NoSpace, Reader, Truncated, Writer};

/// What stands before the VP8 data in every packet (RFC 7741, section 4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vp8Descriptor {
    /// Whether no other frame refers to this one.
    pub non_reference: bool,
    /// Whether the data starts a partition.
    pub partition_start: bool,
    /// The partition, 0 to 7.
    pub partition: u8,
    /// The frame's running number, 7 or 15 bits.
    pub picture_id: Option<PictureId>,
    /// The running number of the base temporal layer's frame.
    pub tl0_picture_index: Option<u8>,
    /// The temporal layer (0 to 3), and whether the frame depends on the base layer only.
    pub temporal_layer: Option<(u8, bool)>,
    /// The running number of the keyframe, 5 bits.
    pub key_index: Option<u8>,
}

/// A frame's running number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureId {
    /// 7 bits.
    Short(u8),
    /// 15 bits.
    Long(u16),
}

impl Vp8Descriptor {
    /// Splits a payload into descriptor and VP8 data.
    pub fn parse(payload: &[u8]) -> Result<(Self, &[u8]), Truncated> {
        let mut reader = Reader::new(payload);
        let first = reader.u8()?;
        let mut descriptor = Self {
            non_reference: first & 0x20 != 0,
            partition_start: first & 0x10 != 0,
            partition: first & 7,
            ..Self::default()
        };
        let flags = if first & 0x80 == 0 { 0 } else { reader.u8()? };
        if flags & 0x80 != 0 {
            descriptor.picture_id = Some(PictureId::read(&mut reader)?);
        }
        if flags & 0x40 != 0 {
            descriptor.tl0_picture_index = Some(reader.u8()?);
        }
        if flags & 0x30 != 0 {
            let byte = reader.u8()?;
            descriptor.temporal_layer = (flags & 0x20 != 0).then_some((byte >> 6, byte & 0x20 != 0));
            descriptor.key_index = (flags & 0x10 != 0).then_some(byte & 0x1f);
        }
        Ok((descriptor, reader.rest()))
    }

    /// Writes the descriptor; the VP8 data is put behind it.
    pub fn write<W: Writer + ?Sized>(&self, out: &mut W) -> Result<(), NoSpace> {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = flag(self.picture_id.is_some(), 0x80)
            | flag(self.tl0_picture_index.is_some(), 0x40)
            | flag(self.temporal_layer.is_some(), 0x20)
            | flag(self.key_index.is_some(), 0x10);
        let first = flag(flags != 0, 0x80)
            | flag(self.non_reference, 0x20)
            | flag(self.partition_start, 0x10)
            | self.partition & 7;
        out.put_u8(first)?;
        if flags == 0 {
            return Ok(());
        }
        out.put_u8(flags)?;
        match self.picture_id {
            Some(PictureId::Short(id)) => out.put_u8(id & 0x7f)?,
            Some(PictureId::Long(id)) => out.put_u16(0x8000 | id)?,
            None => {}
        }
        self.tl0_picture_index.map_or(Ok(()), |index| out.put_u8(index))?;
        if flags & 0x30 == 0 {
            return Ok(());
        }
        let (layer, sync) = self.temporal_layer.unwrap_or_default();
        out.put_u8(layer << 6 | flag(sync, 0x20) | self.key_index.unwrap_or(0) & 0x1f)
    }
}

impl PictureId {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        let high = reader.u8()?;
        if high & 0x80 == 0 {
            return Ok(Self::Short(high));
        }
        Ok(Self::Long(u16::from_be_bytes([high & 0x7f, reader.u8()?])))
    }
}

/// Whether this payload is the first packet of a keyframe: it starts partition 0, whose first bit says "intra"
/// (RFC 6386, section 9.1).
pub fn starts_keyframe(payload: &[u8]) -> bool {
    let Ok((descriptor, data)) = Vp8Descriptor::parse(payload) else { return false };
    descriptor.partition_start && descriptor.partition == 0 && data.first().is_some_and(|byte| byte & 1 == 0)
}

/// Cuts one encoded frame into RTP payloads.
///
/// ```
/// use sendrecv_rtp::payload::vp8::{PictureId, Vp8Packets};
/// let frame = [0x10; 2500];
/// let packets: Vec<_> = Vp8Packets::new(&frame, 1200, Some(PictureId::Long(7))).collect();
/// assert_eq!(packets.len(), 3);
/// assert!(packets[2].last, "the packet to be sent with the marker bit");
/// ```
#[derive(Clone, Debug)]
pub struct Vp8Packets<'f> {
    rest: &'f [u8],
    step: usize,
    descriptor: Vp8Descriptor,
}

/// One RTP payload of a frame: descriptor and data, to be written one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vp8Payload<'f> {
    /// To be written first.
    pub descriptor: Vp8Descriptor,
    /// A piece of the frame.
    pub data: &'f [u8],
    /// Whether it is the frame's last, so that the packet gets the marker bit.
    pub last: bool,
}

impl<'f> Vp8Packets<'f> {
    /// Payloads of at most `max_payload_len` bytes, nearly equal in size. All of the frame counts as partition 0, which
    /// RFC 7741, section 4.2 leaves to the sender.
    pub fn new(frame: &'f [u8], max_payload_len: usize, picture_id: Option<PictureId>) -> Self {
        let descriptor_len = match picture_id {
            None => 1,
            Some(PictureId::Short(_)) => 3,
            Some(PictureId::Long(_)) => 4,
        };
        let most = max_payload_len.saturating_sub(descriptor_len).max(1);
        let count = frame.len().div_ceil(most).max(1);
        let descriptor = Vp8Descriptor { partition_start: true, picture_id, ..Vp8Descriptor::default() };
        Self { rest: frame, step: frame.len().div_ceil(count), descriptor }
    }
}

impl<'f> Iterator for Vp8Packets<'f> {
    type Item = Vp8Payload<'f>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (data, rest) = self.rest.split_at_checked(self.step).unwrap_or((self.rest, &[]));
        self.rest = rest;
        let payload = Vp8Payload { descriptor: self.descriptor, data, last: rest.is_empty() };
        self.descriptor.partition_start = false;
        Some(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn descriptor() -> impl Strategy<Value = Vp8Descriptor> {
        let id = prop_oneof![(0u8..128).prop_map(PictureId::Short), (0u16..0x8000).prop_map(PictureId::Long)];
        (
            any::<[bool; 2]>(),
            0u8..8,
            prop::option::of(id),
            prop::option::of(any::<u8>()),
            prop::option::of((0u8..4, any::<bool>())),
            prop::option::of(0u8..32),
        )
            .prop_map(
                |(
                    [non_reference, partition_start],
                    partition,
                    picture_id,
                    tl0,
                    temporal_layer,
                    key_index,
                )| {
                    Vp8Descriptor {
                        non_reference,
                        partition_start,
                        partition,
                        picture_id,
                        tl0_picture_index: tl0,
                        temporal_layer,
                        key_index,
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn descriptors_survive_the_wire(descriptor in descriptor(), data: [u8; 3]) {
            let mut out = Vec::new();
            descriptor.write(&mut out).unwrap();
            let header_len = out.len();
            out.extend(data);
            prop_assert_eq!(Vp8Descriptor::parse(&out), Ok((descriptor, &data[..])));
            prop_assert!((0..header_len).all(|len| Vp8Descriptor::parse(&out[..len]).is_err()));
        }

        #[test]
        fn frames_are_cut_and_come_together_again(frame in prop::collection::vec(any::<u8>(), 1..3000), max in 1usize..1300) {
            let payloads: Vec<_> = Vp8Packets::new(&frame, max, Some(PictureId::Long(1))).collect();
            let whole: Vec<u8> = payloads.iter().flat_map(|payload| payload.data).copied().collect();
            prop_assert_eq!(&whole, &frame);
            for (index, payload) in payloads.iter().enumerate() {
                prop_assert_eq!(payload.descriptor.partition_start, index == 0);
                prop_assert_eq!(payload.last, index + 1 == payloads.len());
                prop_assert!(max < 5 || payload.data.len() + 4 <= max);
            }
        }
    }

    #[test]
    fn a_keyframe_starts_with_partition_0_and_a_clear_bit() {
        assert!(starts_keyframe(&[0x10, 0x00]));
        assert!(starts_keyframe(&[0x90, 0x80, 0x80, 1, 0x50]));
        for other in [&[0x10, 0x01][..], &[0x00, 0x00], &[0x11, 0x00], &[0x10], &[]] {
            assert!(!starts_keyframe(other), "{other:?}");
        }
    }
}
