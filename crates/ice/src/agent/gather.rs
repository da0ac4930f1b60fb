//! Gathering: host candidates are signalled, STUN and TURN servers are asked (RFC 8445, section 5.1.1).

use super::{IceAgent, TimerKey};
use crate::base::{Base, BaseId, BaseKind};
use crate::candidate::{CandidateKind, Transport};
use crate::config::TransportPolicy;
use crate::error::UsageError;
use crate::event::{Event, GatheringState, NameId, ServerError};
use crate::server::{IceServer, ServerHost, ServerKind};
use crate::transaction::{Request, Transaction};
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sendrecv_core::{Instant, Path, Protocol, SmallMap};
use sendrecv_stun::{ClientTransaction, TransactionConfig, TransactionId};

/// Names one question to one STUN server from one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TaskId(u32);

/// What gathering knows.
#[derive(Debug, Default)]
pub(crate) struct Gatherer {
    pub(super) state: GatheringState,
    pub(super) servers: Vec<Server>,
    tasks: SmallMap<TaskId, Task>,
    queue: VecDeque<TaskId>,
    /// Answered questions, to be asked again while the bindings matter.
    bindings: Vec<Task>,
    next_task: u32,
    /// The last new transaction went to a server.
    pub(super) server_was_last: bool,
}

/// A configured server, and what its name resolved to.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) config: IceServer,
    pub(super) addresses: Resolution,
}

/// What is known of a server's addresses.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// Nobody has asked yet.
    Unasked,
    /// The host is resolving it.
    Pending(NameId),
    /// Of each family the first few, in the resolver's order.
    Known(Vec<IpAddr>),
    /// There is no such name.
    Failed,
}

/// One question to one STUN server from one socket.
#[derive(Clone, Debug)]
struct Task {
    base: BaseId,
    server: SocketAddr,
    /// Other addresses of the same name, to be asked when this one is silent.
    others: VecDeque<SocketAddr>,
    url: String,
    /// Only to keep the binding: silence is no error.
    refresh: bool,
    /// Servers that sent us elsewhere.
    redirected_from: Vec<SocketAddr>,
}

/// How many servers may send a question on to another one.
const MAX_REDIRECTS: usize = 3;

/// How many addresses of each family a server's name may stand for.
const MAX_ADDRESSES: usize = 3;

/// How long an address of a server may be silent before the next one of its name is asked.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_secs(3);

impl Gatherer {
    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether a STUN server has answered `base`, or is being asked.
    fn has_asked(&self, base: BaseId, url: &str) -> bool {
        let same = |task: &Task| task.base == base && task.url == url;
        self.bindings.iter().any(same) || self.tasks.values().any(same)
    }

    fn is_idle(&self) -> bool {
        let pending = |server: &Server| matches!(server.addresses, Resolution::Pending(_));
        self.tasks.values().all(|task| task.refresh) && !self.servers.iter().any(pending)
    }
}

