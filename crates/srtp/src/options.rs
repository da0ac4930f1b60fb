//! What a session can be told beyond its keys.

use core::fmt;

/// Bounds and choices of a session. The default is what WebRTC does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many SSRCs may send to us, RTP and RTCP each; a packet of one more is discarded. State of an SSRC is some
    /// 200 bytes and only authenticated packets create it.
    pub max_remote_sources: usize,
    /// How many SSRCs we may send with, RTP and RTCP each.
    pub max_local_sources: usize,
    /// Scatters the SSRCs in the tables of their states. A random one that the peer does not know keeps it from
    /// choosing SSRCs that make lookups slow: at worst as many steps as there are sources.
    pub table_seed: u64,
    /// Whether [`Sender::protect`](crate::Sender::protect) takes a sequence number again that it has protected before.
    /// Only for callers that send the *same* packet again, byte for byte: another packet with the same number would
    /// break the cipher (RFC 3711, section 9.1; RFC 7714, section 8.4). Retransmission as RFC 4588 (RTX) does not
    /// need this.
    pub allow_repeats: bool,
    /// Whether SRTCP is encrypted, and must be on receipt (RFC 3711, section 3.4, the E bit). RFC 8827 wants it so;
    /// the other way is for peers that agreed on it by signalling of their own.
    pub encrypt_rtcp: bool,
    /// Header extension elements that both sides agreed to encrypt (RFC 6904).
    pub encrypted_extensions: ExtensionIds,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_remote_sources: 4096,
            max_local_sources: 65_536,
            table_seed: 0,
            allow_repeats: false,
            encrypt_rtcp: true,
            encrypted_extensions: ExtensionIds::default(),
        }
    }
}

/// A set of RTP header extension ids, 1 to 255.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct ExtensionIds([u128; 2]);

impl ExtensionIds {
    /// Puts `id` into the set. 0 is padding and never a member.
    pub fn insert(&mut self, id: u8) {
        let [low, high] = &mut self.0;
        match id {
            0 => {}
            1..=127 => *low |= 1 << id,
            128..=255 => *high |= 1 << (id & 127),
        }
    }

    /// Whether `id` is in the set.
    pub const fn contains(&self, id: u8) -> bool {
        let [low, high] = self.0;
        let half = if id < 128 { low } else { high };
        half >> (id & 127) & 1 == 1
    }

    /// Whether the set has no member.
    pub const fn is_empty(&self) -> bool {
        matches!(self.0, [0, 0])
    }
}

impl FromIterator<u8> for ExtensionIds {
    fn from_iter<I: IntoIterator<Item = u8>>(ids: I) -> Self {
        let mut set = Self::default();
        ids.into_iter().for_each(|id| set.insert(id));
        set
    }
}

impl fmt::Debug for ExtensionIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries((0..=u8::MAX).filter(|id| self.contains(*id))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_set_holds_what_was_put_in_except_padding() {
        let set: ExtensionIds = [0, 1, 127, 128, 255].into_iter().collect();
        assert_eq!(format!("{set:?}"), "{1, 127, 128, 255}");
        assert!(ExtensionIds::default().is_empty() && !set.is_empty());
    }
}
