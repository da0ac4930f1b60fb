//! The receiving direction.

use crate::cipher::Ciphers;
use crate::header::{RtpHeader, rtcp_ssrc};
use crate::sources::Sources;
use crate::window::{ReplayWindow, RtcpWindow, RtpWindow, Stale, estimate};
use crate::{Discard, MasterKey, Options, SrtpProfile};
use core::fmt;
use sendrecv_core::{DiscardReason, Discards};
use sendrecv_crypto::{CryptoError, CryptoProvider};

/// Number of reasons in [`Discard`].
const REASONS: usize = Discard::ALL.len();

/// Checks and decrypts incoming packets.
///
/// A packet that is not authentic changes nothing but a counter, though the bytes of the datagram may be spoilt.
pub struct Receiver {
    profile: SrtpProfile,
    ciphers: Ciphers,
    rtp: Sources<RtpWindow>,
    rtcp: Sources<RtcpWindow>,
    encrypt_rtcp: bool,
    stats: ReceiverStats,
}

/// What a [`Receiver`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverStats {
    /// RTP packets accepted.
    pub rtp_packets: u64,
    /// Compound RTCP packets accepted.
    pub rtcp_packets: u64,
    /// Packets that had no effect, by reason.
    pub discards: Discards<REASONS>,
}

impl Receiver {
    /// A receiver with these keys. [`CryptoError::InvalidKey`] when their lengths are not the profile's.
    pub fn new(
        provider: &dyn CryptoProvider,
        profile: SrtpProfile,
        master: &MasterKey,
        options: &Options,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            profile,
            ciphers: Ciphers::new(provider, profile, master, options)?,
            rtp: Sources::new(options.max_remote_sources, options.table_seed),
            rtcp: Sources::new(options.max_remote_sources, options.table_seed),
            encrypt_rtcp: options.encrypt_rtcp,
            stats: ReceiverStats::default(),
        })
    }

    /// The profile in use.
    pub const fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// What was received so far.
    pub const fn stats(&self) -> &ReceiverStats {
        &self.stats
    }

    /// How many SSRCs have authenticated RTP and RTCP packets.
    pub const fn sources(&self) -> (usize, usize) {
        (self.rtp.len(), self.rtcp.len())
    }

    /// Turns an SRTP packet into the RTP packet it was, in place (RFC 3711, section 3.3).
    pub fn unprotect<'b>(&mut self, datagram: &'b mut [u8]) -> Result<&'b mut [u8], Discard> {
        match self.open_rtp(datagram) {
            Ok(packet) => {
                self.stats.rtp_packets = self.stats.rtp_packets.saturating_add(1);
                Ok(packet)
            }
            Err(reason) => Err(self.stats.discards.count(reason)),
        }
    }

    /// Turns an SRTCP packet into the compound RTCP packet it was, in place (RFC 3711, section 3.4).
    pub fn unprotect_rtcp<'b>(&mut self, datagram: &'b mut [u8]) -> Result<&'b mut [u8], Discard> {
        match self.open_rtcp(datagram) {
            Ok(packet) => {
                self.stats.rtcp_packets = self.stats.rtcp_packets.saturating_add(1);
                Ok(packet)
            }
            Err(reason) => Err(self.stats.discards.count(reason)),
        }
    }

    fn open_rtp<'b>(&mut self, datagram: &'b mut [u8]) -> Result<&'b mut [u8], Discard> {
        let header = RtpHeader::parse(datagram).map_err(|_| Discard::Malformed)?;
        let index = match self.rtp.get_mut(header.ssrc) {
            Some(window) => estimate(window.highest(), header.sequence).ok_or(Discard::TooOld)?,
            None => u64::from(header.sequence),
        };
        fresh(&mut self.rtp, header.ssrc, index)?;
        let position = (header.ssrc, index);
        let packet = self.ciphers.rtp.open_rtp(position, header.len, datagram)?;
        if let (Some(cipher), Some((profile, range))) = (&self.ciphers.extensions, header.extension) {
            cipher.apply(position, profile, packet.get_mut(range).unwrap_or_default());
        }
        accept(&mut self.rtp, header.ssrc, index)?;
        Ok(packet)
    }

    fn open_rtcp<'b>(&mut self, datagram: &'b mut [u8]) -> Result<&'b mut [u8], Discard> {
        let ssrc = rtcp_ssrc(datagram).map_err(|_| Discard::Malformed)?;
        let trailer = self.ciphers.rtcp.trailer(datagram)?;
        if trailer.encrypted != self.encrypt_rtcp {
            return Err(Discard::EncryptionMismatch);
        }
        let index = u64::from(trailer.index);
        fresh(&mut self.rtcp, ssrc, index)?;
        let packet = self.ciphers.rtcp.open_rtcp(ssrc, trailer, datagram)?;
        accept(&mut self.rtcp, ssrc, index)?;
        Ok(packet)
    }
}

/// Whether a packet with this index would be new: asked before the costly check of its tag.
fn fresh<const WORDS: usize>(
    sources: &mut Sources<ReplayWindow<WORDS>>,
    ssrc: u32,
    index: u64,
) -> Result<(), Discard> {
    let Some(window) = sources.get_mut(ssrc) else {
        return if sources.is_full() { Err(Discard::TooManySources) } else { Ok(()) };
    };
    window.check(index).map_err(|stale| match stale {
        Stale::Seen => Discard::Replayed,
        Stale::Old => Discard::TooOld,
    })
}

/// Remembers an authenticated packet, and its SSRC if it is new.
fn accept<const WORDS: usize>(
    sources: &mut Sources<ReplayWindow<WORDS>>,
    ssrc: u32,
    index: u64,
) -> Result<(), Discard> {
    match sources.get_mut(ssrc) {
        Some(window) => window.accept(index),
        None => {
            let window = ReplayWindow::starting_at(index);
            sources.insert(ssrc, window).map_err(|_| Discard::TooManySources)?;
        }
    }
    Ok(())
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Receiver");
        debug.field("profile", &self.profile).field("sources", &self.sources()).finish_non_exhaustive()
    }
}
