//! Both directions together.

use crate::{
    Discard, MasterKey, Options, ProtectError, Receiver, ReceiverStats, Sender, SenderStats, SrtpProfile,
};
use sendrecv_core::PacketBuf;
use sendrecv_crypto::{CryptoError, CryptoProvider};

/// The two directions of one DTLS-SRTP association.
#[derive(Debug)]
pub struct Session {
    sender: Sender,
    receiver: Receiver,
}

impl Session {
    /// A session that protects with the `local` keys and unprotects with the `remote` ones: the DTLS client's local
    /// keys are the "client write" ones (RFC 5764, section 4.2). [`CryptoError::InvalidKey`] when lengths are not the
    /// profile's.
    pub fn new(
        provider: &dyn CryptoProvider,
        profile: SrtpProfile,
        local: &MasterKey,
        remote: &MasterKey,
        options: &Options,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            sender: Sender::new(provider, profile, local, options)?,
            receiver: Receiver::new(provider, profile, remote, options)?,
        })
    }

    /// The profile in use.
    pub const fn profile(&self) -> SrtpProfile {
        self.sender.profile()
    }

    /// See [`Sender::protect`].
    #[inline]
    pub fn protect(&mut self, packet: &mut PacketBuf<'_>) -> Result<(), ProtectError> {
        self.sender.protect(packet)
    }

    /// See [`Sender::protect_rtcp`].
    pub fn protect_rtcp(&mut self, packet: &mut PacketBuf<'_>) -> Result<(), ProtectError> {
        self.sender.protect_rtcp(packet)
    }

    /// See [`Receiver::unprotect`].
    #[inline]
    pub fn unprotect<'b>(&mut self, datagram: &'b mut [u8]) -> Result<&'b mut [u8], Discard> {
        self.receiver.unprotect(datagram)
    }

    /// See [`Receiver::unprotect_rtcp`].
    pub fn unprotect_rtcp<'b>(&mut self, datagram: &'b mut [u8]) -> Result<&'b mut [u8], Discard> {
        self.receiver.unprotect_rtcp(datagram)
    }

    /// What was sent and received so far.
    pub const fn stats(&self) -> (&SenderStats, &ReceiverStats) {
        (self.sender.stats(), self.receiver.stats())
    }

    /// The two halves, for hosts that send and receive in different places.
    pub fn into_halves(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }
}
