//! The data path, and where every datagram enters.

use super::{IceAgent, Up};
use crate::discard::Discard;
use crate::error::NoRoute;
use crate::pair::PairId;
use crate::route::Route;
use core::net::SocketAddr;
use core::time::Duration;
use sendrecv_core::{Instant, PacketBuf, Path, Transmit};
use sendrecv_stun::{Class, Message, Method, is_stun};

const IPV4_HEADER_LEN: usize = 20;
const IPV6_HEADER_LEN: usize = 40;
const UDP_HEADER_LEN: usize = 8;

impl IceAgent {
    /// Takes in a datagram that came over `path`.
    ///
    /// # Errors
    /// Why it had no effect. [`Discard::Unvalidated`] is data from where no check has come from.
    pub fn handle_datagram<'b>(
        &mut self,
        now: Instant,
        path: Path,
        data: &'b mut [u8],
    ) -> Result<Up<'b>, Discard> {
        let now = self.clock.advance(now);
        let up = if self.belongs_to_relay(&path, data) {
            self.handle_relayed(now, path, data)
        } else if self.closed {
            Err(Discard::Closed)
        } else {
            self.receive(now, Route::Direct(path), data)
        };
        if let Err(reason) = &up {
            self.discard(*reason);
        }
        up
    }

    /// Takes in a datagram without the relay's header.
    pub(super) fn receive<'b>(
        &mut self,
        now: Instant,
        route: Route,
        data: &'b mut [u8],
    ) -> Result<Up<'b>, Discard> {
        if is_stun(data) {
            self.handle_stun(now, route, data)?;
            self.react(now);
            return Ok(Up::Consumed);
        }
        let id = self.validated(&route).ok_or(Discard::Unvalidated)?;
        if let Some(pair) = self.list.get_mut(id) {
            pair.received(now, data.len());
        }
        Ok(Up::Data { route, data })
    }

    /// The pair with this route, if the peer has proved to be at its other end.
    fn validated(&self, route: &Route) -> Option<PairId> {
        let proved = |id: &PairId| self.list.get(*id).is_some_and(|pair| pair.authenticated && !pair.revoked);
        let known = self.list.by_route(route).filter(proved);
        let in_use = |id: &PairId| self.list.get(*id).is_some_and(|pair| pair.route == Some(*route));
        known.or_else(|| self.selected.filter(in_use)).or_else(|| self.retired.filter(in_use))
    }

    fn handle_stun(&mut self, now: Instant, route: Route, data: &[u8]) -> Result<(), Discard> {
        let message = Message::parse(data).map_err(|_| Discard::Malformed)?;
        if message.has(sendrecv_stun::attribute::AttributeType::FINGERPRINT)
            && message.verify_fingerprint().is_err()
        {
            return Err(Discard::Malformed);
        }
        if message.method() != Method::BINDING {
            return Err(Discard::Unexpected);
        }
        match message.class() {
            Class::Request => self.handle_request(now, route, &message),
            Class::Success | Class::Error => self.handle_response(now, route, &message),
            // A keepalive. It proves nothing, and asks for nothing.
            Class::Indication => Ok(()),
        }
    }

    /// Sends what is in `packet` over the pair in use or, before one is nominated, over the best that works: puts the
    /// relay's header in front, if any, and says where it goes.
    ///
    /// # Errors
    /// [`NoRoute`], when there is nothing to send it over, or no headroom of [`DATA_HEADROOM`](crate::DATA_HEADROOM).
    pub fn send_data(&mut self, now: Instant, packet: &mut PacketBuf<'_>) -> Result<Transmit, NoRoute> {
        let now = self.clock.advance(now);
        let id = self.data_pair().filter(|_| !self.consent.held).ok_or(NoRoute::NotConnected)?;
        let pair = self.list.get_mut(id).ok_or(NoRoute::NotConnected)?;
        let bytes = packet.len();
        let transmit = match pair.route.ok_or(NoRoute::NotConnected)? {
            Route::Direct(path) => Ok(Transmit::to(path)),
            Route::Relayed { relay, peer } => self.wrap_data(now, relay, peer, packet),
        };
        if let Some(pair) = self.list.get_mut(id) {
            match transmit {
                Ok(_) => pair.sent(now, bytes),
                Err(_) => pair.dropped(bytes),
            }
        }
        transmit
    }

    /// Whether [`send_data`](Self::send_data) has a pair: one in use, or one that works and waits to be nominated.
    pub fn can_send_data(&self) -> bool {
        self.data_pair().is_some() && !self.consent.held
    }

    /// The pair that data takes. It need not wait for the first nomination (RFC 8445, section 12.1); pairs that work but are
    /// not selected afterwards have no consent (RFC 7675).
    pub(super) fn data_pair(&self) -> Option<PairId> {
        let first = || self.list.best_valid().filter(|_| !self.was_selected);
        self.selected.or_else(first)
    }

    /// Round-trip time of the pair that data takes, as its last answered check showed.
    pub fn rtt(&self) -> Option<Duration> {
        self.list.get(self.data_pair()?)?.counters.current_round_trip_time
    }

    /// Bytes that the pair that data takes puts in front of (and, over relays, behind) a packet; IP and UDP headers are not
    /// among them.
    pub fn path_mtu_overhead(&self) -> usize {
        match self.data_pair().and_then(|id| self.list.get(id)).and_then(|pair| pair.route) {
            Some(Route::Relayed { relay, peer }) => self.relay_overhead(relay, peer),
            Some(Route::Direct(path)) if path.protocol != sendrecv_core::Protocol::Udp => {
                crate::framing::HEADER_LEN
            }
            _ => 0,
        }
    }

    /// The longest data in bytes that fits IP packets of `ip_packet` bytes everywhere between us, a relay and the peer, on
    /// the pair that data takes. `None` where the size of what arrives tells nothing of the path: over streams, and from
    /// sockets that [may fragment](crate::LocalSocket::dont_fragment).
    pub fn max_data_len(&self, ip_packet: usize) -> Option<usize> {
        let pair = self.list.get(self.data_pair()?)?;
        let (owner, first, relayed) = match pair.route? {
            Route::Direct(path) => (pair.base, path.remote, None),
            Route::Relayed { relay, peer } => {
                let (owner, server) = self.datagrams_to_relay(relay)?;
                (owner, server, Some((self.relay_overhead(relay, peer), peer)))
            }
        };
        let ours = self.bases.get(&owner).filter(|base| base.keeps_datagrams_whole());
        let room = ip_packet.saturating_sub(headers_towards(first));
        ours.map(|_| match relayed {
            None => room,
            // Data in indications is padded to four bytes.
            Some((overhead, peer)) => {
                (room.saturating_sub(overhead) & !3).min(ip_packet.saturating_sub(headers_towards(peer)))
            }
        })
    }
}

/// Bytes of the IP and UDP headers of a packet to this address.
const fn headers_towards(address: SocketAddr) -> usize {
    if address.is_ipv4() { IPV4_HEADER_LEN + UDP_HEADER_LEN } else { IPV6_HEADER_LEN + UDP_HEADER_LEN }
}
