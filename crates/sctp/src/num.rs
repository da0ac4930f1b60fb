//! Conversions that cannot fail, in one place.

/// The low 32 bits.
pub(crate) const fn low32(number: u64) -> u32 {
    let [.., a, b, c, d] = number.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// The low 16 bits.
pub(crate) const fn low16(number: u32) -> u16 {
    let [.., a, b] = number.to_be_bytes();
    u16::from_be_bytes([a, b])
}

/// A length as 64 bits.
pub(crate) fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// 64 bits as a length, saturating.
pub(crate) fn narrow(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A length as 32 bits, saturating.
pub(crate) fn clamp32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A length as 16 bits, saturating.
pub(crate) fn clamp16(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

/// 32 bits as a length.
pub(crate) fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// `base` moved by the signed distance from its low 32 bits to `number`: the 64-bit number nearest to `base` whose low
/// bits are `number`.
pub(crate) const fn extend(base: u64, number: u32) -> u64 {
    let distance = number.wrapping_sub(low32(base)).cast_signed();
    base.saturating_add_signed(distance_i64(distance))
}

const fn distance_i64(distance: i32) -> i64 {
    let negative = distance < 0;
    let [a, b, c, d] = distance.to_be_bytes();
    let fill = if negative { 0xff } else { 0 };
    i64::from_be_bytes([fill, fill, fill, fill, a, b, c, d])
}

/// `length` rounded up to a multiple of four.
pub(crate) const fn padded(length: usize) -> usize {
    length.saturating_add(3) & !3
}
