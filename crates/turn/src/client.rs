//! The client: its states, its commands and its clockwork (RFC 8656, sections 7 to 10 and 12).

mod clockwork;
mod receive;
mod relay;
mod respond;
mod write;

pub use relay::{HEADROOM, TAILROOM};

use crate::config::TurnConfig;
use crate::event::{Event, Failure, TurnStats, UsageError};
use crate::peers::{Peers, Permission};
use crate::requests::{Request, Requests};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use sendrecv_core::{Clock, Instant, Path, Protocol, Rng, Seed};
use sendrecv_stun::{Credentials, LongTermAuth};

/// Refreshed this long before the end, as RFC 8656, section 8 suggests.
const REFRESH_MARGIN: Duration = Duration::from_secs(60);

/// What a datagram from the server turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Up<'b> {
    /// Application data from a peer, inside the datagram.
    Data {
        /// Who sent it to the relayed address.
        peer: SocketAddr,
        /// The data.
        data: &'b mut [u8],
    },
    /// It was for the client itself.
    Consumed,
}

/// Whether data can flow yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// The permission is there.
    Ready,
    /// It is asked for; [`Event::PermissionReady`] or [`Event::PermissionRefused`] follows.
    Pending,
}

/// The relayed addresses and when they end.
#[derive(Clone, Debug)]
struct Allocation {
    relayed: Vec<SocketAddr>,
    mapped: Option<SocketAddr>,
    /// `None` while a Refresh is under way.
    refresh_at: Option<Instant>,
    expires_at: Instant,
}

impl Allocation {
    fn has_family_of(&self, peer: &IpAddr) -> bool {
        self.relayed.iter().any(|relayed| relayed.is_ipv4() == peer.is_ipv4())
    }

    fn deadline(&self) -> Instant {
        self.refresh_at.unwrap_or(self.expires_at)
    }

    fn extend(&mut self, now: Instant, lifetime: Duration) {
        let early = lifetime.saturating_sub(REFRESH_MARGIN).max(lifetime / 2).max(Duration::from_secs(1));
        self.refresh_at = Some(now + early);
        self.expires_at = now + lifetime.max(early);
    }
}

#[derive(Clone, Debug)]
enum State {
    Allocating,
    Allocated(Allocation),
    /// Deleting the allocation, because of a failure or on command.
    Releasing(Option<Failure>),
    Closed,
}

/// One allocation at a TURN server.
///
/// It begins to allocate when it is made. Feed it what the server sends
/// ([`handle_datagram`](Self::handle_datagram)), [`permit`](Self::permit) peers, and [`wrap`](Self::wrap) data for
/// them; the rest is the [`Machine`](sendrecv_core::Machine) loop. When it fails, make a new one, if [`Failure`] says
/// that this is of use.
pub struct TurnClient {
    config: TurnConfig,
    server: Path,
    clock: Clock,
    rng: Rng,
    auth: LongTermAuth,
    /// To go back to when the server refuses the present credentials for this allocation.
    previous_credentials: Option<Credentials>,
    /// Servers that sent us elsewhere.
    redirected_from: Vec<SocketAddr>,
    state: State,
    requests: Requests,
    peers: Peers,
    events: VecDeque<Event>,
    stats: TurnStats,
}

impl TurnClient {
    /// A client that asks for an allocation at once. Clients at one server need different seeds
    /// ([`Seed::derive_indexed`]), as their transaction ids come from them.
    pub fn new(config: TurnConfig, seed: &Seed, now: Instant) -> Self {
        let reliable = config.server.protocol != Protocol::Udp;
        let mut client = Self {
            server: config.server,
            clock: Clock::new(now),
            rng: seed.derive("turn").rng(),
            auth: LongTermAuth::new(config.provider, config.credentials.clone()),
            previous_credentials: None,
            redirected_from: Vec::new(),
            state: State::Allocating,
            requests: Requests::new(config.transaction, reliable),
            peers: Peers::default(),
            events: VecDeque::new(),
            stats: TurnStats::default(),
            config,
        };
        client.begin(now, Request::Allocate);
        client
    }

    /// The way to the server. After [`Event::Redirected`] it is another than the configured one.
    pub const fn server(&self) -> Path {
        self.server
    }

    /// The relayed addresses: none before [`Event::Allocated`], one after it, or two.
    pub fn relayed(&self) -> &[SocketAddr] {
        match &self.state {
            State::Allocated(allocation) => &allocation.relayed,
            _ => &[],
        }
    }

    /// Our address as the server saw it, once allocated.
    pub const fn mapped(&self) -> Option<SocketAddr> {
        match &self.state {
            State::Allocated(allocation) => allocation.mapped,
            _ => None,
        }
    }

    /// Whether everything is over.
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// The counters.
    pub fn stats(&self) -> TurnStats {
        TurnStats { backwards_time: self.clock.backwards(), ..self.stats }
    }

    /// Allows `peer`, on all of its ports, to send to us through the relay, and us to send to it. The permission is
    /// refreshed until it is [revoked](Self::revoke). Before the allocation is there, the wish is remembered.
    pub fn permit(&mut self, now: Instant, peer: IpAddr) -> Result<Permit, UsageError> {
        let now = self.clock.advance(now);
        let peer = relayable(peer).ok_or(UsageError::InvalidPeer)?;
        let first_state = match &self.state {
            State::Allocating => Permission::Wanted,
            State::Allocated(allocation) if allocation.has_family_of(&peer) => Permission::Requested,
            State::Allocated(_) => return Err(UsageError::FamilyMismatch),
            State::Releasing(_) | State::Closed => return Err(UsageError::Closed),
        };
        match self.peers.permission(peer) {
            Some(Permission::Ready) => return Ok(Permit::Ready),
            Some(_) => return Ok(Permit::Pending),
            None if self.peers.permissions() >= self.config.max_permissions => {
                return Err(UsageError::TooManyPermissions);
            }
            None => self.peers.set_permission(peer, first_state),
        }
        if first_state == Permission::Requested {
            self.begin(now, Request::Permit(peer));
        }
        Ok(Permit::Pending)
    }

