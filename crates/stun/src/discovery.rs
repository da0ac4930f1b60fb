//! What kind of NAT is in the way (RFC 5780, section 4): for diagnosis, never for deciding how to connect.
//!
//! ```text
//! first:      server                 -> mapped address 1, and the server's OTHER-ADDRESS
//! filtering:  answer from the other address and port?   any peer may answer
//!             answer from the other port?               only addresses that were sent to; or ports too
//! mapping:    other address          -> mapped address 2 = 1?   one mapping for all destinations
//!             other address and port -> mapped address 3 = 2?   one per address; or per port too
//! ```
//! Filtering comes first, because the mapping tests open the filter towards the other address.

use crate::attribute::{ChangeRequest, MappedAddress, OtherAddress, XorMappedAddress};
use crate::{
    Class, ClientTransaction, Message, MessageBuilder, Method, Step, TransactionConfig, TransactionId,
};
use core::net::SocketAddr;
use sendrecv_core::{Clock, Instant, Machine, PacketBuf, Path, Rng, Seed, Transmit};

/// How far a NAT's mapping or filtering depends on the destination (RFC 4787, sections 4.1 and 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NatBehaviour {
    /// Not at all.
    EndpointIndependent,
    /// On its address.
    AddressDependent,
    /// On its address and port.
    AddressAndPortDependent,
}

/// What was found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatReport {
    /// Our address as the server sees it; `None` when it did not answer, and nothing else is known.
    pub mapped: Option<SocketAddr>,
    /// How mappings depend on destinations; `None` when the server has no other address, or does not answer there.
    pub mapping: Option<NatBehaviour>,
    /// How filters depend on destinations; `None` when the server has no other address.
    pub filtering: Option<NatBehaviour>,
}

/// One request and what its answer will mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    First,
    FilterAddress,
    FilterPort,
    MapAddress,
    MapPort,
}

/// Finds out about NATs from one UDP socket and one server that supports RFC 5780. It reports once, after some round
/// trips and, where filters drop answers, two transactions' timeouts.
#[derive(Debug)]
pub struct BehaviourDiscovery {
    path: Path,
    other: Option<SocketAddr>,
    config: TransactionConfig,
    clock: Clock,
    rng: Rng,
    current: Option<(Test, ClientTransaction)>,
    second_mapped: Option<SocketAddr>,
    report: NatReport,
    report_ready: bool,
}

impl BehaviourDiscovery {
    /// Begins to ask the server at the far end of `path`.
    pub fn new(path: Path, config: TransactionConfig, seed: &Seed, now: Instant) -> Self {
        let mut discovery = Self {
            path,
            other: None,
            config,
            clock: Clock::new(now),
            rng: seed.derive("discovery").rng(),
            current: None,
            second_mapped: None,
            report: NatReport { mapped: None, mapping: None, filtering: None },
            report_ready: false,
        };
        discovery.begin(now, Test::First);
        discovery
    }

    /// Takes in a datagram; says whether it was the awaited response.
    pub fn handle_datagram(&mut self, now: Instant, path: Path, datagram: &[u8]) -> bool {
        let now = self.clock.advance(now);
        let Some((test, transaction)) = &self.current else { return false };
        let (test, id) = (*test, transaction.id());
        let Ok(message) = Message::parse(datagram) else { return false };
        let expected = Path { remote: self.answers_from(test), ..self.path };
        if path != expected || message.transaction_id() != id || message.method() != Method::BINDING {
            return false;
        }
        match message.class() {
            Class::Success => self.on_success(now, test, &message),
            Class::Error => self.on_silence(now, test),
            Class::Request | Class::Indication => return false,
        }
        true
    }

    fn begin(&mut self, now: Instant, test: Test) {
        let id = TransactionId::random(&mut self.rng);
        self.current = Some((test, ClientTransaction::new(id, false, self.config, now)));
    }

    fn finish(&mut self) {
        self.current = None;
        self.report_ready = true;
    }

    fn other(&self) -> SocketAddr {
        self.other.unwrap_or(self.path.remote)
    }

