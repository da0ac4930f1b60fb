//! Stream numbers for channels: even for the DTLS client, odd for the server (RFC 8832, section 6).

use super::DtlsRole;
use alloc::collections::BTreeSet;

/// The highest number a channel can have; 65,535 is reserved (RFC 8831, section 6.5).
const MAX_ID: u16 = 65_534;

/// Hands out the lowest free number of our parity.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids {
    /// The next number never handed out; `None` before the role is known.
    next: Option<u16>,
    exhausted: bool,
    released: BTreeSet<u16>,
}

impl Ids {
    pub(super) fn set_role(&mut self, role: DtlsRole) {
        if self.next.is_none() {
            self.next = Some(match role {
                DtlsRole::Client => 0,
                DtlsRole::Server => 1,
            });
        }
    }

    pub(super) const fn role_is_known(&self) -> bool {
        self.next.is_some()
    }

    /// The lowest number below `limit` that `is_free`.
    pub(super) fn allocate(&mut self, limit: u16, is_free: impl Fn(u16) -> bool) -> Option<u16> {
        while let Some(id) = self.released.pop_first() {
            if is_free(id) && id < limit {
                return Some(id);
            }
        }
        while !self.exhausted {
            let id = self.next?;
            if id >= limit {
                return None;
            }
            self.exhausted = id.checked_add(2).is_none_or(|next| next > MAX_ID);
            self.next = Some(id.saturating_add(2).min(MAX_ID));
            if is_free(id) {
                return Some(id);
            }
        }
        None
    }

    /// The number may be handed out again, if it is of our parity.
    pub(super) fn release(&mut self, id: u16) {
        if self.next.is_some_and(|next| next % 2 == id % 2) && !(self.exhausted && id > MAX_ID) {
            self.released.insert(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn clients_take_even_and_servers_odd_numbers_until_there_are_none() {
        for (role, first, count) in [(DtlsRole::Client, 0, 32_768), (DtlsRole::Server, 1, 32_767)] {
            let mut ids = Ids::default();
            assert_eq!(ids.allocate(u16::MAX, |_| true), None);
            ids.set_role(role);
            let all: Vec<_> = core::iter::from_fn(|| ids.allocate(u16::MAX, |_| true)).collect();
            assert_eq!((all.len(), all[0], all[1]), (count, first, first + 2));
        }
    }

    #[test]
    fn released_and_free_numbers_come_first() {
        let mut ids = Ids::default();
        ids.set_role(DtlsRole::Server);
        assert_eq!(ids.allocate(u16::MAX, |id| id != 1), Some(3));
        assert_eq!(ids.allocate(u16::MAX, |_| true), Some(5));
        ids.release(3);
        ids.release(4);
        assert_eq!(ids.allocate(u16::MAX, |_| true), Some(3));
        assert_eq!(ids.allocate(7, |_| true), None);
    }
}
