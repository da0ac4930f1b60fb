//! The sending direction.

use crate::cipher::{Ciphers, Trailer};
use crate::header::{RtpHeader, rtcp_ssrc};
use crate::sources::Sources;
use crate::window::{RTCP_INDEX_LIMIT, RTP_INDEX_LIMIT, RtpWindow, Stale, estimate};
use crate::{MasterKey, Options, ProtectError, SrtpProfile};
use core::fmt;
use sendrecv_core::PacketBuf;
use sendrecv_crypto::{CryptoError, CryptoProvider};

/// Protects outgoing packets.
///
/// The rollover counter of an SSRC starts at 0 with its first packet and follows the sequence numbers from there, so
/// sequence numbers must be handed in nearly in order. A first sequence number below 2¹⁵ spares the receiver from
/// guessing wrong when early packets are lost (RFC 3711, section 3.3.1).
pub struct Sender {
    profile: SrtpProfile,
    ciphers: Ciphers,
    rtp: Sources<RtpWindow>,
    /// The next SRTCP index of each SSRC.
    rtcp: Sources<u64>,
    allow_repeats: bool,
    encrypt_rtcp: bool,
    stats: SenderStats,
}

/// What a [`Sender`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderStats {
    /// RTP packets protected.
    pub rtp_packets: u64,
    /// Compound RTCP packets protected.
    pub rtcp_packets: u64,
}

impl Sender {
    /// A sender with these keys. [`CryptoError::InvalidKey`] when their lengths are not the profile's.
    pub fn new(
        provider: &dyn CryptoProvider,
        profile: SrtpProfile,
        master: &MasterKey,
        options: &Options,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            profile,
            ciphers: Ciphers::new(provider, profile, master, options)?,
            rtp: Sources::new(options.max_local_sources, options.table_seed),
            rtcp: Sources::new(options.max_local_sources, options.table_seed),
            allow_repeats: options.allow_repeats,
            encrypt_rtcp: options.encrypt_rtcp,
            stats: SenderStats::default(),
        })
    }

    /// The profile in use.
    pub const fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// What was protected so far.
    pub const fn stats(&self) -> &SenderStats {
        &self.stats
    }

    /// Encrypts the RTP packet that `packet` holds and appends its tag (RFC 3711, section 3.3), for which
    /// [`TAILROOM`](crate::TAILROOM) suffices. After [`ProtectError::Cipher`] the sequence number counts as used;
    /// after any other error nothing has changed.
    pub fn protect(&mut self, packet: &mut PacketBuf<'_>) -> Result<(), ProtectError> {
        let header = RtpHeader::parse(packet.bytes()).map_err(|_| ProtectError::Malformed)?;
        make_space(packet, self.profile.rtp_overhead())?;
        let index = self.rtp_index(header.ssrc, header.sequence)?;
        let position = (header.ssrc, index);
        if let (Some(cipher), Some((profile, range))) = (&self.ciphers.extensions, header.extension) {
            cipher.apply(position, profile, packet.bytes_mut().get_mut(range).unwrap_or_default());
        }
        self.ciphers.rtp.seal_rtp(position, header.len, packet)?;
        self.stats.rtp_packets = self.stats.rtp_packets.saturating_add(1);
        Ok(())
    }

    /// Encrypts the compound RTCP packet that `packet` holds and appends index and tag (RFC 3711, section 3.4), for
    /// which [`TAILROOM`](crate::TAILROOM) suffices. Errors as for [`protect`](Self::protect).
    pub fn protect_rtcp(&mut self, packet: &mut PacketBuf<'_>) -> Result<(), ProtectError> {
        let ssrc = rtcp_ssrc(packet.bytes()).map_err(|_| ProtectError::Malformed)?;
        make_space(packet, self.profile.rtcp_overhead())?;
        let trailer = Trailer { encrypted: self.encrypt_rtcp, index: self.rtcp_index(ssrc)? };
        self.ciphers.rtcp.seal_rtcp(ssrc, trailer, packet)?;
        self.stats.rtcp_packets = self.stats.rtcp_packets.saturating_add(1);
        Ok(())
    }

    /// The index of the packet with this sequence number, which from now on counts as used.
    fn rtp_index(&mut self, ssrc: u32, sequence: u16) -> Result<u64, ProtectError> {
        let Some(window) = self.rtp.get_mut(ssrc) else {
            let index = u64::from(sequence);
            let added = self.rtp.insert(ssrc, RtpWindow::starting_at(index));
            return added.map(|()| index).map_err(|_| ProtectError::TooManySources);
        };
        let highest = window.highest();
        let out_of_range =
            if highest < RTP_INDEX_LIMIT / 2 { ProtectError::TooOld } else { ProtectError::KeyExhausted };
        let index = estimate(highest, sequence).ok_or(out_of_range)?;
        match window.check(index) {
            Ok(()) => window.accept(index),
            Err(Stale::Seen) if self.allow_repeats => {}
            Err(Stale::Seen) => return Err(ProtectError::Repeated),
            Err(Stale::Old) => return Err(ProtectError::TooOld),
        }
        Ok(index)
    }

    /// The next SRTCP index of `ssrc`. The limit holds for the key as well as for each SSRC.
    fn rtcp_index(&mut self, ssrc: u32) -> Result<u32, ProtectError> {
        if self.stats.rtcp_packets >= RTCP_INDEX_LIMIT {
            return Err(ProtectError::KeyExhausted);
        }
        let index = match self.rtcp.get_mut(ssrc) {
            Some(next) => {
                let index = *next;
                *next = next.saturating_add(1).min(RTCP_INDEX_LIMIT);
                index
            }
            None => self.rtcp.insert(ssrc, 1).map(|()| 0).map_err(|_| ProtectError::TooManySources)?,
        };
        let below_limit = u32::try_from(index).ok().filter(|_| index < RTCP_INDEX_LIMIT);
        below_limit.ok_or(ProtectError::KeyExhausted)
    }
}

