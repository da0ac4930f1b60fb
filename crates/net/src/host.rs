//! The loop of a host, but for the waiting: sockets, peers, and whose turn it is.

use crate::application::Application;
use crate::clock::HostClock;
use crate::driver::{Driver, Job, Outside};
use crate::errand::{Answer, Errands, Outcome};
use crate::interfaces::LocalAddress;
use crate::network::Network;
use crate::offload::{Received, Sent};
use crate::peer_id::PeerId;
use crate::reactor::{Io, Reactor, Ready};
use crate::router::Router;
use crate::scratch;
use crate::sockets::Sockets;
use crate::stream::{Arrival, Stream};
use crate::watch::Watch;
use sendrecv::{LocalSocket, NameId, OpenStream};
use sendrecv_core::{Instant, Path, Protocol, Transmit, earliest};
use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Peers that have their turn, or hear of the time, before the sockets are looked at again: these do not hold much.
const TURNS: usize = 256;
/// Deadlines are met within this by a host that keeps up with its work.
const LATE: Duration = Duration::from_millis(20);
/// How often a host that is late reads before anything else: enough for what sockets hold, and no more in a flood.
const READS_WHEN_LATE: usize = 64;

/// What reaches a host from outside of its loop.
pub enum Command<A> {
    /// Runs beside a peer.
    Run(PeerId, Job<A>),
    /// Closes a peer.
    Close(PeerId),
    /// Takes a peer in.
    Add(Box<Newcomer<A>>),
    /// No peer is added any more: the host ends with the last.
    Retire,
    /// Closes every peer.
    CloseAll,
    /// An answer from outside.
    Take(Answer),
}

impl<A> fmt::Debug for Command<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Run(..) => "Run",
            Self::Close(_) => "Close",
            Self::Add(_) => "Add",
            Self::Retire => "Retire",
            Self::CloseAll => "CloseAll",
            Self::Take(_) => "Take",
        })
    }
}

/// A peer on its way to its host.
pub struct Newcomer<A> {
    pub(crate) id: PeerId,
    pub(crate) driver: Driver<A>,
    /// Dropped when the peer has ended.
    pub(crate) guard: Box<dyn Any + Send>,
}

struct Peer<A> {
    driver: Driver<A>,
    guard: Box<dyn Any + Send>,
    /// What the timers have for it.
    deadline: Option<Instant>,
    /// Whether it is in the queue for its turn.
    queued: bool,
    /// Whether a socket has no room for what it has to send.
    blocked: bool,
}

/// Sockets, and the peers that share them. A runtime's task or thread owns it, and does this for ever:
///
/// 1. [`work`](Self::work), until that says it is over;
/// 2. wait until a socket is [ready](Self::each_socket), a command is there, or the [deadline](Self::deadline) has come;
/// 3. [`obey`](Self::obey) the commands.
pub struct Host<A, R: Reactor> {
    sockets: Sockets<R>,
    peers: BTreeMap<PeerId, Peer<A>>,
    router: Router,
    network: Network,
    watch: Option<Watch>,
    errands: Errands,
    clock: HostClock,
    timers: BTreeSet<(Instant, PeerId)>,
    queue: VecDeque<PeerId>,
    /// Who waits for room in which socket.
    blocked: BTreeMap<SocketAddr, Vec<PeerId>>,
    /// No peer comes any more.
    retired: bool,
    /// Of peers that have ended, while the sockets are still there: those who wait for the end of the last peer want to
    /// find its addresses free.
    guards: Vec<Box<dyn Any + Send>>,
}

impl<A: Application, R: Reactor> Host<A, R> {
    pub(crate) fn new(
        reactor: R,
        router: Router,
        network: Network,
        errands: Errands,
        clock: HostClock,
    ) -> Self {
        Self {
            sockets: Sockets::new(reactor),
            peers: BTreeMap::new(),
            router,
            network,
            watch: None,
            errands,
            clock,
            timers: BTreeSet::new(),
            queue: VecDeque::new(),
            blocked: BTreeMap::new(),
            retired: false,
            guards: Vec::new(),
        }
    }

