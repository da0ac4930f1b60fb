//! A VP8 encoder (RFC 6386) for pictures whose macroblocks are each of one colour: enough for a synthetic source.
//!
//! Every frame is a key frame; every macroblock is predicted by the average of its neighbours (DC_PRED) and corrected
//! by the first coefficient of its Y2, U and V blocks.

use super::bool_encoder::BoolEncoder;
use super::vp8_tables::{
    CHROMA_END, CHROMA_FIRST, FirstProbabilities, LUMA_END, UPDATE_COUNT, UPDATE_EXCEPTIONS, Y2_END, Y2_FIRST,
};

/// A colour as luma and the two chroma differences, 0 to 255 each.
pub(crate) type Yuv = [u8; 3];

const QUANTIZER_INDEX: u32 = 30;
/// `dc_qlookup[QUANTIZER_INDEX]`, section 14.1.
const DC_FACTOR: i32 = 27;

/// Encodes a frame of `columns` × `rows` macroblocks (16 × 16 pixels each) with the colours that `colour` gives.
pub(crate) fn encode(columns: u16, rows: u16, mut colour: impl FnMut(u16, u16) -> Yuv) -> Vec<u8> {
    let mut modes = BoolEncoder::new();
    frame_header(&mut modes);
    let mut tokens = BoolEncoder::new();
    let mut above = vec![Neighbour::default(); usize::from(columns)];
    for row in 0..rows {
        let mut left = Neighbour::default();
        for (column, above) in (0..columns).zip(&mut above) {
            put_dc_prediction(&mut modes);
            let this = macroblock(&mut tokens, colour(column, row), above, &left);
            *above = this;
            left = this;
        }
    }
    assemble(columns, rows, &modes.finish(), &tokens.finish())
}

/// What the macroblocks to the right and below need to know of this one.
#[derive(Clone, Copy, Default)]
struct Neighbour {
    colour: Option<Yuv>,
    has_y2: bool,
    has_chroma: [bool; 2],
}

fn assemble(columns: u16, rows: u16, modes: &[u8], tokens: &[u8]) -> Vec<u8> {
    const SHOW_KEY_FRAME: u32 = 0b1_0000;
    let tag = u32::try_from(modes.len()).unwrap_or(0) << 5 | SHOW_KEY_FRAME;
    let [a, b, c, _] = tag.to_le_bytes();
    let mut frame = vec![a, b, c, 0x9d, 0x01, 0x2a];
    frame.extend((columns * 16).to_le_bytes());
    frame.extend((rows * 16).to_le_bytes());
    frame.extend(modes);
    frame.extend(tokens);
    frame
}

/// Section 19.2, with everything optional left out.
fn frame_header(out: &mut BoolEncoder) {
    out.literal(0, 2); // colour space, clamping needed
    out.literal(0, 1); // no segmentation
    out.literal(0, 1 + 6 + 3 + 1); // no loop filter
    out.literal(0, 2); // one token partition
    out.literal(QUANTIZER_INDEX, 7);
    out.literal(0, 5); // no quantizer deltas
    out.literal(1, 1); // refresh entropy probabilities
    let mut exceptions = UPDATE_EXCEPTIONS.iter().peekable();
    for index in 0..UPDATE_COUNT {
        let probability =
            exceptions.next_if(|(at, _)| *at == index).map_or(255, |(_, probability)| *probability);
        out.put(false, probability);
    }
    out.literal(0, 1); // every macroblock has coefficients
}

/// DC_PRED for luma ("100" in `kf_ymode_tree`) and chroma ("0" in `uv_mode_tree`).
fn put_dc_prediction(out: &mut BoolEncoder) {
    out.put(true, 145);
    out.put(false, 156);
    out.put(false, 163);
    out.put(false, 142);
}

