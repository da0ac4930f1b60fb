//! What a connection is to do.

use crate::{Certificate, CipherSuite, ConnectionId, SrtpProfile, Version};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;
use sendrecv_crypto::{CryptoProvider, NamedGroup};
use thiserror::Error;

/// The least MTU: below it a record would carry next to nothing.
pub const MIN_MTU: usize = 128;

/// How a connection behaves. Plain data; [`Config::new`] fills in what WebRTC wants.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where cryptography comes from.
    pub provider: &'static dyn CryptoProvider,
    /// Our certificate and key.
    pub certificate: Arc<Certificate>,
    /// The oldest version to accept.
    pub min_version: Version,
    /// The newest version to accept.
    pub max_version: Version,
    /// Cipher suites of both versions, most preferred first. As a server, only those that fit the certificate are used.
    pub cipher_suites: Vec<CipherSuite>,
    /// Key exchange groups, most preferred first. X25519MLKEM768 is for DTLS 1.3 only.
    pub groups: Vec<NamedGroup>,
    /// For how many of the first groups a DTLS 1.3 client sends shares at once: each costs a key generation and space,
    /// a missing one a round trip.
    pub key_shares: usize,
    /// SRTP profiles, most preferred first; empty: no SRTP.
    pub srtp_profiles: Vec<SrtpProfile>,
    /// The largest datagram to send during the handshake, in bytes of UDP payload.
    pub mtu: usize,
    /// Whether a DTLS 1.2 peer must know the extended master secret (RFC 7627).
    pub require_extended_master_secret: bool,
    /// As a server, whether to make the client prove with a cookie that it receives what is sent to it, before any
    /// costly work. ICE has shown that already, so WebRTC does not need the extra round trip.
    pub cookie: bool,
    /// The connection ID that the peer is to put into its records (RFC 9146), so that it is recognised at another address:
    /// `None` neither offers nor takes IDs, as browsers do; an empty one sends the peer's, but wants none itself.
    pub connection_id: Option<ConnectionId>,
    /// The first retransmission timeout while the round trip is unknown; doubled each time.
    pub initial_rto: Duration,
    /// The longest retransmission timeout.
    pub max_rto: Duration,
    /// When to give up the handshake, counted from its first packet.
    pub handshake_timeout: Duration,
    /// How many records a key protects before DTLS 1.3 changes it: at least 4, and never more than half of the cipher's own
    /// limit.
    pub key_update_after: u64,
}

/// Why a configuration makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The oldest version is newer than the newest.
    #[error("min_version is newer than max_version")]
    NoVersion,
    /// A version is allowed for which there is no cipher suite that fits the certificate.
    #[error("there is no cipher suite for an allowed version")]
    NoCipherSuite,
    /// A version is allowed for which there is no group.
    #[error("there is no key exchange group for an allowed version")]
    NoGroup,
}

impl Config {
    /// What WebRTC wants: both versions, every suite and group the provider has, X25519MLKEM768 first, shares for two
    /// groups, AEAD SRTP profiles first, 1200-byte datagrams, 50 ms first retransmission.
    pub fn new(provider: &'static dyn CryptoProvider, certificate: Arc<Certificate>) -> Self {
        Self {
            provider,
            certificate,
            min_version: Version::Dtls12,
            max_version: Version::Dtls13,
            cipher_suites: CipherSuite::ALL.to_vec(),
            groups: provider.groups().to_vec(),
            key_shares: 2,
            srtp_profiles: alloc::vec![
                SrtpProfile::AeadAes128Gcm,
                SrtpProfile::AeadAes256Gcm,
                SrtpProfile::Aes128CmSha1_80,
            ],
            mtu: 1200,
            require_extended_master_secret: true,
            cookie: false,
            connection_id: None,
            initial_rto: Duration::from_millis(50),
            max_rto: Duration::from_secs(1),
            handshake_timeout: Duration::from_secs(60),
            key_update_after: 1 << 23,
        }
    }

    /// Checks that every allowed version has a suite and a group. A configuration that fails here makes a connection
    /// that fails its handshake, nothing worse.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.min_version > self.max_version {
            return Err(ConfigError::NoVersion);
        }
        for version in [Version::Dtls12, Version::Dtls13].into_iter().filter(|version| self.allows(*version))
        {
            if self.suites(version).next().is_none() {
                return Err(ConfigError::NoCipherSuite);
            }
            if self.groups(version).next().is_none() {
                return Err(ConfigError::NoGroup);
            }
        }
        Ok(())
    }

    pub(crate) fn allows(&self, version: Version) -> bool {
        (self.min_version..=self.max_version).contains(&version)
    }

    /// The suites of one version.
    pub(crate) fn suites(&self, version: Version) -> impl Iterator<Item = CipherSuite> + Clone + '_ {
        self.cipher_suites.iter().copied().filter(move |suite| suite.version() == version)
    }

    /// The groups one version can use.
    pub(crate) fn groups(&self, version: Version) -> impl Iterator<Item = NamedGroup> + Clone + '_ {
        let usable =
            move |group: &NamedGroup| version == Version::Dtls13 || *group != NamedGroup::X25519MlKem768;
        self.groups.iter().copied().filter(usable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendrecv_core::Seed;
    use sendrecv_crypto::default_provider;

    fn config() -> Config {
        let certificate = Certificate::generate(default_provider(), &Seed::from_u64(1), 0, 31).unwrap();
        Config::new(default_provider(), Arc::new(certificate))
    }

    #[test]
    fn the_default_is_valid() {
        assert_eq!(config().validate(), Ok(()));
    }

    #[test]
    fn contradictions_are_named() {
        let swapped = Config { min_version: Version::Dtls13, max_version: Version::Dtls12, ..config() };
        assert_eq!(swapped.validate(), Err(ConfigError::NoVersion));
        let no_suite = Config { cipher_suites: alloc::vec![CipherSuite::Aes128GcmSha256], ..config() };
        assert_eq!(no_suite.validate(), Err(ConfigError::NoCipherSuite));
        let no_group = Config { groups: alloc::vec![NamedGroup::X25519MlKem768], ..config() };
        assert_eq!(no_group.validate(), Err(ConfigError::NoGroup));
    }
}