    /// Does what someone outside wants.
    pub fn obey(&mut self, command: Command<A>) {
        match command {
            Command::Run(id, job) => self.visit(id, |driver| driver.run(job)),
            Command::Close(id) => self.visit(id, Driver::close),
            Command::Add(newcomer) => self.add(*newcomer),
            Command::Retire => self.retired = true,
            Command::CloseAll => {
                self.retired = true;
                for id in self.peers.keys().copied().collect::<Vec<_>>() {
                    self.visit(id, Driver::close);
                }
            }
            Command::Take(answer) => self.take(answer),
        }
    }

    fn add(&mut self, newcomer: Newcomer<A>) {
        let Newcomer { id, mut driver, guard } = newcomer;
        let now = self.clock.now();
        for socket in self.network.local_sockets() {
            add_socket(&mut driver, now, socket);
        }
        self.router.is_called(id, driver.pc.local_ufrag());
        self.peers.insert(id, Peer { driver, guard, deadline: None, queued: false, blocked: false });
        self.visit(id, |_| ());
    }

    /// Lets `work` happen to a peer's driver, and sees to its turn.
    fn visit(&mut self, id: PeerId, work: impl FnOnce(&mut Driver<A>)) {
        if let Some(peer) = self.peers.get_mut(&id) {
            work(&mut peer.driver);
            peer.enqueue(id, &mut self.queue);
        }
    }

    /// Takes in what came back from an errand. Nobody may have use for it any more.
    fn take(&mut self, answer: Answer) {
        let now = self.clock.now();
        match answer.0 {
            Outcome::Resolved(peer, id, addresses) => self.visit(peer, |driver| {
                let _ = driver.pc.name_resolved(now, id, &addresses);
            }),
            Outcome::Connected(peer, request, outcome) => {
                let roots = &self.errands.tls_roots;
                let opened = outcome.and_then(|socket| {
                    self.sockets.add_stream(|reactor, token| {
                        Stream::connected(reactor, token, (&request, socket), peer, (roots, now))
                    })
                });
                if let Err(error) = opened {
                    tracing::debug!(remote = %request.remote, %error, "stream not opened");
                    self.visit(peer, |driver| {
                        let _ = driver.pc.stream_failed(now, request.id);
                    });
                }
            }
            Outcome::Addresses(all) => self.follow(&all),
        }
    }

    /// The machine has these addresses now: closes sockets and opens others accordingly.
    fn follow(&mut self, all: &[LocalAddress]) {
        let (gone, new) = self.network.changes(all);
        let now = self.clock.now();
        for (protocol, address) in self.network.close(&gone) {
            self.router.remove_socket(protocol, address);
            self.sockets.remove(protocol, address);
            self.for_all(|driver| {
                let _ = driver.pc.remove_local_socket(now, protocol, address);
            });
        }
        for address in new {
            if let Err(error) = self.open(&address) {
                tracing::debug!(address = %address.ip, %error, "new address not used");
            }
        }
    }

    /// Opens what the options want on this address.
    pub(crate) fn open(&mut self, address: &LocalAddress) -> io::Result<()> {
        let now = self.clock.now();
        for socket in self.network.open(address, &mut self.sockets)? {
            self.router.add_socket(socket.transport.protocol(), socket.address);
            self.for_all(|driver| add_socket(driver, now, socket.clone()));
        }
        Ok(())
    }

    /// Looks for addresses that come and go.
    pub(crate) fn watch(&mut self, period: Duration) {
        let errands = self.errands.clone();
        self.watch = Some(Watch::start(period, Box::new(move |all| errands.addresses_changed(all))));
    }

    fn for_all(&mut self, mut work: impl FnMut(&mut Driver<A>)) {
        for (id, peer) in &mut self.peers {
            work(&mut peer.driver);
            peer.enqueue(*id, &mut self.queue);
        }
    }

    /// Does what there is to do, as much of it as sockets can be left alone for; whether the host is over.
    pub fn work(&mut self) -> bool {
        self.read();
        self.fire();
        self.unblock();
        for _ in 0..TURNS {
            let Some(id) = self.queue.pop_front() else { break };
            self.turn(id);
        }
        // News of streams is for peers to act on.
        self.serve_streams();
        self.retired && self.peers.is_empty() && !self.sockets.has_owned_streams()
    }