fn macroblock(out: &mut BoolEncoder, wanted: Yuv, above: &Neighbour, left: &Neighbour) -> Neighbour {
    let mut this = Neighbour { colour: None, has_y2: false, has_chroma: [false; 2] };
    let [y, u, v] = wanted;
    let predicted = prediction(above.colour, left.colour);

    // Two factors of 8: the Walsh-Hadamard transform spreads the Y2 coefficient over 16 blocks, each over its pixels.
    let level = divide_rounded((i32::from(y) - predicted[0]) * 64, 2 * DC_FACTOR);
    put_first(out, level, &Y2_FIRST, &Y2_END, usize::from(above.has_y2) + usize::from(left.has_y2));
    (0..16).for_each(|_| out.put(false, LUMA_END));
    this.has_y2 = level != 0;
    let luma = clamp(predicted[0] + ((((level * 2 * DC_FACTOR + 3) >> 3) + 4) >> 3));

    let mut chroma = [0; 2];
    for (plane, wanted) in [u, v].into_iter().enumerate() {
        let predicted = predicted[plane + 1];
        let level = divide_rounded((i32::from(wanted) - predicted) * 8, DC_FACTOR);
        put_chroma_plane(out, level, above.has_chroma[plane], left.has_chroma[plane]);
        this.has_chroma[plane] = level != 0;
        chroma[plane] = clamp(predicted + ((level * DC_FACTOR + 4) >> 3));
    }
    this.colour = Some([luma, chroma[0], chroma[1]]);
    this
}

/// A plane's four blocks have the same level; their contexts come from the blocks above and to the left of each.
fn put_chroma_plane(out: &mut BoolEncoder, level: i32, above: bool, left: bool) {
    let this = level != 0;
    for (above, left) in [(above, left), (above, this), (this, left), (this, this)] {
        put_first(out, level, &CHROMA_FIRST, &CHROMA_END, usize::from(above) + usize::from(left));
    }
}

/// The average of what is there; 128 where nothing is (section 12.2).
fn prediction(above: Option<Yuv>, left: Option<Yuv>) -> [i32; 3] {
    match (above, left) {
        (None, None) => [128; 3],
        (Some(one), None) | (None, Some(one)) => one.map(i32::from),
        (Some(a), Some(b)) => [0, 1, 2].map(|i| (i32::from(a[i]) + i32::from(b[i]) + 1) >> 1),
    }
}

/// A block whose only coefficient is its first (section 13.2).
fn put_first(out: &mut BoolEncoder, level: i32, first: &FirstProbabilities, end: &[u8; 3], context: usize) {
    let p = &first[context];
    if level == 0 {
        out.put(false, p[0]);
        return;
    }
    out.put(true, p[0]);
    out.put(true, p[1]);
    put_magnitude(out, level.unsigned_abs(), p);
    out.literal(u32::from(level < 0), 1);
    out.put(false, end[if level.abs() == 1 { 1 } else { 2 }]);
}

/// The token tree below "not zero", with each category's extra bits.
fn put_magnitude(out: &mut BoolEncoder, magnitude: u32, p: &[u8; 11]) {
    let mut path = |bits: &[(bool, usize)]| bits.iter().for_each(|(bit, at)| out.put(*bit, p[*at]));
    let (base, extra): (u32, &[u8]) = match magnitude {
        1 => return path(&[(false, 2)]),
        2 => return path(&[(true, 2), (false, 3), (false, 4)]),
        3 => return path(&[(true, 2), (false, 3), (true, 4), (false, 5)]),
        4 => return path(&[(true, 2), (false, 3), (true, 4), (true, 5)]),
        5..=6 => (5, &[159]),
        7..=10 => (7, &[165, 145]),
        11..=18 => (11, &[173, 148, 140]),
        19..=34 => (19, &[176, 155, 140, 135]),
        35..=66 => (35, &[180, 157, 141, 134, 130]),
        _ => (67, &[254, 254, 243, 230, 196, 177, 153, 140, 133, 130, 129]),
    };
    path(&[(true, 2), (true, 3)]);
    match base {
        5 => path(&[(false, 6), (false, 7)]),
        7 => path(&[(false, 6), (true, 7)]),
        11 => path(&[(true, 6), (false, 8), (false, 9)]),
        19 => path(&[(true, 6), (false, 8), (true, 9)]),
        35 => path(&[(true, 6), (true, 8), (false, 10)]),
        _ => path(&[(true, 6), (true, 8), (true, 10)]),
    }
    let rest = magnitude - base;
    for (bit, probability) in (0..extra.len()).rev().zip(extra) {
        out.put(rest >> bit & 1 == 1, *probability);
    }
}

fn divide_rounded(value: i32, by: i32) -> i32 {
    (value + value.signum() * by / 2) / by
}

fn clamp(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or(0)
}
