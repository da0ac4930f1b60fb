//! VP9 (RFC 9628).
//!
//! ```text
//!      0 1 2 3 4 5 6 7
//!     +-+-+-+-+-+-+-+-+
//!     |I|P|L|F|B|E|V|Z| (required)
//!     +-+-+-+-+-+-+-+-+
//! I:  |M| PICTURE ID  | (7 bits, or 15 when M)
//!     +-+-+-+-+-+-+-+-+
//! L:  | TID |U| SID |D|
//!     |   TL0PICIDX   | (without F)
//!     +-+-+-+-+-+-+-+-+
//! P,F:| P_DIFF      |N| (up to 3 times)
//!     +-+-+-+-+-+-+-+-+
//! V:  | scalability structure ...
//! ```

use sendrecv_core::{Reader, Truncated};

/// What stands before the VP9 data in every packet (RFC 9628, section 4.2). Picture references and the scalability
/// structure are checked for length and skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vp9Descriptor {
    /// The picture's running number, 7 or 15 bits.
    pub picture_id: Option<u16>,
    /// Whether the picture refers to earlier ones.
    pub inter_picture: bool,
    /// The layers the frame belongs to.
    pub layers: Option<Vp9Layers>,
    /// Whether references are listed instead of following the scalability structure.
    pub flexible: bool,
    /// Whether the packet begins a frame (one layer of a picture).
    pub frame_start: bool,
    /// Whether the packet ends a frame.
    pub frame_end: bool,
}

/// The layers of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vp9Layers {
    /// The temporal layer, 0 to 7.
    pub temporal: u8,
    /// Whether one can switch up to higher temporal layers here.
    pub switching_up: bool,
    /// The spatial layer, 0 to 7.
    pub spatial: u8,
    /// Whether the frame depends on the layer below of the same picture.
    pub inter_layer: bool,
}

impl Vp9Descriptor {
    /// Splits a payload into descriptor and VP9 data.
    pub fn parse(payload: &[u8]) -> Result<(Self, &[u8]), Truncated> {
        let mut reader = Reader::new(payload);
        let first = reader.u8()?;
        let flag = |bit: u8| first & bit != 0;
        let mut descriptor = Self {
            inter_picture: flag(0x40),
            flexible: flag(0x10),
            frame_start: flag(0x08),
            frame_end: flag(0x04),
            ..Self::default()
        };
        if flag(0x80) {
            descriptor.picture_id = Some(read_picture_id(&mut reader)?);
        }
        if flag(0x20) {
            descriptor.layers = Some(Vp9Layers::from_byte(reader.u8()?));
            if !descriptor.flexible {
                reader.u8()?;
            }
        }
        if descriptor.flexible && descriptor.inter_picture {
            skip_references(&mut reader)?;
        }
        if flag(0x02) {
            skip_scalability_structure(&mut reader)?;
        }
        Ok((descriptor, reader.rest()))
    }
}

impl Vp9Layers {
    const fn from_byte(byte: u8) -> Self {
        Self {
            temporal: byte >> 5,
            switching_up: byte & 0x10 != 0,
            spatial: byte >> 1 & 7,
            inter_layer: byte & 1 != 0,
        }
    }
}

fn read_picture_id(reader: &mut Reader<'_>) -> Result<u16, Truncated> {
    let high = reader.u8()?;
    if high & 0x80 == 0 {
        return Ok(u16::from(high));
    }
    Ok(u16::from_be_bytes([high & 0x7f, reader.u8()?]))
}

/// At most three references; the lowest bit says that another follows.
fn skip_references(reader: &mut Reader<'_>) -> Result<(), Truncated> {
    for _ in 0..3 {
        if reader.u8()? & 1 == 0 {
            break;
        }
    }
    Ok(())
}

/// ```text
///  | N_S |Y|G|-|-|-|   WIDTH, HEIGHT per layer (Y)   N_G (G), then per picture: | TID |U| R |-|-|  and R bytes
/// ```
fn skip_scalability_structure(reader: &mut Reader<'_>) -> Result<(), Truncated> {
    let head = reader.u8()?;
    if head & 0x10 != 0 {
        reader.take((usize::from(head >> 5) + 1) * 4)?;
    }
    if head & 0x08 != 0 {
        for _ in 0..reader.u8()? {
            let references = reader.u8()? >> 2 & 3;
            reader.take(usize::from(references))?;
        }
    }
    Ok(())
}

/// Whether this payload is the first packet of a keyframe: it begins a frame of the lowest spatial layer that depends on
/// no other picture.
pub fn starts_keyframe(payload: &[u8]) -> bool {
    Vp9Descriptor::parse(payload).is_ok_and(|(descriptor, _)| {
        descriptor.frame_start
            && !descriptor.inter_picture
            && descriptor.layers.is_none_or(|layers| layers.spatial == 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_optional_fields_are_skipped() {
        // I, L, B, E, V; long picture id; layers; TL0PICIDX; structure with two sizes and two pictures.
        let payload =
            [0xae, 0x81, 0x23, 0x52, 7, 0x38, 1, 2, 3, 4, 5, 6, 7, 8, 2, 0x04, 9, 0x08, 9, 9, 0xaa, 0xbb];
        let (descriptor, data) = Vp9Descriptor::parse(&payload).unwrap();
        assert_eq!((descriptor.picture_id, data), (Some(0x123), &[0xaa, 0xbb][..]));
        let layers = Vp9Layers { temporal: 2, switching_up: true, spatial: 1, inter_layer: false };
        assert_eq!(descriptor.layers, Some(layers));
        assert!((0..20).all(|len| Vp9Descriptor::parse(&payload[..len]).is_err()));
    }

    #[test]
    fn a_flexible_picture_lists_up_to_three_references() {
        let (descriptor, data) = Vp9Descriptor::parse(&[0x50, 3, 3, 3, 0xcc]).unwrap();
        assert!(descriptor.flexible && descriptor.inter_picture);
        assert_eq!(data, [0xcc]);
    }

    #[test]
    fn a_keyframe_begins_the_lowest_layer_of_an_independent_picture() {
        assert!(starts_keyframe(&[0x08, 0]));
        assert!(starts_keyframe(&[0x28, 0x00, 1, 0]));
        for other in [&[0x48, 0][..], &[0x00, 0], &[0x28, 0x02, 1, 0], &[]] {
            assert!(!starts_keyframe(other), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok((_, data)) = Vp9Descriptor::parse(&bytes) {
                prop_assert!(data.len() < bytes.len());
            }
        }
    }
}