    /// Reads what has come. A host that is late reads all of it, before it lets anybody know how late it is: what looks like
    /// a peer's silence may be here unread.
    fn read(&mut self) {
        let is_late = self.is_late();
        let Self { sockets, peers, router, queue, clock, .. } = self;
        if is_late {
            sockets.look_again();
        }
        for _ in 0..if is_late { READS_WHEN_LATE } else { 1 } {
            let now = clock.now();
            let mut take = |arrival: Arrival<'_>| deliver(peers, router, queue, now, arrival);
            scratch::with(|scratch| sockets.read(now, scratch, &mut take));
            if !sockets.has_unread() {
                break;
            }
        }
    }

    fn serve_streams(&mut self) {
        let Self { sockets, peers, router, queue, clock, .. } = self;
        let now = clock.now();
        sockets.serve_streams(now, &mut |arrival| deliver(peers, router, queue, now, arrival));
    }

    /// Lets peers know whose time has come.
    fn fire(&mut self) {
        let now = self.clock.now();
        for _ in 0..TURNS {
            let Some((at, id)) = self.timers.first().copied().filter(|(at, _)| *at <= now) else { break };
            self.timers.remove(&(at, id));
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.deadline = None;
            }
            self.visit(id, Driver::handle_timeout);
        }
    }

    /// Whoever waits for a socket that has room gets a turn.
    fn unblock(&mut self) {
        if self.blocked.is_empty() {
            return;
        }
        let Self { sockets, blocked, queue, peers, .. } = self;
        blocked.retain(|address, ids| {
            if !sockets.wants_room(*address, true) {
                return true;
            }
            sockets.wants_room(*address, false);
            for id in ids {
                if let Some(peer) = peers.get_mut(id) {
                    peer.blocked = false;
                    peer.enqueue(*id, queue);
                }
            }
            false
        });
    }

    /// Events, then packets, of one peer.
    fn turn(&mut self, id: PeerId) {
        let Self { sockets, peers, router, network, errands, clock, .. } = self;
        let Some(peer) = peers.get_mut(&id) else { return };
        peer.queued = false;
        let mut outside = Surroundings { sockets, router, network, errands, peer: id, now: clock.now() };
        let may_send = !peer.blocked;
        let full = scratch::with(|scratch| peer.driver.turn(may_send, &mut scratch.batch, &mut outside));
        router.is_called(id, peer.driver.pc.local_ufrag());
        if peer.driver.is_over() {
            return self.remove(id);
        }
        let deadline = peer.driver.deadline();
        if deadline != peer.deadline {
            self.timers.extend(deadline.map(|at| (at, id)));
            let before = std::mem::replace(&mut peer.deadline, deadline);
            before.map(|at| self.timers.remove(&(at, id)));
        }
        if let Some(address) = full.filter(|_| may_send) {
            peer.blocked = true;
            self.blocked.entry(address).or_default().push(id);
            sockets.wants_room(address, true);
        }
    }

    fn remove(&mut self, id: PeerId) {
        let Some(peer) = self.peers.remove(&id) else { return };
        peer.deadline.map(|at| self.timers.remove(&(at, id)));
        self.router.remove(id);
        self.sockets.close_all_of(self.clock.now(), id);
        if self.retired && self.peers.is_empty() {
            self.guards.push(peer.guard);
        }
    }

    /// When there is something to do even if nothing happens.
    pub fn deadline(&self) -> Option<Instant> {
        let peers = self.timers.first().map(|(at, _)| *at);
        earliest(peers, self.sockets.deadline())
    }

    /// Whether there is more to do than was done at once.
    pub fn is_busy(&self) -> bool {
        !self.queue.is_empty() || self.sockets.has_ready()
    }

    /// Whether sockets were left alone for so long that the runtime should look at them before more is done.
    pub fn is_behind(&self) -> bool {
        !self.queue.is_empty() || self.is_late()
    }

    fn is_late(&self) -> bool {
        self.timers.first().is_some_and(|(at, _)| self.clock.now().saturating_since(*at) >= LATE)
    }

    /// How long there is nothing to do; `None` is for ever.
    pub fn time_left(&self) -> Option<Duration> {
        if self.is_busy() {
            return Some(Duration::ZERO);
        }
        self.deadline().map(|at| at.saturating_since(self.clock.now()))
    }

    /// The clock of all peers.
    pub const fn clock(&self) -> HostClock {
        self.clock
    }

    /// What the sockets are registered with.
    pub const fn reactor(&mut self) -> &mut R {
        self.sockets.reactor()
    }

    /// Shows every socket, and what is known of its readiness, to a runtime that asks each.
    pub fn each_socket(&mut self, look: impl FnMut(Io<'_, R>, &mut Ready)) {
        self.sockets.each(look);
    }

    /// What is known of one socket's readiness, for a runtime that is told by number.
    pub fn ready(&mut self, token: usize) -> Option<&mut Ready> {
        self.sockets.ready(token)
    }
}

