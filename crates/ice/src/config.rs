//! What a host decides before it makes an agent.

use crate::parameters::UfragPrefix;
use core::time::Duration;
use sendrecv_crypto::CryptoProvider;

/// Which side decides which pair is used (RFC 8445, section 6.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Nominates. Usually the side that made the offer, and always the side that faces an ICE-lite peer.
    Controlling,
    /// Waits for the nomination.
    Controlled,
}

impl Role {
    /// The other role.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Controlling => Self::Controlled,
            Self::Controlled => Self::Controlling,
        }
    }
}

/// Which candidates may be used (`RTCIceTransportPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TransportPolicy {
    /// All of them.
    #[default]
    All,
    /// Relayed ones only; nothing else is gathered, signalled or answered.
    Relay,
}

/// How a controlling agent nominates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Nomination {
    /// One pair, when checks have shown which is best (RFC 8445, section 8.1.1).
    #[default]
    Regular,
    /// Every check nominates and the best pair that works wins (RFC 5245, section 8.1.1.2): quicker by a round trip.
    Aggressive,
}

/// How an agent is to behave. [`Default`] is what a WebRTC endpoint wants.
#[derive(Clone, Debug)]
pub struct Config {
    /// The source of HMAC-SHA1.
    pub provider: &'static dyn CryptoProvider,
    /// The role until [`set_role`](crate::IceAgent::set_role) or a conflict changes it.
    pub role: Role,
    /// ICE-lite: host candidates only, answers checks and never sends any. For servers with public addresses.
    pub lite: bool,
    /// Which candidates may be used.
    pub policy: TransportPolicy,
    /// How to nominate when controlling.
    pub nomination: Nomination,
    /// Offers the `renomination` option, and moves to better pairs after nomination if the peer offers it too
    /// (draft-thatcher-ice-renomination).
    pub renomination: bool,
    /// Offers the option `sped`, and lets packets of the layer above ride on checks if the peer offers it too
    /// (draft-hancke-webrtc-sped); see [`board`](crate::IceAgent::board). The longest such check, in bytes of UDP
    /// payload, a relay's header included.
    pub piggyback: Option<usize>,
    /// What every local ufrag starts with.
    pub ufrag_prefix: UfragPrefix,
    /// Bounds of the agent's memory and work.
    pub limits: Limits,
    /// The agent's timers.
    pub timing: Timing,
}

impl Config {
    /// The default configuration on another provider.
    pub fn with_provider(provider: &'static dyn CryptoProvider) -> Self {
        Self {
            provider,
            role: Role::Controlling,
            lite: false,
            policy: TransportPolicy::All,
            nomination: Nomination::Regular,
            renomination: false,
            piggyback: None,
            ufrag_prefix: UfragPrefix::default(),
            limits: Limits::default(),
            timing: Timing::default(),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::with_provider(sendrecv_crypto::default_provider())
    }
}

/// Bounds of an agent's memory and work. What is beyond them is refused, not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Candidate pairs; when full, better pairs push out the worst that has not been checked (RFC 8445, section
    /// 6.1.2.5 recommends 100).
    pub pairs: usize,
    /// Remote candidates, learnt ones included.
    pub remote_candidates: usize,
    /// Local sockets.
    pub sockets: usize,
    /// STUN and TURN server URLs.
    pub servers: usize,
    /// Checks remembered from a peer whose parameters are not known yet.
    pub early_checks: usize,
    /// Responses waiting to be polled.
    pub responses: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { pairs: 100, remote_candidates: 100, sockets: 64, servers: 16, early_checks: 32, responses: 64 }
    }
}

/// An agent's timers. Values below a protocol's minimum are raised to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Ta: time between two new transactions; at least 5 ms (RFC 8445, section 14.2).
    pub pacing: Duration,
    /// Smallest retransmission timeout; at least 500 ms (section 14.3).
    pub rto: Duration,
    /// How long a check waits for its answer, told as Rc of RFC 8489 (section 6.2.1): as long as so many requests take
    /// whose waits double. More than these are sent in that time while no pair works, and where the peer has proved to be.
    pub requests: u8,
    /// How long after a first direct pair worked a controlling agent waits for a better one.
    pub settle: Duration,
    /// The same when only relayed pairs work.
    pub settle_relayed: Duration,
    /// Mean time between consent checks (RFC 7675, section 5.1): each is 0.8 to 1.2 of it. At least 5 s.
    pub consent_interval: Duration,
    /// How long consent lasts without an answer.
    pub consent_timeout: Duration,
    /// How long consent checks go unanswered, with nothing else heard, before the state is `Disconnected`.
    pub disconnected: Duration,
    /// How long an idle lite agent waits before it refreshes NAT bindings (Tr of RFC 8445, section 11).
    pub keepalive: Duration,
    /// How long nothing may work before the state is `Failed` while candidates might still come (RFC 8863), and how long
    /// pairs whose checks got no answer are tried again.
    pub patience: Duration,
    /// How long a STUN or TURN server may take.
    pub gathering: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            pacing: Duration::from_millis(50),
            rto: Duration::from_millis(500),
            requests: 7,
            settle: Duration::from_millis(100),
            settle_relayed: Duration::from_millis(500),
            consent_interval: Duration::from_secs(5),
            consent_timeout: Duration::from_secs(30),
            disconnected: Duration::from_secs(5),
            keepalive: Duration::from_secs(15),
            patience: Duration::from_millis(39_500),
            gathering: Duration::from_millis(9_500),
        }
    }
}

impl Timing {
    /// With the protocols' minima applied.
    pub(crate) fn bounded(self) -> Self {
        Self {
            pacing: self.pacing.max(Duration::from_millis(5)),
            rto: self.rto.max(Duration::from_millis(500)),
            requests: self.requests.clamp(1, 16),
            consent_interval: self.consent_interval.max(Duration::from_secs(5)),
            consent_timeout: self.consent_timeout.max(Duration::from_secs(1)),
            disconnected: self.disconnected.max(Duration::from_millis(500)),
            keepalive: self.keepalive.max(Duration::from_secs(1)),
            gathering: self.gathering.max(Duration::from_millis(500)),
            ..self
        }
    }
}
