//! Telling the peers of one socket apart.

use super::PacketKind;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use core::net::SocketAddr;
use sendrecv_stun::attribute::Username;
use sendrecv_stun::{Class, Message, Method};

/// Remote addresses remembered for each peer: those of a peer that roams, or answers checks from several.
const MAX_ADDRESSES: usize = 16;
/// User fragments remembered for each peer: the present generation's, and the one before while its pair is in use.
const MAX_UFRAGS: usize = 2;

/// Finds the connection that a datagram is for, among thousands that share one socket.
///
/// A connectivity check names the connection it is for: its USERNAME begins with the user fragment that the connection
/// gave in its description (RFC 8445, section 7.2.2). Everything else is known by the address it comes from, which is
/// learnt from checks, and only from those that the connection accepted: they carry proof of its password. So nobody
/// can take another's datagrams by sending first, and what is remembered of each peer is bounded. Every step takes
/// time logarithmic in the number of peers. `K` is whatever the host calls its connections by.
///
/// One `Demux` serves one socket, and its peers have a remote address each: two connections between the same two
/// sockets cannot be told apart. The host's part:
///
/// 1. [`add_ufrag`](Self::add_ufrag) with [`PeerConnection::local_ufrag`](crate::PeerConnection::local_ufrag) whenever
///    a local description was set,
/// 2. for each datagram [`route`](Self::route), then that connection's
///    [`handle_datagram`](crate::PeerConnection::handle_datagram),
/// 3. [`accepted`](Self::accepted) if it had an effect,
/// 4. [`remove`](Self::remove) when the connection is gone.
///
/// The example `one_socket` is a whole host of this kind.
#[derive(Clone, Debug)]
pub struct Demux<K> {
    by_ufrag: BTreeMap<String, K>,
    by_address: BTreeMap<SocketAddr, K>,
    peers: BTreeMap<K, Known>,
}

/// What is remembered of one peer, oldest first.
#[derive(Clone, Debug, Default)]
struct Known {
    ufrags: VecDeque<String>,
    addresses: VecDeque<SocketAddr>,
}

