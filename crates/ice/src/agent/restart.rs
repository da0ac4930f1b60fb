//! Restarts (RFC 8445, section 9), and taking them back.

use super::{IceAgent, TimerKey};
use crate::error::UsageError;
use crate::generation::Generation;
use crate::parameters::IceParameters;
use crate::piggyback::Piggyback;
use sendrecv_core::Instant;

impl IceAgent {
    /// The local parameters that the next [`restart`](Self::restart) will use, drawn now if they were not before. They
    /// can be signalled in an offer that may never be set; until the restart nothing is done with them.
    pub fn prepare_restart(&mut self) -> &IceParameters {
        let prepared = self.take_prepared();
        self.prepared.insert(prepared)
    }

    /// Restarts ICE and returns the new local parameters, those of [`prepare_restart`](Self::prepare_restart) if it was
    /// called. The pair in use stays in use until the new generation has found its own; signal again with
    /// [`gather`](Self::gather).
    ///
    /// # Errors
    /// [`Closed`](UsageError::Closed).
    pub fn restart(&mut self, now: Instant) -> Result<&IceParameters, UsageError> {
        let now = self.enter(now)?;
        let local = self.take_prepared();
        let replaced = self.begin_generation(now, local);
        self.superseded.get_or_insert(replaced);
        Ok(&self.current.local)
    }

    /// Takes a restart back that the peer has not answered, as when an offer is rolled back: the local parameters are
    /// those of before again. The peer's have to be set again, its candidates added and ours gathered.
    ///
    /// # Errors
    /// [`Unknown`](UsageError::Unknown) when there is no such restart, [`Closed`](UsageError::Closed).
    pub fn undo_restart(&mut self, now: Instant) -> Result<&IceParameters, UsageError> {
        let now = self.enter(now)?;
        let local = self.superseded.take().ok_or(UsageError::Unknown)?;
        self.begin_generation(now, local);
        Ok(&self.current.local)
    }

    /// Forgets the peer, as when its last section is refused: nothing is in use any more, and the local parameters are
    /// new. Sockets, servers and relays stay.
    ///
    /// # Errors
    /// [`Closed`](UsageError::Closed).
    pub fn forget_peer(&mut self, now: Instant) -> Result<(), UsageError> {
        let now = self.enter(now)?;
        self.deselect();
        let local = self.take_prepared();
        self.begin_generation(now, local);
        self.superseded = None;
        self.piggyback = Piggyback::default();
        Ok(())
    }

    fn take_prepared(&mut self) -> IceParameters {
        self.prepared.take().unwrap_or_else(|| {
            let options = self.current.local.options.clone();
            let prefix = &self.config.ufrag_prefix;
            IceParameters::generate(prefix, self.config.lite, options, &mut self.secret_rng)
        })
    }

    /// Starts over with these local parameters; returns those of before.
    fn begin_generation(&mut self, now: Instant, local: IceParameters) -> IceParameters {
        self.end_farewell(now);
        let number = self.current.number.wrapping_add(1);
        let new = Generation::new(number, local, self.config.provider);
        let old = core::mem::replace(&mut self.current, new);
        let replaced = old.local.clone();
        self.keep_pair_in_use(old);
        self.tie_breaker = self.secret_rng.u64();
        self.remote_ended = false;
        self.patience_over = false;
        self.timers.set(TimerKey::Patience, None);
        self.timers.set(TimerKey::Settle, None);
        self.reset_gathering();
        self.restart_state();
        self.run(now);
        replaced
    }

    /// Forgets the old generation but for the pair in use.
    fn keep_pair_in_use(&mut self, old: Generation) {
        let kept = self.selected;
        let number = kept.and_then(|id| self.list.get(id)).map(|pair| pair.generation);
        if number == Some(old.number) {
            self.previous = Some(old);
        }
        let remote = kept.and_then(|id| self.list.get(id)).map(|pair| pair.remote);
        for pair in self.list.clear_except(kept) {
            self.close_pair(&pair);
        }
        self.remotes.clear_except(remote);
        self.names.retain(|_, purpose| !matches!(purpose, super::NamePurpose::Candidate(_)));
        self.early.clear();
        self.nominator = super::Nominator::default();
        self.drop_checks_but(kept);
    }
}