    /// Lets the permission for `peer` run out: it is no longer refreshed, and what still arrives is discarded.
    pub fn revoke(&mut self, now: Instant, peer: IpAddr) {
        self.clock.advance(now);
        if let Some(peer) = relayable(peer) {
            self.peers.revoke(peer);
        }
    }

    /// Makes sure of what data for `peer` needs: asks for its permission and its channel, if it has them, now instead of
    /// shortly before their end. For when the peer is silent, which may be because the server has forgotten them before
    /// their time, or the whole allocation; then [`Event::Failed`] follows.
    pub fn renew(&mut self, now: Instant, peer: SocketAddr) {
        let now = self.clock.advance(now);
        if let Ok(peer) = self.permitted_peer(peer) {
            self.peers.renew(now, peer);
            self.ask_for_peers(now);
        }
    }

    /// Binds a channel to `peer`, so that data to and from it has four bytes of overhead. With
    /// [`TurnConfig::bind_channels`] the first data does this by itself.
    pub fn bind_channel(&mut self, now: Instant, peer: SocketAddr) -> Result<(), UsageError> {
        let now = self.clock.advance(now);
        let peer = self.permitted_peer(peer)?;
        self.open_channel(now, peer);
        Ok(())
    }

    /// Uses other credentials from now on, e.g. because a time-limited password was renewed. If the server insists on
    /// those that the allocation was made with, the client goes back to them: [`Event::CredentialsRefused`].
    pub fn set_credentials(&mut self, now: Instant, credentials: Credentials) -> Result<(), UsageError> {
        let now = self.clock.advance(now);
        if matches!(self.state, State::Releasing(_) | State::Closed) {
            return Err(UsageError::Closed);
        }
        let before = self.auth.credentials().clone();
        self.auth.set_credentials(credentials).map_err(|_| UsageError::Crypto)?;
        if matches!(self.state, State::Allocated(_)) {
            self.previous_credentials.get_or_insert(before);
            self.refresh_now(now);
        }
        Ok(())
    }

    /// Gives the allocation back. [`Event::Released`] follows when the server knows, or does not answer.
    pub fn release(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        match self.state {
            State::Allocating if self.requests.any_authenticated() => self.state = State::Releasing(None),
            State::Allocating => self.close(Event::Released),
            State::Allocated(_) => self.release_because(now, None),
            State::Releasing(_) | State::Closed => (),
        }
    }

    /// The host's stream to the server, TCP or TLS, was closed; the allocation went with it.
    pub fn stream_closed(&mut self, now: Instant) {
        self.clock.advance(now);
        match core::mem::replace(&mut self.state, State::Closed) {
            State::Closed => (),
            State::Releasing(None) => self.close(Event::Released),
            _ => self.close(Event::Failed(Failure::StreamClosed)),
        }
    }

    fn begin(&mut self, now: Instant, request: Request) {
        self.requests.begin(now, request, 0, &mut self.rng);
    }

    fn release_because(&mut self, now: Instant, failure: Option<Failure>) {
        self.requests.clear();
        self.peers.clear();
        self.state = State::Releasing(failure);
        self.begin(now, Request::Release);
    }

    fn fail(&mut self, failure: Failure) {
        tracing::debug!(server = ?self.server, %failure, "TURN allocation failed");
        self.close(Event::Failed(failure));
    }

    fn close(&mut self, last_words: Event) {
        self.state = State::Closed;
        self.requests.clear();
        self.peers.clear();
        self.events.push_back(last_words);
    }

    fn refresh_now(&mut self, now: Instant) {
        let State::Allocated(allocation) = &mut self.state else { return };
        if allocation.refresh_at.take().is_some() {
            self.begin(now, Request::Refresh);
        }
    }

    fn open_channel(&mut self, now: Instant, peer: SocketAddr) {
        if let Some(channel) = self.peers.open_channel(peer) {
            self.begin(now, Request::Bind(peer, channel));
        }
    }

    /// The peer in canonical form, if data may be sent to it.
    fn permitted_peer(&self, peer: SocketAddr) -> Result<SocketAddr, UsageError> {
        match self.state {
            State::Allocated(_) => (),
            State::Allocating => return Err(UsageError::NotAllocated),
            State::Releasing(_) | State::Closed => return Err(UsageError::Closed),
        }
        let ip = relayable(peer.ip()).ok_or(UsageError::InvalidPeer)?;
        match self.peers.permission(ip) {
            Some(Permission::Ready) => Ok(SocketAddr::new(ip, peer.port())),
            _ => Err(UsageError::NotPermitted),
        }
    }
}

impl fmt::Debug for TurnClient {
    /// Everything but the counters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnClient")
            .field("server", &self.server)
            .field("state", &self.state)
            .field("auth", &self.auth)
            .field("requests", &self.requests)
            .field("peers", &self.peers)
            .finish_non_exhaustive()
    }
}

/// A peer's address in its one canonical form; `None` when it is none that data can be relayed to. IPv4 in IPv6
/// clothes is unmasked first, because servers and firewalls have been fooled by it (CVE-2020-26262).
fn relayable(peer: IpAddr) -> Option<IpAddr> {
    let peer = peer.to_canonical();
    let refused = match peer {
        IpAddr::V4(ip) => ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_multicast() || (ip.to_bits() >> 32 == 0 && ip != Ipv6Addr::LOCALHOST),
    };
    (!refused).then_some(peer)
}