    fn asked(&self, test: Test) -> SocketAddr {
        match test {
            Test::First | Test::FilterAddress | Test::FilterPort => self.path.remote,
            Test::MapAddress => SocketAddr::new(self.other().ip(), self.path.remote.port()),
            Test::MapPort => self.other(),
        }
    }

    fn answers_from(&self, test: Test) -> SocketAddr {
        match test {
            Test::FilterAddress => self.other(),
            Test::FilterPort => SocketAddr::new(self.path.remote.ip(), self.other().port()),
            Test::First | Test::MapAddress | Test::MapPort => self.asked(test),
        }
    }

    fn on_success(&mut self, now: Instant, test: Test, message: &Message<'_>) {
        let mapped = mapped_address(message);
        match test {
            Test::First => {
                self.report.mapped = mapped;
                self.other = message.attribute().map(|OtherAddress(other)| other);
                let is_other = |other: SocketAddr| other.ip() != self.path.remote.ip();
                match self.other {
                    Some(other) if is_other(other) && mapped.is_some() => {
                        self.begin(now, Test::FilterAddress);
                    }
                    _ => self.finish(),
                }
            }
            Test::FilterAddress => self.filtering(now, NatBehaviour::EndpointIndependent),
            Test::FilterPort => self.filtering(now, NatBehaviour::AddressDependent),
            Test::MapAddress if mapped == self.report.mapped => {
                self.mapping(NatBehaviour::EndpointIndependent);
            }
            Test::MapAddress => {
                self.second_mapped = mapped;
                self.begin(now, Test::MapPort);
            }
            Test::MapPort if mapped == self.second_mapped => self.mapping(NatBehaviour::AddressDependent),
            Test::MapPort => self.mapping(NatBehaviour::AddressAndPortDependent),
        }
    }

    /// No answer, or a refusal.
    fn on_silence(&mut self, now: Instant, test: Test) {
        match test {
            Test::First | Test::MapAddress | Test::MapPort => self.finish(),
            Test::FilterAddress => self.begin(now, Test::FilterPort),
            Test::FilterPort => self.filtering(now, NatBehaviour::AddressAndPortDependent),
        }
    }

    fn filtering(&mut self, now: Instant, behaviour: NatBehaviour) {
        self.report.filtering = Some(behaviour);
        self.begin(now, Test::MapAddress);
    }

    fn mapping(&mut self, behaviour: NatBehaviour) {
        self.report.mapping = Some(behaviour);
        self.finish();
    }
}

impl Machine for BehaviourDiscovery {
    type Event = NatReport;

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        let Some((test, transaction)) = &self.current else { return };
        if matches!(transaction.step(now), Step::Failed(_)) {
            let test = *test;
            self.on_silence(now, test);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.current.as_ref().map(|(_, transaction)| transaction.deadline())
    }

    fn poll_transmit(&mut self, now: Instant, out: &mut PacketBuf<'_>) -> Option<Transmit> {
        let now = self.clock.advance(now);
        let (test, transaction) = self.current.as_ref()?;
        if transaction.step(now) != Step::Send {
            return None;
        }
        let (test, id, before) = (*test, transaction.id(), out.len());
        let mut request = MessageBuilder::new(out, Class::Request, Method::BINDING, id).ok()?;
        let change = match test {
            Test::FilterAddress => Some(ChangeRequest { ip: true, port: true }),
            Test::FilterPort => Some(ChangeRequest { ip: false, port: true }),
            Test::First | Test::MapAddress | Test::MapPort => None,
        };
        if change.is_some_and(|change| request.attribute(&change).is_err()) {
            out.truncate(before);
            return None;
        }
        if let Some((_, transaction)) = &mut self.current {
            transaction.sent(now);
        }
        Some(Transmit::to(Path { remote: self.asked(test), ..self.path }))
    }

    fn poll_event(&mut self) -> Option<NatReport> {
        core::mem::take(&mut self.report_ready).then_some(self.report)
    }
}

fn mapped_address(message: &Message<'_>) -> Option<SocketAddr> {
    let xored = message.attribute().map(|XorMappedAddress(address)| address);
    xored.or_else(|| message.attribute().map(|MappedAddress(address)| address))
}

#[cfg(test)]
mod tests;
