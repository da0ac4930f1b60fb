//! Permissions and channels (RFC 8656, sections 9 and 12).

use crate::channel_data::Channel;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sendrecv_core::{Instant, Timers, earliest};

/// A permission lasts 300 s; refreshed a minute before.
const PERMISSION_REFRESH: Duration = Duration::from_secs(240);

/// A refresh that went unanswered is repeated after this time.
const UNANSWERED_REFRESH: Duration = Duration::from_secs(10);

/// A channel lasts 600 s; refreshed a minute before.
const CHANNEL_REFRESH: Duration = Duration::from_secs(540);

/// A channel number may go to another peer 5 minutes after the binding, of 10 minutes, has expired.
const CHANNEL_QUARANTINE: Duration = Duration::from_secs(900);

/// The state of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// Waits for the allocation.
    Wanted,
    /// The first request is on its way.
    Requested,
    /// Granted, and refreshed in time.
    Ready,
}

/// The state of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    /// The first request is on its way; the server may use the channel already.
    Requested,
    /// Bound, and refreshed in time.
    Bound,
    /// No longer refreshed; the number stays with the peer until it may be used again.
    Idle,
    /// The server refused; data goes in indications.
    Refused,
}

#[derive(Clone, Copy, Debug)]
struct PeerChannel {
    channel: Channel,
    binding: Binding,
}

/// What is due for a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// Ask for this permission again.
    Permission(IpAddr),
    /// Bind this channel again.
    Channel(SocketAddr, Channel),
}

/// All permissions and channels of an allocation.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    permissions: BTreeMap<IpAddr, Permission>,
    permission_deadlines: Timers<IpAddr>,
    channels: BTreeMap<SocketAddr, PeerChannel>,
    channel_deadlines: Timers<SocketAddr>,
    /// Whose channel it is, by index.
    owners: Vec<Option<SocketAddr>>,
    free: Vec<Channel>,
}

impl Peers {
    pub(crate) fn permission(&self, peer: IpAddr) -> Option<Permission> {
        self.permissions.get(&peer).copied()
    }

    pub(crate) fn permissions(&self) -> usize {
        self.permissions.len()
    }

    pub(crate) fn set_permission(&mut self, peer: IpAddr, permission: Permission) {
        self.permissions.insert(peer, permission);
    }

    /// A permission was granted or refreshed; says whether it is new. One revoked meanwhile stays revoked.
    pub(crate) fn grant(&mut self, now: Instant, peer: IpAddr) -> bool {
        let Some(permission) = self.permissions.get_mut(&peer) else { return false };
        self.permission_deadlines.set(peer, Some(now + PERMISSION_REFRESH));
        core::mem::replace(permission, Permission::Ready) != Permission::Ready
    }

    /// Drops a permission; says whether there was one. Its channels run out.
    pub(crate) fn revoke(&mut self, peer: IpAddr) -> bool {
        self.permission_deadlines.set(peer, None);
        self.permissions.remove(&peer).is_some()
    }

    /// Has the permission and the channel of a peer refreshed now, unless that is under way.
    pub(crate) fn renew(&mut self, now: Instant, peer: SocketAddr) {
        if self.permission_deadlines.get(peer.ip()).is_some() {
            self.permission_deadlines.set(peer.ip(), Some(now));
        }
        if self.bound_channel(&peer).is_some() && self.channel_deadlines.get(peer).is_some() {
            self.channel_deadlines.set(peer, Some(now));
        }
    }

    /// A refresh went unanswered, which does not end the permission: it is repeated later. Says whether there is one.
    pub(crate) fn keep_permission(&mut self, now: Instant, peer: IpAddr) -> bool {
        let ready = self.permission(peer) == Some(Permission::Ready);
        if ready {
            self.permission_deadlines.set(peer, Some(now + UNANSWERED_REFRESH));
        }
        ready
    }

    /// The same for a channel.
    pub(crate) fn keep_channel(&mut self, now: Instant, peer: SocketAddr) -> bool {
        let bound = self.bound_channel(&peer).is_some();
        if bound {
            self.channel_deadlines.set(peer, Some(now + UNANSWERED_REFRESH));
        }
        bound
    }

    /// The permissions that wait for the allocation.
    pub(crate) fn wanted(&self) -> Vec<IpAddr> {
        let wanted = self.permissions.iter().filter(|(_, state)| **state == Permission::Wanted);
        wanted.map(|(peer, _)| *peer).collect()
    }

    /// The channel that data to this peer can use.
    pub(crate) fn bound_channel(&self, peer: &SocketAddr) -> Option<Channel> {
        self.channels.get(peer).filter(|entry| entry.binding == Binding::Bound).map(|entry| entry.channel)
    }

    /// Whose channel this is.
    pub(crate) fn owner(&self, channel: Channel) -> Option<SocketAddr> {
        self.owners.get(channel.index()).copied().flatten()
    }

