//! Sockets, candidates, and what ICE asks the host for.

use super::PeerConnection;
use crate::candidate::IceCandidateInit;
use crate::error::UsageError;
use crate::event::{NameId, StreamId};
use crate::jsep::{CandidateInit, RemoteCandidate};
use crate::record::Input;
use alloc::format;
use core::net::{IpAddr, SocketAddr};
use sendrecv_core::{Instant, Path, Protocol};
use sendrecv_ice::{Candidate, LocalSocket, Unreachable};

impl PeerConnection {
    /// Tells of a socket that datagrams can be sent from; its candidates are gathered and signalled. At any time: when
    /// an interface comes up in the middle of a session, its candidates are trickled.
    ///
    /// # Errors
    /// [`UsageError::Ice`] for duplicates or too many, [`UsageError::Closed`].
    pub fn add_local_socket(&mut self, now: Instant, socket: LocalSocket) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::add_local_socket(now, &socket));
        self.transport.ice.add_socket(now, socket)?;
        self.drive(now);
        Ok(())
    }

    /// Tells that the socket bound to `address` is gone.
    ///
    /// # Errors
    /// [`UsageError::Ice`] when there was none, [`UsageError::Closed`].
    pub fn remove_local_socket(
        &mut self,
        now: Instant,
        protocol: Protocol,
        address: SocketAddr,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::RemoveLocalSocket { now, protocol, address });
        self.transport.ice.remove_socket(now, protocol, address)?;
        self.drive(now);
        Ok(())
    }

    /// Our present ICE user fragment, which the USERNAME of the other side's checks begins with; for
    /// [`Demux`](crate::Demux).
    pub fn local_ufrag(&self) -> &str {
        &self.transport.ice.local_parameters().ufrag
    }

    /// `addIceCandidate`: a candidate of the other side's. `None`, or one with an empty line, means there are no more.
    ///
    /// # Errors
    /// [`UsageError::Jsep`] without a remote description or for a section that does not exist,
    /// [`UsageError::Candidate`] for a line that does not parse, [`UsageError::Closed`].
    pub fn add_ice_candidate(
        &mut self,
        now: Instant,
        candidate: Option<IceCandidateInit>,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::AddIceCandidate { now, candidate: candidate.clone() });
        let candidate = candidate.unwrap_or_default();
        let init = CandidateInit {
            candidate: &candidate.candidate,
            sdp_mid: candidate.sdp_mid.as_deref(),
            sdp_m_line_index: candidate.sdp_m_line_index.map(usize::from),
            username_fragment: candidate.username_fragment.as_deref(),
        };
        let syntax = check_candidate(&candidate.candidate);
        if syntax.is_err() {
            // What else is wrong comes first; the description is to stay as it is.
            self.jsep.clone().add_remote_candidate(&init)?;
        }
        syntax?;
        match self.jsep.add_remote_candidate(&init)? {
            // ICE takes it from the description, together with the credentials, once both sides are described.
            RemoteCandidate::Add(_) | RemoteCandidate::EndOfCandidates
                if !self.knows_remote_credentials() => {}
            RemoteCandidate::Add(line) => self.add_candidate_line(now, &line)?,
            RemoteCandidate::EndOfCandidates => self.transport.ice.end_of_remote_candidates(now)?,
            RemoteCandidate::Ignore => {}
        }
        self.drive(now);
        Ok(())
    }

    /// Whether ICE has the credentials of the remote description.
    fn knows_remote_credentials(&self) -> bool {
        let known = self.transport.ice.remote_parameters();
        known.is_some_and(|known| self.jsep.remote_ufrag() == Some(known.ufrag.as_str()))
    }

    /// Gives a candidate-attribute to ICE. Candidates that this side has no use for are no error.
    pub(super) fn add_candidate_line(&mut self, now: Instant, line: &str) -> Result<(), UsageError> {
        use sendrecv_ice::UsageError as Ice;
        let candidate: Candidate = line.parse().map_err(|error| UsageError::Candidate(format!("{error}")))?;
        match self.transport.ice.add_remote_candidate(now, candidate) {
            Err(error @ (Ice::Closed | Ice::InvalidParameters)) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Answers [`Event::ResolveName`](crate::Event::ResolveName); no addresses when there is no such name.
    ///
    /// # Errors
    /// [`UsageError::Ice`] when nobody waits for it any more, [`UsageError::Closed`].
    pub fn name_resolved(
        &mut self,
        now: Instant,
        id: NameId,
        addresses: &[IpAddr],
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::NameResolved { now, id: id.to_bits(), addresses: addresses.to_vec() });
        self.transport.ice.name_resolved(now, id, addresses)?;
        self.drive(now);
        Ok(())
    }

    /// Answers [`Event::OpenStream`](crate::Event::OpenStream): it is open, from `local`.
    ///
    /// # Errors
    /// [`UsageError::Ice`] when nobody waits for it any more: close it; [`UsageError::Closed`].
    pub fn stream_opened(&mut self, now: Instant, id: StreamId, local: SocketAddr) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::StreamOpened { now, id: id.to_bits(), local });
        self.transport.ice.stream_opened(now, id, local)?;
        self.drive(now);
        Ok(())
    }

    /// Answers [`Event::OpenStream`](crate::Event::OpenStream): it could not be opened.
    ///
    /// # Errors
    /// [`UsageError::Ice`] when nobody waits for it any more, [`UsageError::Closed`].
    pub fn stream_failed(&mut self, now: Instant, id: StreamId) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::StreamFailed { now, id: id.to_bits() });
        self.transport.ice.stream_failed(now, id)?;
        self.drive(now);
        Ok(())
    }

    /// A stream was closed by the other end, or broke.
    ///
    /// # Errors
    /// [`UsageError::Ice`] when nothing used it, [`UsageError::Closed`].
    pub fn stream_closed(&mut self, now: Instant, path: Path) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::StreamClosed { now, path });
        self.transport.ice.stream_closed(now, path)?;
        self.drive(now);
        Ok(())
    }

    /// A datagram sent over `path` could not be delivered, as the socket or an ICMP message says. Safe to call for every
    /// such error: what works is not harmed by it, but candidates that lead nowhere are given up sooner.
    ///
    /// # Errors
    /// [`UsageError::Ice`] when nothing is asked over this path, which is normal; [`UsageError::Closed`].
    pub fn handle_unreachable(
        &mut self,
        now: Instant,
        path: Path,
        reason: Unreachable,
    ) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.record(|| Input::unreachable(now, path, reason));
        self.transport.ice.handle_unreachable(now, path, reason)?;
        self.drive(now);
        Ok(())
    }
}

/// Whether a signalled line is a candidate, or says that there are no more.
fn check_candidate(line: &str) -> Result<(), UsageError> {
    let line = line.trim_ascii();
    let value = line.strip_prefix("a=").unwrap_or(line);
    if value.is_empty() {
        return Ok(());
    }
    let parsed: Result<Candidate, _> = value.parse();
    parsed.map(drop).map_err(|error| UsageError::Candidate(format!("{error}")))
}
