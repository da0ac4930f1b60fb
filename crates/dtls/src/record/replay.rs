//! The anti-replay window (RFC 9147, section 4.5.1; RFC 4303, section 3.4.3).

/// Remembers the highest record number seen and which of the 127 numbers before it were seen too.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReplayWindow {
    /// The number after the highest seen; zero: nothing was seen.
    next: u64,
    /// Bit `i` stands for the number `next - 1 - i`.
    seen: u128,
}

impl ReplayWindow {
    /// The number that is expected next.
    pub(crate) const fn expected(&self) -> u64 {
        self.next
    }

    /// Whether a record with this number may still be taken.
    pub(crate) fn is_new(&self, number: u64) -> bool {
        match self.next.checked_sub(1).and_then(|highest| highest.checked_sub(number)) {
            None => true,
            Some(age) => u32::try_from(age)
                .ok()
                .and_then(|age| 1u128.checked_shl(age))
                .is_some_and(|bit| self.seen & bit == 0),
        }
    }

    /// Remembers a record that was authenticated.
    pub(crate) fn mark(&mut self, number: u64) {
        match number.checked_sub(self.next) {
            Some(ahead) => {
                let shift = u32::try_from(ahead.saturating_add(1)).unwrap_or(u32::MAX);
                self.seen = self.seen.checked_shl(shift).unwrap_or(0) | 1;
                self.next = number.saturating_add(1);
            }
            None => {
                let age =
                    u32::try_from(self.next.saturating_sub(1).saturating_sub(number)).unwrap_or(u32::MAX);
                self.seen |= 1u128.checked_shl(age).unwrap_or(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_taken_once() {
        let mut window = ReplayWindow::default();
        assert!(window.is_new(0));
        window.mark(0);
        assert!(!window.is_new(0));
        window.mark(127);
        assert!(window.is_new(1) && !window.is_new(0));
        window.mark(128);
        assert!(!window.is_new(0), "older than the window");
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set(numbers in prop::collection::vec(0u64..300, 0..400)) {
            let (mut window, mut set) = (ReplayWindow::default(), BTreeSet::new());
            for number in numbers {
                let highest = set.last().copied().unwrap_or(0);
                let expected = !set.contains(&number) && number + 128 > highest;
                prop_assert_eq!(window.is_new(number), expected);
                if expected {
                    window.mark(number);
                    set.insert(number);
                }
            }
        }

        #[test]
        fn huge_numbers_never_panic(numbers: Vec<u64>) {
            let mut window = ReplayWindow::default();
            for number in numbers {
                window.mark(number);
                prop_assert!(!window.is_new(number));
            }
        }
    }

    use alloc::vec::Vec;
}