    /// A channel to request for this peer; `None` when it has one, was refused one, or all are in use.
    pub(crate) fn open_channel(&mut self, peer: SocketAddr) -> Option<Channel> {
        if let Some(entry) = self.channels.get_mut(&peer) {
            if entry.binding != Binding::Idle {
                return None;
            }
            entry.binding = Binding::Requested;
            self.channel_deadlines.set(peer, None);
            return Some(entry.channel);
        }
        let channel = self.take_number()?;
        if let Some(owner) = self.owners.get_mut(channel.index()) {
            *owner = Some(peer);
        }
        self.channels.insert(peer, PeerChannel { channel, binding: Binding::Requested });
        Some(channel)
    }

    /// A number that nobody has: a new one as long as there are any, else one that has come free.
    fn take_number(&mut self) -> Option<Channel> {
        let index = u16::try_from(self.owners.len()).ok()?;
        match Channel::from_index(index) {
            Some(channel) => {
                self.owners.push(None);
                Some(channel)
            }
            None => self.free.pop(),
        }
    }

    /// A channel was bound or refreshed; says whether it is new.
    pub(crate) fn bound(&mut self, now: Instant, peer: SocketAddr) -> bool {
        let Some(entry) = self.channels.get_mut(&peer) else { return false };
        self.channel_deadlines.set(peer, Some(now + CHANNEL_REFRESH));
        core::mem::replace(&mut entry.binding, Binding::Bound) != Binding::Bound
    }

    /// A channel was not bound: data to the peer goes in indications until the number may be used again.
    pub(crate) fn refused(&mut self, now: Instant, peer: SocketAddr) {
        self.retire(now, peer, Binding::Refused);
    }

    fn retire(&mut self, now: Instant, peer: SocketAddr, binding: Binding) {
        if let Some(entry) = self.channels.get_mut(&peer) {
            entry.binding = binding;
            self.channel_deadlines.set(peer, Some(now + CHANNEL_QUARANTINE));
        }
    }

    /// The next thing to do at `now`, if any.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<Due> {
        if let Some(peer) = self.permission_deadlines.pop_due(now) {
            return Some(Due::Permission(peer));
        }
        while let Some(peer) = self.channel_deadlines.pop_due(now) {
            if let Some(channel) = self.channel_due(now, peer) {
                return Some(Due::Channel(peer, channel));
            }
        }
        None
    }

    fn channel_due(&mut self, now: Instant, peer: SocketAddr) -> Option<Channel> {
        let entry = self.channels.get(&peer)?;
        let channel = entry.channel;
        match entry.binding {
            Binding::Bound if self.permissions.contains_key(&peer.ip()) => return Some(channel),
            Binding::Bound => self.retire(now, peer, Binding::Idle),
            Binding::Idle | Binding::Refused => self.free_channel(peer, channel),
            Binding::Requested => (),
        }
        None
    }

    fn free_channel(&mut self, peer: SocketAddr, channel: Channel) {
        self.channels.remove(&peer);
        if let Some(owner) = self.owners.get_mut(channel.index()) {
            *owner = None;
        }
        self.free.push(channel);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        earliest(self.permission_deadlines.next(), self.channel_deadlines.next())
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn peer(number: u16) -> SocketAddr {
        format!("192.0.2.{}:{}", number / 256, 1000 + number).parse().unwrap()
    }

    #[test]
    fn channels_are_numbered_from_0x4000_until_none_is_left() {
        let mut peers = Peers::default();
        for number in 0..4096 {
            assert_eq!(peers.open_channel(peer(number)).map(Channel::number), Some(0x4000 + number));
        }
        assert_eq!(peers.open_channel(peer(4096)), None);
        assert_eq!(peers.open_channel(peer(0)), None, "it is requested already");
    }

    #[test]
    fn a_channel_without_permission_is_reused_for_its_peer_at_once_and_for_others_late() {
        let mut peers = Peers::default();
        let mut now = Instant::ZERO;
        let channel = peers.open_channel(peer(1));
        peers.bound(now, peer(1));
        now += CHANNEL_REFRESH;
        assert_eq!(peers.pop_due(now), None, "not refreshed, as the peer is not permitted");
        assert_eq!(peers.bound_channel(&peer(1)), None);
        assert_eq!(peers.open_channel(peer(1)), channel);
        peers.refused(now, peer(1));
        now += CHANNEL_QUARANTINE;
        assert_eq!(peers.pop_due(now), None);
        assert_eq!(peers.owner(channel.unwrap()), None);
        assert_eq!(peers.deadline(), None);
    }

    #[test]
    fn a_permission_is_due_a_minute_before_its_end() {
        let mut peers = Peers::default();
        peers.set_permission(peer(1).ip(), Permission::Requested);
        assert!(peers.grant(Instant::ZERO, peer(1).ip()));
        assert!(!peers.grant(Instant::ZERO, peer(1).ip()));
        let due = Instant::from_millis(240_000);
        assert_eq!(peers.deadline(), Some(due));
        assert_eq!(peers.pop_due(due), Some(Due::Permission(peer(1).ip())));
    }
}