impl<A> Peer<A> {
    fn enqueue(&mut self, id: PeerId, queue: &mut VecDeque<PeerId>) {
        if !self.queued {
            self.queued = true;
            queue.push_back(id);
        }
    }
}

fn add_socket<A>(driver: &mut Driver<A>, now: Instant, socket: LocalSocket) {
    let address = socket.address;
    if let Err(error) = driver.pc.add_local_socket(now, socket) {
        tracing::debug!(%address, %error, "socket not used");
    }
}

/// Gives what came to whom it is for, and says who took it.
fn deliver<A: Application>(
    peers: &mut BTreeMap<PeerId, Peer<A>>,
    router: &mut Router,
    queue: &mut VecDeque<PeerId>,
    now: Instant,
    arrival: Arrival<'_>,
) -> Option<PeerId> {
    let id = match &arrival {
        Arrival::Datagram(owner, Received { path, data, .. }) => {
            owner.or_else(|| router.route(path, data))?
        }
        Arrival::Opened(id, ..) | Arrival::Failed(id, _) | Arrival::Closed(id, _) => *id,
    };
    let peer = peers.get_mut(&id)?;
    peer.enqueue(id, queue);
    match arrival {
        Arrival::Datagram(_, received) => {
            let (path, tells_whose) = (received.path, router.tells_whose(&received.path, received.data));
            let had_effect = peer.driver.receive(received);
            if had_effect && tells_whose {
                router.accepted(id, &path);
            }
            return had_effect.then_some(id);
        }
        // Otherwise nobody waits for it any more, and it stays unused until the peer ends.
        Arrival::Opened(_, stream, path) => drop(peer.driver.pc.stream_opened(now, stream, path.local)),
        Arrival::Failed(_, stream) => drop(peer.driver.pc.stream_failed(now, stream)),
        Arrival::Closed(_, path) => drop(peer.driver.pc.stream_closed(now, path)),
    }
    Some(id)
}

/// What a driver sees of its host.
struct Surroundings<'h, R: Reactor> {
    sockets: &'h mut Sockets<R>,
    router: &'h mut Router,
    network: &'h Network,
    errands: &'h Errands,
    peer: PeerId,
    now: Instant,
}

impl<R: Reactor> Outside for Surroundings<'_, R> {
    fn resolve(&mut self, id: NameId, name: String) {
        self.errands.resolve(self.peer, id, name);
    }

    fn open(&mut self, request: OpenStream) {
        self.errands.connect(self.peer, request);
    }

    fn bind(&mut self, local: IpAddr) -> io::Result<SocketAddr> {
        let socket = self.network.bind_another(local)?;
        let address = socket.local_addr()?;
        self.sockets.add_udp(socket, address, Some(self.peer))?;
        Ok(address)
    }

    fn close(&mut self, path: Path) {
        self.sockets.close(self.now, &path);
    }

    fn send(&mut self, transmit: &Transmit, path: Path, content: &[u8]) -> Sent {
        if path.protocol == Protocol::Udp {
            self.router.sends(self.peer, &path, content);
        }
        self.sockets.send(transmit, path, content)
    }
}

impl<A, R: Reactor> fmt::Debug for Host<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("peers", &self.peers.len()).finish_non_exhaustive()
    }
}
