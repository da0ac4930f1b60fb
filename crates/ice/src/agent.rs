//! The agent: what it owns, and its loop. What it does is in the modules below, one subject each.

mod checks;
mod consent;
mod data;
mod early;
mod gather;
mod late;
mod nat64;
mod nominate;
mod pairing;
mod peer;
mod piggyback;
mod relays;
mod requests;
mod responses;
mod restart;
mod sockets;
mod state;
mod streams;
mod unnominated;
mod unreachable;

pub(crate) use gather::TaskId;

use crate::base::{Base, BaseId};
use crate::checklist::CheckList;
use crate::config::{Config, Role, Timing};
use crate::discard::Discard;
use crate::error::UsageError;
use crate::event::{ConnectionState, Event, GatheringState, NameId, SelectedPair};
use crate::generation::Generation;
use crate::local::Locals;
use crate::pair::{Pair, PairId};
use crate::parameters::IceParameters;
use crate::piggyback::{OPTION, Piggyback};
use crate::remote::Remotes;
use crate::route::{RelayId, Route};
use crate::socket::StreamId;
use crate::stats::{CandidatePairStats, Stats};
use crate::transaction::Transaction;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use consent::Consent;
use core::fmt;
use core::net::SocketAddr;
use early::EarlyCheck;
use gather::Gatherer;
use nat64::Nat64;
use nominate::Nominator;
use peer::NamePurpose;
use relays::Relays;
use requests::Response;
use sendrecv_core::{Clock, Instant, Machine, PacketBuf, Protocol, Rng, Seed, SmallMap, Timers, Transmit};
use sendrecv_stun::TransactionId;
use streams::StreamPurpose;

/// What a datagram turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Up<'b> {
    /// A datagram for the layers above, from a pair the peer has proved to be behind.
    Data {
        /// The way it came.
        route: Route,
        /// The datagram, without any TURN header.
        data: &'b mut [u8],
    },
    /// ICE's own; nothing is left of it.
    Consumed,
}

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    /// The next new transaction may start.
    Pace,
    /// A request is to be sent again, or has failed.
    Transaction(TransactionId),
    /// The next consent check.
    Consent,
    /// A consent check was not answered soon.
    Probe,
    /// The pair in use may be asked whether it still works.
    Doubt,
    /// The pair that is used before one is nominated may have gone silent.
    Unnominated,
    /// Too long without an answer.
    Disconnect,
    /// The peer's consent is over.
    ConsentExpiry,
    /// A NAT binding is to be refreshed.
    Keepalive,
    /// The best valid pair has waited long enough for a better one.
    Settle,
    /// The pair that a restart replaced has been listened to for long enough.
    Farewell,
    /// Patience is over (RFC 8863).
    Patience,
    /// The bindings at the STUN servers are to be refreshed.
    ServerKeepalive,
    /// A TURN client wants its time.
    Relay(RelayId),
    /// A TURN server should have answered by now, if it is to be that address of its name.
    RelayAnswer(RelayId),
    /// A stream took too long to open.
    Stream(StreamId),
}

/// An ICE agent for one component.
///
/// Its host feeds it datagrams, time and the peer's signalling, and polls it for datagrams, events and its next
/// deadline; see the [crate's documentation](crate) for the loop.
pub struct IceAgent {
    pub(crate) config: Config,
    pub(crate) timing: Timing,
    pub(crate) clock: Clock,
    /// For what everybody sees: transaction ids, jitter.
    pub(crate) wire_rng: Rng,
    /// For what nobody may guess: passwords, tie-breakers.
    pub(crate) secret_rng: Rng,
    pub(crate) seed: Seed,
    pub(crate) closed: bool,

    pub(crate) role: Role,
    pub(crate) tie_breaker: u64,
    pub(crate) current: Generation,
    /// The generation that the pair in use belongs to, until the current one has found its own.
    pub(crate) previous: Option<Generation>,
    /// Local parameters drawn for the next restart.
    pub(crate) prepared: Option<IceParameters>,
    /// Local parameters that an unanswered restart replaced.
    pub(crate) superseded: Option<IceParameters>,

    pub(crate) bases: SmallMap<BaseId, Base>,
    pub(crate) base_of_socket: SmallMap<(Protocol, SocketAddr), BaseId>,
    pub(crate) next_base: u32,
    pub(crate) locals: Locals,
    pub(crate) remotes: Remotes,
    pub(crate) remote_ended: bool,
    pub(crate) list: CheckList,
    pub(crate) early: VecDeque<EarlyCheck>,
    pub(crate) piggyback: Piggyback,

