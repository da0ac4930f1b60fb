//! A generation: the credentials between one restart and the next (RFC 8445, section 9).

use crate::parameters::IceParameters;
use crate::piggyback;
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
    pub(crate) local_options: Options,
    pub(crate) remote: Option<RemoteCredentials>,
}

/// What we know of the peer.
#[derive(Debug)]
pub(crate) struct RemoteCredentials {
    pub(crate) parameters: IceParameters,
    pub(crate) key: Option<IntegrityKey>,
    pub(crate) options: Options,
    /// The USERNAME of our checks.
    pub(crate) username: String,
}

/// Which of the options that every packet depends on one side has: the words themselves lie far away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) renomination: bool,
    /// Packets may ride on checks.
    pub(crate) sped: bool,
}

impl Options {
    fn of(parameters: &IceParameters) -> Self {
        Self {
            renomination: parameters.has_option("renomination"),
            sped: parameters.has_option(piggyback::OPTION),
        }
    }
}

impl Generation {
    pub(crate) fn new(number: u32, local: IceParameters, provider: &dyn CryptoProvider) -> Self {
        let local_key = IntegrityKey::short_term(provider, &local.pwd).ok();
        let local_options = Options::of(&local);
        Self { number, local, local_key, local_options, remote: None }
    }

    pub(crate) fn set_remote(&mut self, parameters: IceParameters, provider: &dyn CryptoProvider) {
        let key = IntegrityKey::short_term(provider, &parameters.pwd).ok();
        let username = format!("{}:{}", parameters.ufrag, self.local.ufrag);
        let options = Options::of(&parameters);
        self.remote = Some(RemoteCredentials { parameters, key, options, username });
    }

    pub(crate) fn remote_key(&self) -> Option<&IntegrityKey> {
        self.remote.as_ref()?.key.as_ref()
    }

    pub(crate) fn remote_is_lite(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.parameters.lite)
    }

    /// Whether both sides offered renomination.
    pub(crate) fn both_renominate(&self) -> bool {
        self.local_options.renomination
            && self.remote.as_ref().is_some_and(|remote| remote.options.renomination)
    }
}
