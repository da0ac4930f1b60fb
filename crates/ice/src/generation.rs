//! A generation: the credentials between one restart and the next (RFC 8445, section 9).

use crate::parameters::IceParameters;
use alloc::format;
use alloc::string::String;
use sendrecv_crypto::CryptoProvider;
use sendrecv_stun::IntegrityKey;

/// Both sides' credentials, with their HMAC states kept.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) number: u32,
    pub(crate) local: IceParameters,
    pub(crate) local_key: Option<IntegrityKey>,
    pub(crate) remote: Option<RemoteCredentials>,
}

/// What we know of the peer.
#[derive(Debug)]
pub(crate) struct RemoteCredentials {
    pub(crate) parameters: IceParameters,
    pub(crate) key: Option<IntegrityKey>,
    /// The USERNAME of our checks.
    pub(crate) username: String,
}

impl Generation {
    pub(crate) fn new(number: u32, local: IceParameters, provider: &dyn CryptoProvider) -> Self {
        let local_key = IntegrityKey::short_term(provider, &local.pwd).ok();
        Self { number, local, local_key, remote: None }
    }

    pub(crate) fn set_remote(&mut self, parameters: IceParameters, provider: &dyn CryptoProvider) {
        let key = IntegrityKey::short_term(provider, &parameters.pwd).ok();
        let username = format!("{}:{}", parameters.ufrag, self.local.ufrag);
        self.remote = Some(RemoteCredentials { parameters, key, username });
    }

    pub(crate) fn remote_key(&self) -> Option<&IntegrityKey> {
        self.remote.as_ref()?.key.as_ref()
    }

    pub(crate) fn remote_is_lite(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.parameters.lite)
    }

    /// Whether both sides offered `option`.
    pub(crate) fn both_have(&self, option: &str) -> bool {
        let remote = self.remote.as_ref().is_some_and(|remote| remote.parameters.has_option(option));
        remote && self.local.has_option(option)
    }
}