    pub(crate) transactions: SmallMap<TransactionId, Transaction>,
    pub(crate) timers: Timers<TimerKey>,
    pub(crate) last_paced: Option<Instant>,
    pub(crate) responses: VecDeque<Response>,
    pub(crate) requests: VecDeque<TransactionId>,
    pub(crate) keepalive_due: bool,

    pub(crate) selected: Option<PairId>,
    /// The pair that a restart replaced a moment ago.
    pub(crate) retired: Option<PairId>,
    pub(crate) consent: Consent,
    pub(crate) nominator: Nominator,

    pub(crate) gatherer: Gatherer,
    pub(crate) nat64: Nat64,
    pub(crate) relays: Relays,
    pub(crate) streams: BTreeMap<StreamId, StreamPurpose>,
    pub(crate) names: BTreeMap<NameId, NamePurpose>,
    pub(crate) next_name: u32,
    pub(crate) next_stream: u32,

    pub(crate) state: ConnectionState,
    /// Whether a pair was in use, nominated or not, since the last restart.
    pub(crate) had_contact: bool,
    /// Whether a pair was selected since the last restart.
    pub(crate) was_selected: bool,
    pub(crate) patience_over: bool,
    pub(crate) events: VecDeque<Event>,
    pub(crate) stats: Stats,
}

impl IceAgent {
    /// An agent with fresh local parameters and nothing else.
    pub fn new(config: Config, seed: &Seed, now: Instant) -> Self {
        let seed = seed.derive("ice agent");
        let wire_rng = seed.derive("wire").rng();
        let mut secret_rng = seed.derive("secret").rng();
        let local = IceParameters::generate(
            &config.ufrag_prefix,
            config.lite,
            local_options(&config),
            &mut secret_rng,
        );
        Self {
            timing: config.timing.bounded(),
            clock: Clock::new(now),
            wire_rng,
            closed: false,
            role: if config.lite { Role::Controlled } else { config.role },
            tie_breaker: secret_rng.u64(),
            current: Generation::new(0, local, config.provider),
            previous: None,
            prepared: None,
            superseded: None,
            bases: SmallMap::default(),
            base_of_socket: SmallMap::default(),
            next_base: 0,
            locals: Locals::default(),
            remotes: Remotes::default(),
            remote_ended: false,
            list: CheckList::default(),
            early: VecDeque::new(),
            piggyback: Piggyback::default(),
            transactions: SmallMap::default(),
            timers: Timers::default(),
            last_paced: None,
            responses: VecDeque::new(),
            requests: VecDeque::new(),
            keepalive_due: false,
            selected: None,
            retired: None,
            consent: Consent::default(),
            nominator: Nominator::default(),
            gatherer: Gatherer::default(),
            nat64: Nat64::default(),
            relays: Relays::default(),
            streams: BTreeMap::new(),
            names: BTreeMap::new(),
            next_name: 0,
            next_stream: 0,
            state: ConnectionState::New,
            had_contact: false,
            was_selected: false,
            patience_over: false,
            events: VecDeque::new(),
            stats: Stats::default(),
            secret_rng,
            seed,
            config,
        }
    }

    /// The local parameters to signal.
    pub const fn local_parameters(&self) -> &IceParameters {
        &self.current.local
    }

    /// The peer's parameters, if they were signalled in this generation.
    pub fn remote_parameters(&self) -> Option<&IceParameters> {
        self.current.remote.as_ref().map(|remote| &remote.parameters)
    }

    /// The present role.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The connection's state.
    pub const fn state(&self) -> ConnectionState {
        self.state
    }

    /// The gathering's state.
    pub const fn gathering_state(&self) -> GatheringState {
        self.gatherer.state
    }

    /// The agent's own counters.
    pub fn stats(&self) -> Stats {
        Stats { backwards_time: self.clock.backwards(), ..self.stats }
    }

    /// The pair that was selected by nomination.
    pub fn selected_pair(&self) -> Option<SelectedPair> {
        self.describe_pair(self.selected?)
    }

    /// The pair that carries data: the selected one, or the best that works while none is selected yet.
    pub fn pair_in_use(&self) -> Option<SelectedPair> {
        self.describe_pair(self.data_pair()?)
    }

    fn describe_pair(&self, id: PairId) -> Option<SelectedPair> {
        let pair = self.list.get(id)?;
        let local = self.locals.get(pair.local)?.candidate.clone();
        let remote = self.remotes.get(pair.remote)?.candidate.clone();
        Some(SelectedPair { route: pair.route?, local, remote, pair: id })
    }

    /// Every pair, with its statistics, in the order they were formed.
    pub fn candidate_pairs(&self) -> Vec<CandidatePairStats> {
        self.list.iter().filter_map(|(id, pair)| self.pair_stats(id, pair)).collect()
    }