/// Opens the tailroom and makes sure that it suffices before anything is encrypted.
fn make_space(packet: &mut PacketBuf<'_>, overhead: usize) -> Result<(), ProtectError> {
    packet.release_tailroom();
    if packet.space() < overhead { Err(ProtectError::NoSpace) } else { Ok(()) }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = (self.rtp.len(), self.rtcp.len());
        f.debug_struct("Sender")
            .field("profile", &self.profile)
            .field("sources", &sources)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TAILROOM;
    use sendrecv_core::Writer;
    use sendrecv_crypto::default_provider;

    fn sender() -> Sender {
        let master = MasterKey::new(&[1; 16], &[2; 14]);
        Sender::new(default_provider(), SrtpProfile::Aes128CmSha1_80, &master, &Options::default()).unwrap()
    }

    fn protect(sender: &mut Sender, sequence: u16) -> Result<(), ProtectError> {
        let mut slab = [0; 64];
        let mut packet = PacketBuf::new(&mut slab, 0, TAILROOM);
        let [high, low] = sequence.to_be_bytes();
        packet.put(&[0x80, 96, high, low, 0, 0, 0, 0, 0, 0, 0, 7]).unwrap();
        sender.protect(&mut packet)
    }

    fn protect_rtcp(sender: &mut Sender) -> Result<(), ProtectError> {
        let mut slab = [0; 64];
        let mut packet = PacketBuf::new(&mut slab, 0, TAILROOM);
        packet.put(&[0x80, 201, 0, 1, 0, 0, 0, 7]).unwrap();
        sender.protect_rtcp(&mut packet)
    }

    #[test]
    fn rtp_ends_with_the_last_index() {
        let mut sender = sender();
        sender.rtp.insert(7, RtpWindow::starting_at(RTP_INDEX_LIMIT - 2)).unwrap();
        assert_eq!(protect(&mut sender, 65_535), Ok(()));
        assert_eq!(protect(&mut sender, 0), Err(ProtectError::KeyExhausted));
        assert_eq!(protect(&mut sender, 65_533), Ok(()), "what was skipped may still be sent");
    }

    #[test]
    fn rtcp_ends_with_the_last_index_of_an_ssrc() {
        let mut sender = sender();
        sender.rtcp.insert(7, RTCP_INDEX_LIMIT - 1).unwrap();
        assert_eq!(protect_rtcp(&mut sender), Ok(()));
        for _ in 0..3 {
            assert_eq!(protect_rtcp(&mut sender), Err(ProtectError::KeyExhausted));
        }
    }

    #[test]
    fn rtcp_ends_with_the_last_packet_of_the_key() {
        let mut sender = sender();
        sender.stats.rtcp_packets = RTCP_INDEX_LIMIT - 1;
        assert_eq!(protect_rtcp(&mut sender), Ok(()));
        assert_eq!(protect_rtcp(&mut sender), Err(ProtectError::KeyExhausted));
    }
}
