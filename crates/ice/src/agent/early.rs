//! Checks that come before the peer's parameters do (RFC 8445, section 7.3, and RFC 8838, section 4).

use super::IceAgent;
use crate::base::BaseId;
use crate::route::Route;
use crate::wire::Check;
use alloc::string::String;
use sendrecv_core::Instant;

/// An answered check whose sender was not known yet.
#[derive(Debug)]
pub(crate) struct EarlyCheck {
    pub(super) route: Route,
    pub(super) base: BaseId,
    pub(super) check: Check,
    pub(super) ufrag: String,
}

impl IceAgent {
    /// Keeps a check for later. Of several over one way the last counts, but a nomination stays one.
    pub(super) fn remember(&mut self, mut early: EarlyCheck) {
        let same = |known: &EarlyCheck| known.route == early.route && known.ufrag == early.ufrag;
        if let Some(position) = self.early.iter().position(same)
            && let Some(known) = self.early.remove(position)
        {
            early.check.use_candidate |= known.check.use_candidate;
        }
        if self.early.len() >= self.config.limits.early_checks {
            self.early.pop_front();
        }
        self.early.push_back(early);
    }

    /// The peer is known now: makes up for what its checks should have led to.
    pub(super) fn follow_up_early_checks(&mut self, now: Instant) {
        for early in core::mem::take(&mut self.early) {
            let ours = self.remote_parameters().is_some_and(|parameters| parameters.ufrag == early.ufrag);
            if ours && self.bases.contains_key(&early.base) {
                self.follow_up(now, early.base, early.route, early.check);
            }
        }
    }
}
