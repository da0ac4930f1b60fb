//! The server's responses (RFC 8656, sections 7.3, 7.4, 8.3, 10.3 and 12.3; RFC 8489, sections 9.2.5 and 10).

use super::write::method;
use super::{Allocation, State, TurnClient};
use crate::config::Families;
use crate::event::{Discard, Event, Failure};
use crate::peers::Permission;
use crate::requests::{Pending, Request};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;
use sendrecv_core::{Instant, Protocol};
use sendrecv_stun::attribute::{
    AddressFamily, AlternateDomain, AlternateServer, Attribute, AttributeType, ErrorCode, Lifetime,
    XorMappedAddress, XorRelayedAddress,
};
use sendrecv_stun::{Class, LongTermAuth, Message, TransactionFailure};

/// A request is begun again at most this often because of challenges; a server that finds every nonce stale would
/// otherwise keep us busy.
const MAX_CHALLENGES: u32 = 4;

/// How many servers may send us elsewhere.
const MAX_REDIRECTS: usize = 3;

/// The lifetime of an allocation when the response does not say (RFC 8656, section 3.2).
const DEFAULT_LIFETIME: Duration = Duration::from_secs(600);

impl TurnClient {
    pub(super) fn on_response(&mut self, now: Instant, response: &Message<'_>) -> Result<(), Discard> {
        let id = response.transaction_id();
        let pending = self.requests.get(id).ok_or(Discard::UnknownTransaction)?;
        if response.method() != method(pending.request) {
            return Err(Discard::Unexpected);
        }
        let code = match response.class() {
            Class::Error => Some(response.attribute::<ErrorCode<'_>>().ok_or(Discard::Unexpected)?.code),
            _ => None,
        };
        if !self.is_authentic(pending, response, code) {
            return self.on_violation(now, response);
        }
        let pending = self.requests.take(id).ok_or(Discard::UnknownTransaction)?;
        self.stats.responses_received = self.stats.responses_received.saturating_add(1);
        match code {
            // What it demands cannot be done, so it counts as a refusal (RFC 8489, sections 6.3.3 and 6.3.4).
            _ if response.unknown_required(AttributeType::is_known).next().is_some() => {
                let code = ErrorCode::UNKNOWN_ATTRIBUTE;
                self.refused(now, pending.request, code, Failure::Refused(code));
            }
            None => self.on_success(now, pending.request, response),
            Some(code) => self.on_error(now, &pending, code, response),
        }
        Ok(())
    }

    /// Responses to authenticated requests must be authenticated. Excepted are those that refuse the very
    /// credentials, which servers cannot or do not sign, and redirection (RFC 8489, section 10).
    fn is_authentic(&self, pending: &Pending, response: &Message<'_>, code: Option<u16>) -> bool {
        const UNSIGNED: [u16; 4] = [
            ErrorCode::TRY_ALTERNATE,
            ErrorCode::UNAUTHENTICATED,
            ErrorCode::STALE_NONCE,
            ErrorCode::WRONG_CREDENTIALS,
        ];
        pending.generation == 0
            || code.is_some_and(|code| UNSIGNED.contains(&code))
            || self.auth.verify(response).is_ok()
    }

    /// A response that does not verify. If the credentials changed after the request was sent, that says nothing, and
    /// the request is begun again.
    fn on_violation(&mut self, now: Instant, response: &Message<'_>) -> Result<(), Discard> {
        let id = response.transaction_id();
        let outdated = self.requests.get(id).is_some_and(|p| p.generation != self.auth.generation());
        if outdated && let Some(pending) = self.requests.take(id) {
            self.begin_again(now, &pending);
            return Ok(());
        }
        match self.requests.note_violation(id) {
            Some(request) => {
                self.on_timeout(now, request, TransactionFailure::IntegrityViolated);
                Ok(())
            }
            None => Err(Discard::Unauthenticated),
        }
    }

    fn begin_again(&mut self, now: Instant, pending: &Pending) {
        self.requests.begin(now, pending.request, pending.challenges.saturating_add(1), &mut self.rng);
    }

    fn on_success(&mut self, now: Instant, request: Request, response: &Message<'_>) {
        match request {
            Request::Allocate if matches!(self.state, State::Releasing(_)) => self.release_because(now, None),
            Request::Allocate => self.on_allocated(now, response),
            Request::Refresh => self.on_refreshed(now, response),
            Request::Release => self.released(),
            Request::Permit(peer) => {
                if self.peers.grant(now, peer) {
                    self.events.push_back(Event::PermissionReady(peer));
                }
            }
            Request::Bind(peer, _) => {
                self.peers.grant(now, peer.ip());
                if self.peers.bound(now, peer) {
                    self.events.push_back(Event::ChannelReady(peer));
                }
            }
        }
    }

    fn on_allocated(&mut self, now: Instant, response: &Message<'_>) {
        let relayed = self.usable_addresses(response);
        let Some(first) = relayed.first().copied() else {
            return self.release_because(now, Some(Failure::UnexpectedAddress));
        };
        let mapped = response.attribute().map(|XorMappedAddress(address)| address);
        let lifetime = lifetime_of(response);
        tracing::debug!(server = ?self.server, ?relayed, ?lifetime, "TURN allocated");
        let other_relayed = relayed.get(1).copied();
        let mut allocation = Allocation { relayed, mapped, refresh_at: None, expires_at: now };
        allocation.extend(now, lifetime);
        self.events.push_back(Event::Allocated { relayed: first, other_relayed, mapped, lifetime });
        self.state = State::Allocated(allocation);
        self.request_wanted(now);
    }

    /// The relayed addresses of the families that were asked for, one of each at most.
    fn usable_addresses(&self, response: &Message<'_>) -> Vec<SocketAddr> {
        let mut usable: Vec<SocketAddr> = Vec::new();
        for raw in response.attributes().filter(|raw| raw.kind == XorRelayedAddress::TYPE) {
            let Some(XorRelayedAddress(address)) =
                XorRelayedAddress::decode(raw.value, response.transaction_id())
            else {
                continue;
            };
            let wanted = match self.config.families {
                Families::Any => usable.is_empty(),
                Families::Only(family) => usable.is_empty() && AddressFamily::of(&address.ip()) == family,
                Families::Both => usable.iter().all(|other| other.is_ipv4() != address.is_ipv4()),
            };
            if wanted {
                usable.push(address);
            }
        }
        usable
    }

    /// Asks for the permissions that were wished for before there was an allocation.
    fn request_wanted(&mut self, now: Instant) {
        for peer in self.peers.wanted() {
            let State::Allocated(allocation) = &self.state else { return };
            if allocation.has_family_of(&peer) {
                self.peers.set_permission(peer, Permission::Requested);
                self.begin(now, Request::Permit(peer));
            } else {
                self.permission_refused(peer, Some(ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH));
            }
        }
    }

    fn on_refreshed(&mut self, now: Instant, response: &Message<'_>) {
        self.previous_credentials = None;
        if let State::Allocated(allocation) = &mut self.state {
            allocation.extend(now, lifetime_of(response));
        }
    }

    fn on_error(&mut self, now: Instant, pending: &Pending, code: u16, response: &Message<'_>) {
        match code {
            _ if pending.request == Request::Allocate && matches!(self.state, State::Releasing(_)) => {
                self.released();
            }
            ErrorCode::UNAUTHENTICATED | ErrorCode::STALE_NONCE if pending.challenges < MAX_CHALLENGES => {
                match self.auth.challenge(response, pending.generation) {
                    Ok(()) => self.begin_again(now, pending),
                    Err(error) => self.refused(now, pending.request, code, Failure::Unauthenticated(error)),
                }
            }
            ErrorCode::BAD_REQUEST
            | ErrorCode::UNKNOWN_ATTRIBUTE
            | ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED
                if pending.request == Request::Allocate && self.config.families == Families::Both =>
            {
                // One address is better than none.
                self.config.families = Families::Any;
                self.begin_again(now, pending);
            }
            ErrorCode::TRY_ALTERNATE if pending.request == Request::Allocate => self.redirect(now, response),
            ErrorCode::ALLOCATION_MISMATCH => self.refused(now, pending.request, code, Failure::Mismatch),
            ErrorCode::WRONG_CREDENTIALS if self.restore_credentials() => self.begin_again(now, pending),
            _ => self.refused(now, pending.request, code, Failure::Refused(code)),
        }
    }

    /// Goes back to the credentials before the last change; says whether there were any.
    fn restore_credentials(&mut self) -> bool {
        let Some(previous) = self.previous_credentials.take() else { return false };
        self.events.push_back(Event::CredentialsRefused);
        self.auth.set_credentials(previous).is_ok()
    }

    /// The server refused a request for good.
    fn refused(&mut self, now: Instant, request: Request, code: u16, failure: Failure) {
        match request {
            Request::Release => self.released(),
            _ if failure == Failure::Mismatch => self.fail(failure),
            Request::Refresh => self.refresh_refused(now, failure),
            Request::Allocate => self.fail(failure),
            Request::Permit(peer) => {
                let had_it = self.peers.permission(peer) == Some(Permission::Ready);
                self.permission_refused(peer, Some(code));
                if had_it {
                    self.refresh_now(now); // is the allocation still there, and ours?
                }
            }
            Request::Bind(peer, _) => self.peers.refused(now, peer),
        }
    }

    /// A server in trouble (5xx) is asked again as long as the allocation lives.
    fn refresh_refused(&mut self, now: Instant, failure: Failure) {
        match (&mut self.state, failure.retry_after()) {
            (State::Allocated(allocation), Some(wait)) if now + wait < allocation.expires_at => {
                allocation.refresh_at = Some(now + wait);
            }
            _ => self.fail(failure),
        }
    }

    /// A 300. Over UDP the client goes there by itself; a stream the host has to open.
    fn redirect(&mut self, now: Instant, response: &Message<'_>) {
        let same_family = |server: &SocketAddr| server.is_ipv4() == self.server.remote.is_ipv4();
        let Some(server) = alternate_servers(response).find(same_family) else {
            return self.fail(Failure::Refused(ErrorCode::TRY_ALTERNATE));
        };
        let been_there = server == self.server.remote || self.redirected_from.contains(&server);
        if been_there || self.redirected_from.len() >= MAX_REDIRECTS || !is_reachable(&server) {
            return self.fail(Failure::Refused(ErrorCode::TRY_ALTERNATE));
        }
        if self.server.protocol != Protocol::Udp {
            let domain = response.attribute().map(|AlternateDomain(domain)| domain.into());
            return self.fail(Failure::Redirected { server, domain });
        }
        self.redirected_from.push(self.server.remote);
        self.server.remote = server;
        self.auth = LongTermAuth::new(self.config.provider, self.auth.credentials().clone());
        self.events.push_back(Event::Redirected(server));
        self.begin(now, Request::Allocate);
    }
}

fn alternate_servers(response: &Message<'_>) -> impl Iterator<Item = SocketAddr> {
    let id = response.transaction_id();
    response
        .attributes()
        .filter(|raw| raw.kind == AlternateServer::TYPE)
        .filter_map(move |raw| AlternateServer::decode(raw.value, id))
        .map(|AlternateServer(address)| address)
}

fn is_reachable(server: &SocketAddr) -> bool {
    server.port() != 0 && !server.ip().is_unspecified() && !server.ip().is_multicast()
}

fn lifetime_of(response: &Message<'_>) -> Duration {
    response.attribute().map_or(DEFAULT_LIFETIME, |Lifetime(seconds)| Duration::from_secs(u64::from(seconds)))
}
