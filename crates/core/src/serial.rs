//! Serial numbers that wrap (RFC 1982).

use core::cmp::Ordering;

macro_rules! serial {
    ($(#[$doc:meta])* $name:ident, $number:ty, $signed:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(pub $number);

        impl $name {
            /// The next number, wrapping.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.wrapping_add(1))
            }

            /// The previous number, wrapping.
            #[must_use]
            pub const fn prev(self) -> Self {
                Self(self.0.wrapping_sub(1))
            }

            /// `count` numbers further on, wrapping.
            #[must_use]
            pub const fn add(self, count: $number) -> Self {
                Self(self.0.wrapping_add(count))
            }

            /// How many steps `self` is ahead of `other`: negative when behind. Half the number space away counts as
            /// behind.
            pub const fn distance(self, other: Self) -> $signed {
                self.0.wrapping_sub(other.0).cast_signed()
            }

            /// Whether `self` comes after `other` in the order of RFC 1982.
            pub const fn is_after(self, other: Self) -> bool {
                self.distance(other) > 0
            }

            /// Whether `self` comes before `other`.
            pub const fn is_before(self, other: Self) -> bool {
                self.distance(other) < 0
            }
        }

        impl PartialOrd for $name {
            /// `None` when the two are exactly half the number space apart, where RFC 1982 leaves the order undefined.
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                match self.distance(*other) {
                    <$signed>::MIN => None,
                    distance => Some(distance.cmp(&0)),
                }
            }
        }

        impl From<$number> for $name {
            fn from(number: $number) -> Self {
                Self(number)
            }
        }
    };
}

serial!(
    /// A 16-bit serial number: RTP sequence numbers, SCTP stream sequence numbers.
    Serial16,
    u16,
    i16
);
serial!(
    /// A 32-bit serial number: SCTP TSNs and message ids, RTP timestamps.
    Serial32,
    u32,
    i32
);

/// Extends wrapping wire numbers to 64 bits: each number becomes the one nearest to the highest seen so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extender {
    highest: u64,
}

impl Extender {
    /// An extender whose first number is expected near `first`. It starts one cycle (2³²) up, so that numbers before
    /// the first have a place too.
    pub const fn starting_at(first: u32) -> Self {
        Self { highest: u64::from_be_bytes(first_cycle(first)) }
    }

    /// The highest number extended so far.
    pub const fn highest(&self) -> u64 {
        self.highest
    }

    /// Extends a 16-bit number and remembers it if it is the highest.
    pub fn extend16(&mut self, number: u16) -> u64 {
        let extended = self.peek16(number);
        self.highest = self.highest.max(extended);
        extended
    }

    /// Extends a 32-bit number and remembers it if it is the highest.
    pub fn extend32(&mut self, number: u32) -> u64 {
        let extended = self.peek32(number);
        self.highest = self.highest.max(extended);
        extended
    }

    /// What [`extend16`](Self::extend16) would return, without remembering it.
    pub fn peek16(&self, number: u16) -> u64 {
        let [.., a, b] = self.highest.to_be_bytes();
        let distance = Serial16(number).distance(Serial16(u16::from_be_bytes([a, b])));
        self.highest.saturating_add_signed(i64::from(distance))
    }

    /// What [`extend32`](Self::extend32) would return, without remembering it.
    pub fn peek32(&self, number: u32) -> u64 {
        let [.., a, b, c, d] = self.highest.to_be_bytes();
        let distance = Serial32(number).distance(Serial32(u32::from_be_bytes([a, b, c, d])));
        self.highest.saturating_add_signed(i64::from(distance))
    }
}

const fn first_cycle(first: u32) -> [u8; 8] {
    let [a, b, c, d] = first.to_be_bytes();
    [0, 0, 0, 1, a, b, c, d]
}

#[cfg(test)]
#[allow(clippy::as_conversions)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn order_wraps() {
        assert!(Serial16(0).is_after(Serial16(0xffff)));
        assert!(Serial32(u32::MAX) < Serial32(0));
        assert_eq!(Serial16(0).partial_cmp(&Serial16(0x8000)), None);
    }

    proptest! {
        #[test]
        fn a_walk_of_small_steps_extends_exactly(first: u32, steps in prop::collection::vec(-1000i64..30_000, 1..200)) {
            let (mut by16, mut by32) = (Extender::starting_at(first), Extender::starting_at(first));
            let mut truth = by32.highest();
            for step in steps {
                let number = truth.saturating_add_signed(step);
                prop_assert_eq!(by16.extend16(number as u16), number);
                prop_assert_eq!(by32.extend32(number as u32), number);
                truth = truth.max(number);
            }
        }

        #[test]
        fn distance_is_antisymmetric(a: u32, b: u32) {
            let (a, b) = (Serial32(a), Serial32(b));
            if a.distance(b) != i32::MIN {
                prop_assert_eq!(a.distance(b), -b.distance(a));
                prop_assert_eq!(a.is_after(b), b.is_before(a));
            }
        }
    }
}