impl IceAgent {
    /// Adds a STUN or TURN server. Sockets that are there are tried with it at once when gathering has begun.
    ///
    /// # Errors
    /// [`TooMany`](UsageError::TooMany), [`Lite`](UsageError::Lite), [`Closed`](UsageError::Closed).
    pub fn add_ice_server(&mut self, now: Instant, server: IceServer) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        if self.config.lite {
            return Err(UsageError::Lite);
        }
        if self.gatherer.servers.len() >= self.config.limits.servers {
            return Err(UsageError::TooMany);
        }
        self.gatherer.servers.push(Server { config: server, addresses: Resolution::Unasked });
        if self.gatherer.state != GatheringState::New {
            self.ask_servers();
        }
        self.run(now);
        Ok(())
    }

    /// Replaces all servers, as `setConfiguration` does. Candidates of servers that are no longer there, or whose
    /// credentials changed, are given up unless they are in use; in the latter case their allocations are renewed, each
    /// after the old one was given back, because a server refuses a second one from the same port (437).
    ///
    /// # Errors
    /// As [`add_ice_server`](Self::add_ice_server).
    pub fn set_ice_servers(&mut self, now: Instant, servers: Vec<IceServer>) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        if self.config.lite {
            return Err(UsageError::Lite);
        }
        if servers.len() > self.config.limits.servers {
            return Err(UsageError::TooMany);
        }
        let mut old = core::mem::take(&mut self.gatherer.servers);
        for config in servers {
            let known = old.iter().position(|server| server.config.url == config.url);
            let addresses = known.map_or(Resolution::Unasked, |position| old.swap_remove(position).addresses);
            self.gatherer.servers.push(Server { config, addresses });
        }
        self.renew_relays(now);
        if self.gatherer.state != GatheringState::New {
            self.ask_servers();
        }
        self.run(now);
        Ok(())
    }

    /// Begins to gather: signals the host candidates and asks the servers. After a [`restart`](Self::restart) it
    /// signals what is there again, under the new ufrag.
    ///
    /// # Errors
    /// [`Closed`](UsageError::Closed).
    pub fn gather(&mut self, now: Instant) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        if self.gatherer.state == GatheringState::New {
            self.set_gathering(GatheringState::Gathering);
            for local in self.locals.ids() {
                self.signal(local);
            }
            self.ask_failed_servers();
            self.ask_servers();
        }
        self.run(now);
        Ok(())
    }

    /// After a restart: candidates are to be signalled again.
    pub(super) fn reset_gathering(&mut self) {
        self.gatherer.state = GatheringState::New;
    }

    pub(super) fn set_gathering(&mut self, state: GatheringState) {
        if self.gatherer.state != state {
            self.gatherer.state = state;
            self.events.push_back(Event::GatheringState(state));
        }
    }

    /// Says so when nothing more can be expected of the servers.
    pub(super) fn update_gathering(&mut self) {
        if self.gatherer.state == GatheringState::Gathering
            && self.gatherer.is_idle()
            && !self.nat64.is_pending()
            && !self.relays_pending()
        {
            self.set_gathering(GatheringState::Complete);
        }
    }

    /// Resolves the servers' names, and asks those whose addresses are known.
    fn ask_servers(&mut self) {
        for index in 0..self.gatherer.servers.len() {
            let Some(server) = self.gatherer.servers.get_mut(index) else { continue };
            if server.addresses != Resolution::Unasked {
                continue;
            }
            match server.config.url.host.clone() {
                ServerHost::Ip(ip) => server.addresses = Resolution::Known(Vec::from([ip])),
                ServerHost::Name(name) => {
                    let id = self.ask_for_name(super::NamePurpose::Server, name);
                    if let Some(server) = self.gatherer.servers.get_mut(index) {
                        server.addresses = Resolution::Pending(id);
                        self.set_gathering(GatheringState::Gathering);
                    }
                }
            }
            self.ask_server(index);
        }
    }

    /// After a restart: servers that have given nothing, or nothing that lasted, are asked again.
    fn ask_failed_servers(&mut self) {
        for index in 0..self.gatherer.servers.len() {
            let Some(server) = self.gatherer.servers.get_mut(index) else { continue };
            let url = server.config.url.to_string();
            match server.addresses {
                Resolution::Failed => server.addresses = Resolution::Unasked,
                Resolution::Unasked | Resolution::Pending(_) => {}
                Resolution::Known(_) => {
                    for base in self.bases.keys().copied().collect::<Vec<_>>() {
                        if !self.gatherer.has_asked(base, &url) {
                            self.ask_server_from(index, base);
                        }
                    }
                }
            }
        }
    }

    /// A server's name was resolved, to nothing if it could not be.
    pub(super) fn server_resolved(&mut self, id: NameId, addresses: &[IpAddr]) {
        let asked = |server: &Server| server.addresses == Resolution::Pending(id);
        let Some(index) = self.gatherer.servers.iter().position(asked) else { return };
        let Some(server) = self.gatherer.servers.get_mut(index) else { return };
        let v4 = addresses.iter().filter(|ip| ip.is_ipv4()).take(MAX_ADDRESSES);
        let v6 = addresses.iter().filter(|ip| ip.is_ipv6()).take(MAX_ADDRESSES);
        let known: Vec<IpAddr> = v6.chain(v4).copied().collect();
        if known.is_empty() {
            server.addresses = Resolution::Failed;
            let url = server.config.url.to_string();
            self.server_failed(url, None, 701, "the server's name could not be resolved");
        } else {
            server.addresses = Resolution::Known(known);
            self.ask_server(index);
        }
    }

    fn ask_server(&mut self, index: usize) {
        for base in self.bases.keys().copied().collect::<Vec<_>>() {
            self.ask_server_from(index, base);
        }
    }

    /// A new socket: signal it and ask all servers from it.
    pub(super) fn gather_base(&mut self, base: BaseId) {
        if let Some(candidate) = self.bases.get(&base).map(|base| base.candidate) {
            self.signal(candidate);
        }
        for index in 0..self.gatherer.servers.len() {
            self.ask_server_from(index, base);
        }
    }

    pub(super) fn ask_server_from(&mut self, index: usize, id: BaseId) {
        let (Some(server), Some(base)) = (self.gatherer.servers.get(index), self.bases.get(&id)) else {
            return;
        };
        let Resolution::Known(addresses) = &server.addresses else { return };
        let port = server.config.url.port;
        let reached = addresses.iter().map(|ip| self.destination(base, SocketAddr::new(*ip, port)));
        let mut others: VecDeque<SocketAddr> =
            reached.filter(|address| can_ask(base, address.ip())).collect();
        let Some(address) = others.pop_front() else {
            let missed = addresses.first().copied();
            return missed.into_iter().for_each(|ip| self.consider_nat64(id, ip));
        };
        let url = server.config.url.to_string();
        match (server.config.url.kind, server.config.url.protocol) {
            (ServerKind::Stun, Protocol::Udp) if self.config.policy == TransportPolicy::All => {
                self.add_task(Task {
                    base: id,
                    server: address,
                    others,
                    url,
                    refresh: false,
                    redirected_from: Vec::new(),
                });
                self.set_gathering(GatheringState::Gathering);
            }
            (ServerKind::Stun, Protocol::Udp) => {}
            (ServerKind::Stun, _) => {
                self.server_failed(url, None, 701, "STUN over TLS gives no candidates for datagrams");
            }
            (ServerKind::Turn, _) => self.allocate(index, id, address, others),
        }
    }

    /// Servers that were out of reach may be reached now.
    pub(super) fn ask_ipv4_servers(&mut self) {
        for index in 0..self.gatherer.servers.len() {
            let known = self.gatherer.servers.get(index).map(|server| &server.addresses);
            if matches!(known, Some(Resolution::Known(addresses)) if addresses.iter().all(IpAddr::is_ipv4)) {
                self.ask_server(index);
            }
        }
    }

    fn add_task(&mut self, task: Task) {
        let id = TaskId(self.gatherer.next_task);
        self.gatherer.next_task = self.gatherer.next_task.wrapping_add(1);
        self.gatherer.tasks.insert(id, task);
        self.gatherer.queue.push_back(id);
    }

    /// Sends the next question. The pacer's turn has come.
    pub(super) fn start_server_request(&mut self, now: Instant) -> bool {
        let Some(task) = self.gatherer.queue.pop_front() else { return false };
        let Some(others) = self.gatherer.tasks.get(&task).map(|task| task.others.len()) else { return false };
        let id = TransactionId::random(&mut self.wire_rng);
        let config = TransactionConfig::spread(self.timing.rto, 0, self.patience_with_server(others));
        let schedule = ClientTransaction::new(id, false, config, now);
        let request = Request::Server(task);
        self.transactions.insert(id, Transaction { schedule, request, cancelled: false, queued: false });
        self.send_request(now, id);
        true
    }

    /// How long an address of a server may take to answer when there are `others` of its name (RFC 8489, section 8.1).
    pub(super) fn patience_with_server(&self, others: usize) -> Duration {
        if others == 0 { self.timing.gathering } else { self.timing.gathering.min(NEXT_ADDRESS_AFTER) }
    }

    /// As many requests as fit into the time a server may take. They are small and few, and everything that follows
    /// waits for them, so that the waits do not double: with three in ten packets lost, seven requests are too few.
    pub(super) fn server_schedule(&self) -> TransactionConfig {
        TransactionConfig::spread(self.timing.rto, 0, self.timing.gathering)
    }

    /// The question that waits for its answer over `path`.
    pub(super) fn task_over(&self, path: &Path) -> Option<(TaskId, TransactionId)> {
        self.transactions.iter().find_map(|(id, transaction)| match transaction.request {
            Request::Server(task) if self.task_path(task).as_ref() == Some(path) => Some((task, *id)),
            _ => None,
        })
    }

    /// Where a question goes.
    pub(super) fn task_path(&self, task: TaskId) -> Option<Path> {
        let task = self.gatherer.tasks.get(&task)?;
        Some(Path::udp(self.bases.get(&task.base)?.address(), task.server))
    }

    /// A server told us how it sees us.
    pub(super) fn server_answered(&mut self, id: TaskId, mapped: SocketAddr) {
        let Some(task) = self.gatherer.tasks.remove(&id) else { return };
        let server = (task.server.ip(), task.url.clone());
        if let Some(local) = self.learn_local(task.base, CandidateKind::ServerReflexive, mapped, Some(server))
        {
            self.promote_to_reflexive(local);
            self.signal(local);
        }
        if !task.refresh {
            self.gatherer.bindings.push(Task { refresh: true, others: VecDeque::new(), ..task });
            self.arm_server_keepalive();
        }
    }

    /// A candidate learnt from the peer turns out to be what a server sees too: now it can be signalled.
    fn promote_to_reflexive(&mut self, id: crate::local::LocalId) {
        let Some(local) = self.locals.get_mut(id) else { return };
        if local.candidate.kind == CandidateKind::PeerReflexive {
            local.candidate.kind = CandidateKind::ServerReflexive;
            local.hidden = false;
            if let Some(base) = self.bases.get(&local.base) {
                local.candidate.priority = base.priority(CandidateKind::ServerReflexive);
            }
        }
    }

    /// A server wants another one to be asked (RFC 8489, section 10): asks that, unless servers send us around in a
    /// circle, or too far.
    pub(super) fn server_redirected(&mut self, id: TaskId, server: SocketAddr) {
        let Some(task) = self.gatherer.tasks.get(&id) else { return };
        let Some(base) = self.bases.get(&task.base) else { return };
        let server = self.destination(base, server);
        let circle = server == task.server || task.redirected_from.contains(&server);
        let reachable = server.port() != 0 && can_ask(base, server.ip());
        if circle || !reachable || task.redirected_from.len() >= MAX_REDIRECTS {
            return self.server_task_failed(id, 300, "the servers send us from one to the other");
        }
        let Some(mut task) = self.gatherer.tasks.remove(&id) else { return };
        task.redirected_from.push(task.server);
        task.server = server;
        task.others.clear();
        self.add_task(task);
    }

    /// A server could not be reached at this address: asks the next one of its name.
    pub(super) fn server_task_unanswered(&mut self, id: TaskId, text: &str) {
        let next = self.gatherer.tasks.get_mut(&id).and_then(|task| task.others.pop_front());
        let Some(next) = next else { return self.server_task_failed(id, 701, text) };
        let Some(mut task) = self.gatherer.tasks.remove(&id) else { return };
        task.server = next;
        self.add_task(task);
    }

    /// A server answered with an error, or not at all.
    pub(super) fn server_task_failed(&mut self, id: TaskId, code: u16, text: &str) {
        let Some(task) = self.gatherer.tasks.remove(&id) else { return };
        if !task.refresh {
            let local = self.bases.get(&task.base).map(Base::address);
            self.server_failed(task.url, local, code, text);
        }
    }

    pub(super) fn server_failed(&mut self, url: String, local: Option<SocketAddr>, code: u16, text: &str) {
        self.events.push_back(Event::CandidateError(ServerError {
            url,
            local,
            code,
            text: text.to_string(),
        }));
    }

    /// The socket is gone.
    pub(super) fn cancel_server_tasks(&mut self, base: BaseId) {
        self.gatherer.tasks.retain(|_, task| task.base != base);
        self.gatherer.bindings.retain(|task| task.base != base);
    }

    fn arm_server_keepalive(&mut self) {
        if self.timers.get(TimerKey::ServerKeepalive).is_none() && self.selected.is_none() {
            let at = self.clock.now() + self.timing.keepalive;
            self.timers.set(TimerKey::ServerKeepalive, Some(at));
        }
    }

    /// Asks the servers again, so that NATs keep the bindings of candidates that are still to be used (RFC 8445,
    /// section 5.1.1.4).
    pub(super) fn refresh_bindings(&mut self, _now: Instant) {
        if self.selected.is_some() || self.state == crate::ConnectionState::Failed {
            return;
        }
        for task in self.gatherer.bindings.clone() {
            self.add_task(task);
        }
        self.arm_server_keepalive();
    }
}

/// Whether a server at `ip` can be asked from `base`: a datagram socket of the same family, and loopback only among
/// itself.
fn can_ask(base: &Base, ip: IpAddr) -> bool {
    let BaseKind::Socket(socket) = &base.kind else { return false };
    let local = socket.address.ip();
    socket.transport == Transport::Udp
        && local.is_ipv4() == ip.is_ipv4()
        && (local.is_unspecified() || local.is_loopback() == ip.is_loopback())
}