    fn pair_stats(&self, id: PairId, pair: &Pair) -> Option<CandidatePairStats> {
        Some(CandidatePairStats {
            id,
            local: self.locals.get(pair.local)?.candidate.clone(),
            remote: self.remotes.get(pair.remote)?.candidate.clone(),
            route: pair.route,
            state: pair.state,
            nominated: pair.nominated.is_some(),
            selected: self.selected == Some(id),
            priority: pair.priority,
            counters: pair.counters,
        })
    }

    /// The local candidates, those learnt from the peer included.
    pub fn local_candidates(&self) -> impl Iterator<Item = &crate::Candidate> {
        self.locals.iter().map(|local| &local.candidate)
    }

    /// The remote candidates, those learnt from checks included.
    pub fn remote_candidates(&self) -> impl Iterator<Item = &crate::Candidate> {
        self.remotes.iter().map(|remote| &remote.candidate)
    }

    /// Makes the caller's time monotonic, or says that the agent is closed.
    pub(crate) fn enter(&mut self, now: Instant) -> Result<Instant, UsageError> {
        let now = self.clock.advance(now);
        if self.closed { Err(UsageError::Closed) } else { Ok(now) }
    }

    /// Lets everything happen that is due at `now`.
    pub(crate) fn run(&mut self, now: Instant) {
        self.excuse_lateness(now);
        loop {
            self.decide(now);
            let Some(key) = self.timers.pop_due(now) else { break };
            self.fire(now, key);
        }
        self.update();
    }

    /// Does what follows from a datagram. What is due waits: of datagrams that a late host has still to read, one may be what
    /// a deadline is about.
    pub(crate) fn react(&mut self, now: Instant) {
        self.decide(now);
        self.update();
    }

    fn decide(&mut self, now: Instant) {
        self.consider_nomination(now);
        self.watch_unnominated(now);
        self.wake_pacer(now);
    }

    fn update(&mut self) {
        self.update_gathering();
        self.update_state();
    }

    fn fire(&mut self, now: Instant, key: TimerKey) {
        match key {
            TimerKey::Pace => self.start_next(now),
            TimerKey::Transaction(id) => self.step_transaction(now, id),
            TimerKey::Consent => self.check_consent(now),
            TimerKey::Probe => self.probe(now),
            TimerKey::Doubt => self.ask_selected(now),
            TimerKey::Unnominated => self.hear_unnominated(now),
            TimerKey::Disconnect => self.lose_contact(now),
            TimerKey::ConsentExpiry => self.lose_consent(now),
            TimerKey::Keepalive => self.keep_alive(now),
            // Waking up is enough: nomination looks at the time itself.
            TimerKey::Settle => {}
            TimerKey::Farewell => self.end_farewell(now),
            TimerKey::Patience => self.lose_patience(now),
            TimerKey::ServerKeepalive => self.refresh_bindings(now),
            TimerKey::Relay(id) => self.relay_timeout(now, id),
            TimerKey::RelayAnswer(id) => self.relay_answer_due(now, id),
            TimerKey::Stream(id) => self.stream_took_too_long(now, id),
        }
    }

    pub(crate) fn discard(&mut self, reason: Discard) -> Discard {
        self.stats.discards.count(reason)
    }
}

fn local_options(config: &Config) -> Vec<String> {
    let mut options = Vec::from([String::from("ice2"), String::from("trickle")]);
    if config.renomination && !config.lite {
        options.push(String::from("renomination"));
    }
    if config.piggyback.is_some() {
        options.push(String::from(OPTION));
    }
    options
}

impl Machine for IceAgent {
    type Event = Event;

    fn handle_timeout(&mut self, now: Instant) {
        if let Ok(now) = self.enter(now) {
            self.run(now);
        } else {
            self.run_relays(now);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        let now = self.clock.advance(now);
        // Whatever else there was to do was done with what made it so.
        if self.timers.next().is_some_and(|at| at <= now) || self.closed {
            self.handle_timeout(now);
        }
        let before = out.len();
        let transmit = self.transmit_response(now, out).or_else(|| self.transmit_request(now, out));
        let transmit = transmit.or_else(|| self.transmit_keepalive(now, out));
        let transmit = transmit.or_else(|| self.transmit_relays(now, out));
        match transmit {
            Some(_) => self.stats.packets_sent = self.stats.packets_sent.saturating_add(1),
            None => out.truncate(before),
        }
        transmit
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}

impl fmt::Debug for IceAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceAgent")
            .field("role", &self.role)
            .field("state", &self.state)
            .field("local", &self.current.local)
            .field("selected", &self.selected_pair().map(|selected| selected.route))
            .finish_non_exhaustive()
    }
}
