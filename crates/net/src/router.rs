//! Whom a datagram is for.

use crate::peer_id::PeerId;
use sendrecv::Demux;
use sendrecv_core::{Path, Protocol};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

/// Questions remembered whose answers would not find their way back otherwise.
const MAX_QUESTIONS: usize = 4096;

/// How a successful response to Allocate begins (RFC 8656, section 17).
const ALLOCATED: [u8; 2] = [0x01, 0x03];

/// A host's sockets have one peer, or peers that are told apart by [`Demux`].
pub(crate) enum Router {
    /// Everything is for the only peer, once there is one.
    Alone(Option<PeerId>),
    /// By socket.
    Shared(Shared),
}

#[derive(Default)]
pub(crate) struct Shared {
    sockets: BTreeMap<(Protocol, SocketAddr), Demux<PeerId>>,
    /// Who has which user fragment, for sockets to come.
    ufrags: BTreeMap<PeerId, String>,
    questions: BTreeMap<Question, PeerId>,
    order: VecDeque<Question>,
}

/// A STUN transaction id.
type Question = [u8; 12];

impl Router {
    /// The peer that a datagram is for; `None`: nobody's.
    pub(crate) fn route(&self, path: &Path, datagram: &[u8]) -> Option<PeerId> {
        match self {
            Self::Alone(peer) => *peer,
            Self::Shared(shared) => {
                let demux = shared.sockets.get(&(path.protocol, path.local))?;
                // Many ask the same server.
                shared.whose_answer(datagram).or_else(|| demux.route(path.remote, datagram))
            }
        }
    }

    /// Whether a datagram that has an effect shows that the next ones from there are for the same peer. Answers of a server
    /// that others ask, too, do not, but for that which makes an allocation: it has one for this socket, and its data comes
    /// from the same address.
    pub(crate) fn tells_whose(&self, path: &Path, datagram: &[u8]) -> bool {
        match self {
            Self::Alone(_) => false,
            Self::Shared(shared) => {
                let demux = shared.sockets.get(&(path.protocol, path.local));
                let is_known = || demux.is_some_and(|demux| demux.route(path.remote, &[]).is_some());
                shared.whose_answer(datagram).is_none() || datagram.starts_with(&ALLOCATED) || !is_known()
            }
        }
    }

    /// A datagram from there had an effect on `peer`.
    pub(crate) fn accepted(&mut self, peer: PeerId, path: &Path) {
        if let Self::Shared(shared) = self
            && let Some(demux) = shared.sockets.get_mut(&(path.protocol, path.local))
        {
            demux.accepted(peer, path.remote);
        }
    }

    /// `peer` sends this.
    pub(crate) fn sends(&mut self, peer: PeerId, path: &Path, content: &[u8]) {
        if let Self::Shared(shared) = self {
            shared.sends(peer, path, content);
        }
    }

    /// The user fragment of `peer`, whenever it may have changed.
    pub(crate) fn is_called(&mut self, peer: PeerId, ufrag: &str) {
        match self {
            Self::Alone(alone) => *alone = Some(peer),
            Self::Shared(shared) => {
                let known = shared.ufrags.entry(peer).or_default();
                if known != ufrag {
                    ufrag.clone_into(known);
                    for demux in shared.sockets.values_mut() {
                        demux.add_ufrag(peer, ufrag);
                    }
                }
            }
        }
    }

    /// There is another socket.
    pub(crate) fn add_socket(&mut self, protocol: Protocol, local: SocketAddr) {
        if let Self::Shared(shared) = self {
            let mut demux = Demux::new();
            for (peer, ufrag) in &shared.ufrags {
                demux.add_ufrag(*peer, ufrag);
            }
            shared.sockets.insert((protocol, local), demux);
        }
    }

    /// A socket is gone.
    pub(crate) fn remove_socket(&mut self, protocol: Protocol, local: SocketAddr) {
        if let Self::Shared(shared) = self {
            shared.sockets.remove(&(protocol, local));
        }
    }

    /// A peer is gone.
    pub(crate) fn remove(&mut self, peer: PeerId) {
        match self {
            Self::Alone(alone) => *alone = None,
            Self::Shared(shared) => {
                shared.ufrags.remove(&peer);
                for demux in shared.sockets.values_mut() {
                    demux.remove(peer);
                }
            }
        }
    }
}

impl Shared {
    fn whose_answer(&self, datagram: &[u8]) -> Option<PeerId> {
        // The class of a response has its upper bit set (RFC 8489, section 5).
        let question =
            stun_transaction(datagram).filter(|_| datagram.first().is_some_and(|byte| byte & 1 == 1));
        question.and_then(|question| self.questions.get(&question)).copied()
    }

