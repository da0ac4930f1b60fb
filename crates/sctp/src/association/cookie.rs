//! The state cookie (RFC 9260, section 5.1.3): everything an INIT told, so that nothing is kept until its sender has
//! proven that it hears us.
//!
//! ```text
//! +---------------------------------------------------------------+
//! |                Creation time in nanoseconds (64)              |
//! |   our tag (32)  |  peer's tag (32)  |  our initial TSN (32)   |
//! |   peer's initial TSN (32)   |   peer's window (32)            |
//! |   outbound (16) |  inbound (16)  |  extensions (8)            |
//! |   our tag before (32)       |   peer's tag before (32)        |
//! |                   HMAC-SHA-256 (256)                          |
//! +---------------------------------------------------------------+
//! ```

use crate::wire::InitExtensions;
use alloc::vec::Vec;
use core::time::Duration;
use hmac::{Hmac, KeyInit, Mac};
use sendrecv_core::{Instant, NoSpace, Reader, Rng, Truncated, Writer};
use sha2::Sha256;

const MAC_LEN: usize = 32;

/// What a cookie says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    pub(super) created: Instant,
    pub(super) local_tag: u32,
    pub(super) peer_tag: u32,
    pub(super) local_initial_tsn: u32,
    pub(super) peer_initial_tsn: u32,
    pub(super) peer_window: u32,
    /// Streams the peer wants to send on, and can receive on.
    pub(super) peer_outbound: u16,
    pub(super) peer_inbound: u16,
    /// What the peer announced.
    pub(super) extensions: InitExtensions,
    /// The tags of the association that existed when the INIT came (the "tie-tags"), or zeros.
    pub(super) tie_tags: (u32, u32),
}

/// Why a cookie is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadCookie {
    /// We did not make it.
    Forged,
    /// We made it, this much longer ago than its lifetime.
    Stale { by: Duration, cookie: Cookie },
}

/// Makes and checks cookies with a key of its own.
pub(super) struct CookieKey(Hmac<Sha256>);

impl core::fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CookieKey(..)")
    }
}

impl CookieKey {
    /// A key drawn from a generator of secrets.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let mut key = hmac::digest::Key::<Hmac<Sha256>>::default();
        rng.fill(&mut key);
        Self(Hmac::new(&key))
    }

    /// The cookie's bytes.
    pub(super) fn seal(&self, cookie: &Cookie) -> Result<Vec<u8>, NoSpace> {
        let mut bytes = Vec::with_capacity(80);
        cookie.write(&mut bytes)?;
        let mut mac = self.0.clone();
        mac.update(&bytes);
        bytes.put(&mac.finalize().into_bytes())?;
        Ok(bytes)
    }

    /// The cookie, if we made these bytes and not too long ago.
    pub(super) fn open(&self, bytes: &[u8], now: Instant, lifetime: Duration) -> Result<Cookie, BadCookie> {
        let body_len = bytes.len().checked_sub(MAC_LEN).ok_or(BadCookie::Forged)?;
        let (body, tag) = bytes.split_at_checked(body_len).ok_or(BadCookie::Forged)?;
        let mut mac = self.0.clone();
        mac.update(body);
        if !cfg!(fuzzing) {
            mac.verify_slice(tag).map_err(|_| BadCookie::Forged)?;
        }
        let cookie = Cookie::read(body).map_err(|_| BadCookie::Forged)?;
        let age = now.saturating_since(cookie.created);
        if age > lifetime {
            return Err(BadCookie::Stale { by: age.saturating_sub(lifetime), cookie });
        }
        Ok(cookie)
    }
}

impl Cookie {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), NoSpace> {
        out.put_u64(self.created.as_nanos())?;
        out.put_u32(self.local_tag)?;
        out.put_u32(self.peer_tag)?;
        out.put_u32(self.local_initial_tsn)?;
        out.put_u32(self.peer_initial_tsn)?;
        out.put_u32(self.peer_window)?;
        out.put_u16(self.peer_outbound)?;
        out.put_u16(self.peer_inbound)?;
        out.put_u8(self.extensions.to_bits())?;
        out.put_u32(self.tie_tags.0)?;
        out.put_u32(self.tie_tags.1)
    }

    fn read(body: &[u8]) -> Result<Self, Truncated> {
        let mut reader = Reader::new(body);
        Ok(Self {
            created: Instant::from_nanos(reader.u64()?),
            local_tag: reader.u32()?,
            peer_tag: reader.u32()?,
            local_initial_tsn: reader.u32()?,
            peer_initial_tsn: reader.u32()?,
            peer_window: reader.u32()?,
            peer_outbound: reader.u16()?,
            peer_inbound: reader.u16()?,
            extensions: InitExtensions::from_bits(reader.u8()?),
            tie_tags: (reader.u32()?, reader.u32()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendrecv_core::Seed;

    const LIFETIME: Duration = Duration::from_secs(60);

    fn cookie() -> Cookie {
        Cookie {
            created: Instant::from_millis(1000),
            local_tag: 1,
            peer_tag: 2,
            local_initial_tsn: 3,
            peer_initial_tsn: 4,
            peer_window: 5,
            peer_outbound: 6,
            peer_inbound: 7,
            extensions: InitExtensions::from_bits(0b1010),
            tie_tags: (8, 9),
        }
    }

    #[test]
    fn a_cookie_opens_for_its_maker_in_its_time_and_for_nobody_else() {
        let key = CookieKey::new(&mut Seed::from_u64(1).rng());
        let other = CookieKey::new(&mut Seed::from_u64(2).rng());
        let bytes = key.seal(&cookie()).unwrap();
        let now = Instant::from_millis(2000);
        assert_eq!(key.open(&bytes, now, LIFETIME), Ok(cookie()));
        assert_eq!(other.open(&bytes, now, LIFETIME), Err(BadCookie::Forged));
        let late = Instant::from_millis(61_500);
        assert_eq!(
            key.open(&bytes, late, LIFETIME),
            Err(BadCookie::Stale { by: Duration::from_millis(500), cookie: cookie() })
        );
    }

    #[test]
    fn every_changed_bit_and_every_truncation_is_found() {
        let key = CookieKey::new(&mut Seed::from_u64(1).rng());
        let bytes = key.seal(&cookie()).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut forged = bytes.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&forged, Instant::ZERO, LIFETIME), Err(BadCookie::Forged));
        }
        for len in 0..bytes.len() {
            assert_eq!(key.open(&bytes[..len], Instant::ZERO, LIFETIME), Err(BadCookie::Forged));
        }
    }
}