impl<K: Copy + Ord> Default for Demux<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Copy + Ord> Demux<K> {
    /// Knows nobody.
    pub const fn new() -> Self {
        Self { by_ufrag: BTreeMap::new(), by_address: BTreeMap::new(), peers: BTreeMap::new() }
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Checks for `ufrag` are for connection `key` from now on; its last two user fragments count. Adding one again does
    /// nothing. `false` when another connection has it, which changes nothing: random ones never meet.
    pub fn add_ufrag(&mut self, key: K, ufrag: &str) -> bool {
        if let Some(owner) = self.by_ufrag.get(ufrag) {
            return *owner == key;
        }
        self.by_ufrag.insert(ufrag.into(), key);
        let known = self.peers.entry(key).or_default();
        known.ufrags.push_back(ufrag.into());
        if known.ufrags.len() > MAX_UFRAGS
            && let Some(old) = known.ufrags.pop_front()
        {
            self.by_ufrag.remove(&old);
        }
        true
    }

    /// The connection that a datagram from `remote` is for. `None`: nobody's, drop it.
    pub fn route(&self, remote: SocketAddr, datagram: &[u8]) -> Option<K> {
        // A check may come from an address that was another peer's before, behind a NAT for example.
        let named = check_ufrag(datagram).and_then(|ufrag| self.by_ufrag.get(ufrag));
        named.or_else(|| self.by_address.get(&remote)).copied()
    }

    /// Connection `key` took a datagram from `remote`: the next ones from there are for it. The last 16 addresses of
    /// each connection count.
    pub fn accepted(&mut self, key: K, remote: SocketAddr) {
        if self.by_address.get(&remote) == Some(&key) {
            return;
        }
        let Some(known) = self.peers.get_mut(&key) else { return };
        known.addresses.push_back(remote);
        let forgotten =
            if known.addresses.len() > MAX_ADDRESSES { known.addresses.pop_front() } else { None };
        if let Some(forgotten) = forgotten {
            self.by_address.remove(&forgotten);
        }
        if let Some(before) = self.by_address.insert(remote, key)
            && let Some(known) = self.peers.get_mut(&before)
        {
            known.addresses.retain(|address| *address != remote);
        }
    }

    /// Forgets a connection.
    pub fn remove(&mut self, key: K) {
        let Some(known) = self.peers.remove(&key) else { return };
        for ufrag in &known.ufrags {
            self.by_ufrag.remove(ufrag);
        }
        for address in &known.addresses {
            self.by_address.remove(address);
        }
    }
}

/// The user fragment of whom a connectivity check is for.
fn check_ufrag(datagram: &[u8]) -> Option<&str> {
    if PacketKind::of(datagram) != PacketKind::Stun {
        return None;
    }
    let message = Message::parse(datagram).ok()?;
    if message.class() != Class::Request || message.method() != Method::BINDING {
        return None;
    }
    let Username(name) = message.attribute()?;
    name.split_once(':').map(|(ours, _)| ours)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;
    use sendrecv_stun::{MessageBuilder, TransactionId};

    fn address(number: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], number))
    }

    fn check(username: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut builder =
            MessageBuilder::new(&mut bytes, Class::Request, Method::BINDING, TransactionId([7; 12])).unwrap();
        builder.attribute(&Username(username)).unwrap();
        bytes
    }

    fn two() -> Demux<u32> {
        let mut demux = Demux::new();
        assert!(demux.add_ufrag(1, "aaaa") && demux.add_ufrag(2, "bbbb"));
        demux
    }

    #[test]
    fn checks_go_by_their_username_and_the_rest_by_its_address() {
        let mut demux = two();
        assert_eq!(demux.route(address(1), &check("bbbb:theirs")), Some(2));
        assert_eq!(demux.route(address(1), &[22, 254, 253]), None, "nothing is learnt before it is accepted");
        demux.accepted(2, address(1));
        assert_eq!(demux.route(address(1), &[22, 254, 253]), Some(2));
        assert_eq!(demux.route(address(2), &[22, 254, 253]), None);
        assert_eq!(demux.route(address(2), &check("cccc:theirs")), None);
    }

    #[test]
    fn an_address_changes_hands_when_the_other_connection_accepts_it() {
        let mut demux = two();
        demux.accepted(1, address(1));
        assert_eq!(demux.route(address(1), &check("bbbb:x")), Some(2));
        assert_eq!(demux.route(address(1), &[128]), Some(1));
        demux.accepted(2, address(1));
        assert_eq!(demux.route(address(1), &[128]), Some(2));
        demux.remove(1);
        assert_eq!(demux.route(address(1), &[128]), Some(2), "it is not the first one's any more");
        demux.remove(2);
        assert!(demux.is_empty() && demux.by_address.is_empty() && demux.by_ufrag.is_empty());
    }

    #[test]
    fn what_is_remembered_of_a_peer_is_bounded() {
        let mut demux = two();
        for number in 0..1000 {
            demux.accepted(1, address(number));
            demux.add_ufrag(1, &format!("ufrag{number}"));
        }
        assert_eq!((demux.by_address.len(), demux.by_ufrag.len()), (MAX_ADDRESSES, MAX_UFRAGS + 1));
        assert_eq!(demux.route(address(999), &[128]), Some(1));
        assert_eq!(demux.route(address(0), &[128]), None);
        assert_eq!(demux.route(address(0), &check("ufrag998:x")), Some(1));
        assert_eq!(demux.route(address(0), &check("ufrag997:x")), None);
    }

    #[test]
    fn a_user_fragment_belongs_to_whom_had_it_first() {
        let mut demux = two();
        assert!(demux.add_ufrag(1, "aaaa"), "again");
        assert!(!demux.add_ufrag(2, "aaaa"));
        assert_eq!(demux.route(address(1), &check("aaaa:x")), Some(1));
        demux.accepted(3, address(1));
        assert_eq!(demux.route(address(1), &[128]), None, "unknown connections learn nothing");
        assert_eq!(demux.len(), 2);
    }

    #[test]
    fn only_binding_requests_with_a_username_of_two_parts_are_checks() {
        let demux = two();
        let mut response = check("aaaa:x");
        response[0] |= 1;
        for datagram in [&response[..], &check("aaaa"), &check("aaaa:x")[..20], &[0], &[]] {
            assert_eq!(demux.route(address(1), datagram), None);
        }
    }
}
