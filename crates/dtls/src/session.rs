//! What every state of the handshake works on: keys, messages coming in, our flight going out.

use crate::connection_id::ConnectionIds;
use crate::handshake::acks::Acks;
use crate::handshake::flight::Flight;
use crate::handshake::reassembly::Reassembly;
use crate::handshake::timer::RetransmitTimer;
use crate::hello::cookie::Cookies;
use crate::record::RecordLayer;
use crate::wire::fragment::HandshakeType;
use crate::{Config, Fingerprint, Role, Version};
use alloc::vec::Vec;
use sendrecv_core::{Rng, Seed};

/// After this many timeouts of one flight its datagrams may be too large for the path (RFC 9147, section 4.4).
const SHRINK_AFTER: u32 = 3;
/// UDP payload that fits into the 576 bytes every IPv4 host must take.
const SMALL_MTU: usize = 548;

/// Everything but the state of the handshake.
pub(crate) struct Session {
    pub(crate) config: Config,
    pub(crate) role: Role,
    /// Known once both sides have agreed.
    pub(crate) version: Option<Version>,
    pub(crate) records: RecordLayer,
    pub(crate) inbox: Reassembly,
    pub(crate) flight: Flight,
    /// Whether the peer owes an answer to the flight: then it is sent again until it comes.
    pub(crate) expects_answer: bool,
    pub(crate) timer: RetransmitTimer,
    pub(crate) acks: Acks,
    /// Randoms and nothing else: what everybody may see.
    pub(crate) public_rng: Rng,
    /// Keys and signatures.
    pub(crate) secret_rng: Rng,
    pub(crate) cookies: Cookies,
    /// Once both sides have agreed to use connection IDs.
    pub(crate) connection_ids: Option<ConnectionIds>,
    remote_fingerprints: Option<Vec<Fingerprint>>,
    next_seq: u16,
}

impl Session {
    pub(crate) fn new(config: Config, role: Role, seed: &Seed) -> Self {
        Self {
            role,
            version: None,
            records: RecordLayer::default(),
            inbox: Reassembly::default(),
            flight: Flight::default(),
            expects_answer: false,
            timer: RetransmitTimer::new(config.initial_rto, config.max_rto),
            acks: Acks::default(),
            public_rng: seed.derive("dtls public").rng(),
            secret_rng: seed.derive("dtls secret").rng(),
            cookies: Cookies::new(seed),
            connection_ids: None,
            remote_fingerprints: None,
            next_seq: 0,
            config,
        }
    }

    /// Starts a new flight: it answers the peer's, which needs no acknowledgement any more.
    pub(crate) fn begin_flight(&mut self, expects_answer: bool) {
        self.flight.clear();
        self.timer.reset();
        self.acks.clear();
        self.expects_answer = expects_answer;
    }

    /// Our flight was answered.
    pub(crate) fn end_flight(&mut self) {
        self.flight.clear();
        self.timer.stop();
        self.expects_answer = false;
    }

    /// Nothing of the handshake and of old keys is late any more.
    pub(crate) fn forget_old(&mut self) {
        if self.flight.is_of_handshake() {
            self.end_flight();
        }
        self.records.drop_old_keys();
    }

    /// The number of the next message we send.
    pub(crate) const fn next_seq(&self) -> u16 {
        self.next_seq
    }

    /// Appends a message to the flight.
    pub(crate) fn send(&mut self, epoch: u64, kind: HandshakeType, body: Vec<u8>) {
        self.flight.push(epoch, kind, self.next_seq, body);
        self.next_seq = self.next_seq.wrapping_add(1);
    }

    /// The fingerprints the signalling gave for the peer; none before they are known.
    pub(crate) fn fingerprints(&self) -> &[Fingerprint] {
        self.remote_fingerprints.as_deref().unwrap_or_default()
    }

    pub(crate) const fn knows_fingerprints(&self) -> bool {
        self.remote_fingerprints.is_some()
    }

    pub(crate) fn set_fingerprints(&mut self, fingerprints: Vec<Fingerprint>) {
        self.remote_fingerprints = Some(fingerprints);
    }

    /// The largest datagram to send now: smaller after repeated timeouts.
    pub(crate) fn mtu(&self) -> usize {
        let configured = self.config.mtu.max(crate::MIN_MTU);
        if self.timer.expirations() < SHRINK_AFTER { configured } else { configured.min(SMALL_MTU) }
    }
}
