//! What the peer signals: parameters, candidates, the end of them, restarts (RFC 8445, sections 5.3 and 9; RFC 8838).

use super::sockets::is_usable;
use super::{IceAgent, TimerKey};
use crate::candidate::{Candidate, CandidateAddress, CandidateKind, TcpType, Transport};
use crate::config::Role;
use crate::error::UsageError;
use crate::event::{Event, NameId};
use crate::parameters::IceParameters;
use crate::remote::RemoteId;
use alloc::string::String;
use core::net::{IpAddr, SocketAddr};
use sendrecv_core::Instant;

/// What a name is resolved for.
#[derive(Debug)]
pub(crate) enum NamePurpose {
    /// A server.
    Server,
    /// A remote candidate.
    Candidate(Candidate),
    /// To find out how IPv4 hosts are reached from here.
    Nat64,
}

impl IceAgent {
    /// Sets the role. Conflicts that the peer's checks show are resolved without the host's help.
    ///
    /// # Errors
    /// [`Closed`](UsageError::Closed).
    pub fn set_role(&mut self, now: Instant, role: Role) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        if !self.role_is_given() {
            self.switch_role(role);
        }
        self.run(now);
        Ok(())
    }

    /// Whether one side is lite and the other is not, which leaves no choice.
    fn role_is_given(&self) -> bool {
        self.current.remote.is_some() && self.config.lite != self.current.remote_is_lite()
    }

    /// Takes the peer's parameters of this generation. Checks that came before are followed up now.
    ///
    /// # Errors
    /// [`InvalidParameters`](UsageError::InvalidParameters); [`OtherGeneration`](UsageError::OtherGeneration) when there
    /// are others already, which only a [`restart`](Self::restart) replaces; [`Closed`](UsageError::Closed).
    pub fn set_remote_parameters(
        &mut self,
        now: Instant,
        parameters: IceParameters,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        if !parameters.is_valid() {
            return Err(UsageError::InvalidParameters);
        }
        if let Some(known) = self.remote_parameters() {
            let same = known.ufrag == parameters.ufrag && known.pwd == parameters.pwd;
            return if same { Ok(()) } else { Err(UsageError::OtherGeneration) };
        }
        self.current.set_remote(parameters, self.config.provider);
        self.superseded = None;
        if self.role_is_given() {
            self.switch_role(if self.config.lite { Role::Controlled } else { Role::Controlling });
        }
        self.timers.set(TimerKey::Patience, Some(now + self.timing.patience));
        self.drop_foreign_candidates(now);
        self.follow_up_early_checks(now);
        self.pair_lite_ends(now);
        self.run(now);
        Ok(())
    }

    /// Adds a candidate that the peer signalled. Names are resolved by the host first; candidates that are there
    /// already, or were learnt from a check, are merged.
    ///
    /// # Errors
    /// [`OtherComponent`](UsageError::OtherComponent), [`OtherGeneration`](UsageError::OtherGeneration),
    /// [`UnusableAddress`](UsageError::UnusableAddress), [`TooMany`](UsageError::TooMany),
    /// [`Closed`](UsageError::Closed).
    pub fn add_remote_candidate(&mut self, now: Instant, mut candidate: Candidate) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        if candidate.component != 1 {
            return Err(UsageError::OtherComponent);
        }
        if self.is_foreign(&candidate) {
            return Err(UsageError::OtherGeneration);
        }
        candidate.priority = candidate.priority.max(1);
        match candidate.address.clone() {
            CandidateAddress::Ip(ip) => self.add_resolved(now, candidate, ip)?,
            CandidateAddress::Name(name) => self.resolve_candidate(candidate, name)?,
        }
        self.run(now);
        Ok(())
    }

    /// The peer will signal no more candidates in this generation.
    ///
    /// # Errors
    /// [`Closed`](UsageError::Closed).
    pub fn end_of_remote_candidates(&mut self, now: Instant) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.remote_ended = true;
        self.run(now);
        Ok(())
    }

    /// Answers [`Event::ResolveName`]; no addresses when there is no such name.
    ///
    /// # Errors
    /// [`Unknown`](UsageError::Unknown) when nobody waits for it (any more), [`Closed`](UsageError::Closed).
    pub fn name_resolved(
        &mut self,
        now: Instant,
        id: NameId,
        addresses: &[IpAddr],
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        match self.names.remove(&id).ok_or(UsageError::Unknown)? {
            NamePurpose::Server => self.server_resolved(id, addresses),
            NamePurpose::Nat64 => self.nat64_resolved(now, addresses),
            NamePurpose::Candidate(candidate) => {
                // A name stands for one candidate, so one address is used (draft-ietf-mmusic-mdns-ice-candidates).
                if let Some(ip) = addresses.iter().copied().find(|ip| is_usable(*ip)) {
                    let _ = self.add_resolved(now, candidate, ip);
                }
            }
        }
        self.run(now);
        Ok(())
    }

    pub(super) fn ask_for_name(&mut self, purpose: NamePurpose, name: String) -> NameId {
        let id = NameId(self.next_name);
        self.next_name = self.next_name.wrapping_add(1);
        self.names.insert(id, purpose);
        self.events.push_back(Event::ResolveName { id, name });
        id
    }

    fn resolve_candidate(&mut self, candidate: Candidate, name: String) -> Result<(), UsageError> {
        if self.names.len().saturating_add(self.remotes.len()) >= self.config.limits.remote_candidates {
            return Err(UsageError::TooMany);
        }
        self.ask_for_name(NamePurpose::Candidate(candidate), name);
        Ok(())
    }

    fn is_foreign(&self, candidate: &Candidate) -> bool {
        let known = self.remote_parameters().map(|parameters| parameters.ufrag.as_str());
        matches!((candidate.ufrag.as_deref(), known), (Some(theirs), Some(known)) if theirs != known)
    }

    /// Candidates may come before the parameters; those of another generation are dropped when they come.
    fn drop_foreign_candidates(&mut self, now: Instant) {
        for id in self.remotes.ids() {
            if self.remotes.get(id).is_some_and(|remote| self.is_foreign(&remote.candidate)) {
                for pair in self.list.of_remote(id) {
                    self.remove_pair(now, pair);
                }
                self.remotes.remove(id);
            }
        }
    }

    /// Adds a signalled candidate whose address is known.
    fn add_resolved(&mut self, now: Instant, candidate: Candidate, ip: IpAddr) -> Result<(), UsageError> {
        // An IPv4 address in IPv6 clothes would pass for another one.
        let ip = ip.to_canonical();
        let active = candidate.transport == Transport::Tcp(TcpType::Active);
        if !is_usable(ip) || (candidate.port == 0 && !active) {
            return Err(UsageError::UnusableAddress);
        }
        if active {
            // Nothing can be sent to it: it comes to us, as a peer-reflexive candidate.
            return Ok(());
        }
        let address = SocketAddr::new(ip, candidate.port);
        match self.remotes.find(candidate.transport.protocol(), address) {
            Some(id) => self.merge(id, candidate),
            None if self.remotes.len() >= self.config.limits.remote_candidates => {
                return Err(UsageError::TooMany);
            }
            None => {
                let id = self.remotes.insert(candidate, address);
                self.pair_remote(now, id);
                self.doubt_selected(now);
            }
        }
        Ok(())
    }

    /// A candidate that is known already is signalled: what was learnt from its checks gives way to what the peer says
    /// of it, and is not doubled.
    fn merge(&mut self, id: RemoteId, candidate: Candidate) {
        let Some(remote) = self.remotes.get(id) else { return };
        let learnt = remote.candidate.kind == CandidateKind::PeerReflexive;
        if learnt || candidate.priority > remote.candidate.priority {
            self.remotes.replace(id, candidate);
            for pair in self.list.of_remote(id) {
                self.reprioritise(pair);
            }
        }
    }
}