    /// Answers come from where the question went; only if datagrams from there are not known to be for `peer`, the
    /// question is remembered: it is to a STUN server, or the first one to another peer.
    fn sends(&mut self, peer: PeerId, path: &Path, content: &[u8]) {
        let Some(question) = stun_transaction(content) else { return };
        let Some(demux) = self.sockets.get(&(path.protocol, path.local)) else { return };
        if demux.route(path.remote, content) == Some(peer) {
            return;
        }
        if self.questions.insert(question, peer).is_none() {
            self.order.push_back(question);
        }
        if self.order.len() > MAX_QUESTIONS
            && let Some(old) = self.order.pop_front()
        {
            self.questions.remove(&old);
        }
    }
}

/// The transaction id of what looks like a STUN message (RFC 8489, section 5).
fn stun_transaction(datagram: &[u8]) -> Option<Question> {
    let is_stun = datagram.first().is_some_and(|byte| *byte < 4)
        && datagram.get(4..8) == Some(&[0x21, 0x12, 0xa4, 0x42]);
    datagram.get(8..20).filter(|_| is_stun)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1000);

    fn path(port: u16) -> Path {
        Path::udp(LOCAL, ([10, 0, 0, 1], port).into())
    }

    fn stun(class: u8, id: u32) -> Vec<u8> {
        let mut message = vec![class, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0];
        message.extend(id.to_be_bytes());
        message
    }

    fn shared() -> Router {
        let mut router = Router::Shared(Shared::default());
        router.add_socket(Protocol::Udp, LOCAL);
        router.is_called(PeerId(1), "aaaa");
        router.is_called(PeerId(2), "bbbb");
        router
    }

    #[test]
    fn a_socket_with_one_peer_needs_no_routing() {
        let mut router = Router::Alone(None);
        assert_eq!(router.route(&path(1), b"x"), None);
        router.is_called(PeerId(7), "any");
        assert_eq!(router.route(&path(1), b"x"), Some(PeerId(7)));
    }

    #[test]
    fn answers_find_who_asked_and_only_answers_do() {
        let mut router = shared();
        router.sends(PeerId(2), &path(1), &stun(0, 77));
        assert_eq!(router.route(&path(1), &stun(1, 77)), Some(PeerId(2)));
        assert_eq!(router.route(&path(1), &stun(0, 77)), None, "a question with the same number");
        assert_eq!(router.route(&path(1), &stun(1, 78)), None);
    }

    #[test]
    fn many_ask_the_same_server_and_only_an_allocation_has_what_else_comes_from_there() {
        let mut router = shared();
        let response = |method: u8, id| [&[1, method][..], &stun(1, id)[2..]].concat();
        for (peer, method, id, owner) in [(1, 1, 10, 1), (2, 3, 20, 2), (1, 3, 30, 1), (2, 1, 40, 1)] {
            router.sends(PeerId(peer), &path(1), &stun(0, id));
            let answer = response(method, id);
            assert_eq!(router.route(&path(1), &answer), Some(PeerId(peer)));
            if router.tells_whose(&path(1), &answer) {
                router.accepted(PeerId(peer), &path(1));
            }
            assert_eq!(router.route(&path(1), &[0x40, 0, 0, 0]), Some(PeerId(owner)));
        }
    }

    #[test]
    fn questions_remembered_are_bounded() {
        let mut router = shared();
        for id in 0..10_000 {
            router.sends(PeerId(1), &path(1), &stun(0, id));
        }
        assert_eq!(router.route(&path(1), &stun(1, 9_999)), Some(PeerId(1)));
        assert_eq!(router.route(&path(1), &stun(1, 0)), None);
        let Router::Shared(shared) = &router else { panic!() };
        assert!(shared.questions.len() <= MAX_QUESTIONS);
    }

    #[test]
    fn a_question_forgotten_in_a_storm_is_known_again_when_it_is_repeated() {
        let mut router = shared();
        for id in (0..10_000).chain(0..3) {
            router.sends(PeerId(2), &path(1), &stun(0, id));
        }
        for id in 0..3 {
            assert_eq!(router.route(&path(1), &stun(1, id)), Some(PeerId(2)));
        }
        assert_eq!(router.route(&path(1), &stun(1, 3)), None, "this one was not repeated");
        let Router::Shared(shared) = &router else { panic!() };
        assert_eq!((shared.questions.len(), shared.order.len()), (MAX_QUESTIONS, MAX_QUESTIONS));
    }

    #[test]
    fn a_new_socket_knows_the_peers_that_are_there() {
        let mut router = shared();
        let local = SocketAddr::from(([192, 0, 2, 1], 5));
        router.add_socket(Protocol::Udp, local);
        router.accepted(PeerId(2), &Path { local, ..path(3) });
        assert_eq!(router.route(&Path { local, ..path(3) }, &[22]), Some(PeerId(2)));
        assert_eq!(router.route(&path(3), &[22]), None, "the other socket is another matter");
        router.remove_socket(Protocol::Udp, local);
        assert_eq!(router.route(&Path { local, ..path(3) }, &[22]), None);
    }
}
