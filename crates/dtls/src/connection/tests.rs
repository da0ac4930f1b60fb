//! What a peer that has the keys may not do either.

use super::*;
use crate::wire::fragment::HandshakeType;
use crate::{Certificate, ConnectionId, Failure};
use alloc::sync::Arc;
use sendrecv_core::Writer;
use sendrecv_crypto::{HashAlgorithm, NamedGroup, default_provider};

pub(super) const NOW: Instant = Instant::from_millis(1);

pub(super) fn carry(from: &mut Dtls, to: &mut Dtls) {
    let mut slab = [0; 1500];
    loop {
        let mut out = PacketBuf::new(&mut slab, 0, 0);
        if from.poll_transmit(NOW, &mut out).is_none() {
            return;
        }
        let _ = to.handle_datagram(NOW, out.finish()).map(Iterator::count);
    }
}

fn connected(version: Version) -> (Dtls, Dtls) {
    connected_with_ids(version, None)
}

/// Two ends that know each other's fingerprint and want this ID in what they receive, if any.
pub(super) fn ends(version: Version, id: Option<&[u8]>) -> (Dtls, Dtls) {
    let certificate = Certificate::generate(default_provider(), &Seed::from_u64(1), 0, 31).unwrap();
    let fingerprint = certificate.fingerprint(default_provider(), HashAlgorithm::Sha256).unwrap();
    let mut config = Config::new(default_provider(), Arc::new(certificate));
    (config.min_version, config.max_version) = (version, version);
    config.connection_id = id.and_then(ConnectionId::new);
    config.groups = alloc::vec![NamedGroup::X25519];
    let end = |role, seed| {
        let mut dtls = Dtls::new(config.clone(), role, &Seed::from_u64(seed), NOW);
        dtls.set_remote_fingerprints(NOW, alloc::vec![fingerprint.clone()]);
        dtls
    };
    (end(Role::Client, 1), end(Role::Server, 2))
}

fn connected_with_ids(version: Version, id: Option<&[u8]>) -> (Dtls, Dtls) {
    let (mut client, mut server) = ends(version, id);
    for _ in 0..3 {
        carry(&mut client, &mut server);
        carry(&mut server, &mut client);
    }
    assert_eq!((client.state(), server.state()), (ConnectionState::Connected, ConnectionState::Connected));
    (client, server)
}

/// Lets one end send a handshake message that it would not send by itself.
fn send(from: &mut Dtls, to: &mut Dtls, kind: HandshakeType, body: &[u8]) {
    let epoch = from.session.records.write_epoch(true);
    from.session.begin_flight(false);
    from.session.send(epoch, kind, body.to_vec());
    carry(from, to);
}

fn sealed(from: &mut Dtls) -> Vec<u8> {
    let mut slab = [0; 100];
    let mut packet = PacketBuf::new(&mut slab, crate::HEADROOM, crate::TAILROOM);
    packet.put(b"data").unwrap();
    from.seal(NOW, &mut packet).unwrap();
    packet.finish().to_vec()
}

#[test]
fn records_of_an_old_key_are_read_as_long_as_they_may_be_late() {
    let (mut client, mut server) = connected(Version::Dtls13);
    let (mut late, mut too_late) = (sealed(&mut client), sealed(&mut client));
    client.update_key(NOW);
    carry(&mut client, &mut server);
    carry(&mut server, &mut client);
    let mut new = sealed(&mut client);
    assert_eq!(server.handle_datagram(NOW, &mut new).map(Iterator::count), Ok(1));
    assert_eq!(server.handle_datagram(NOW, &mut late).map(Iterator::count), Ok(1));
    let end = NOW + MAX_LIFETIME;
    assert_eq!(server.poll_timeout(), Some(end));
    server.handle_timeout(end);
    assert_eq!(server.handle_datagram(end, &mut too_late).err(), Some(Discard::UnknownEpoch));
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn a_server_answers_late_flights_only_so_long_and_a_client_never() {
    for version in [Version::Dtls12, Version::Dtls13] {
        let (client, mut server) = connected(version);
        assert_eq!(client.poll_timeout(), None, "all of its flight is answered");
        let end = NOW + LINGER;
        assert_eq!(server.poll_timeout(), Some(end));
        assert_eq!(server.session.flight.is_empty(), version == Version::Dtls13);
        server.handle_timeout(end);
        assert!(server.session.flight.is_empty());
        assert_eq!(server.poll_timeout(), None);
        assert_eq!(
            (client.state(), server.state()),
            (ConnectionState::Connected, ConnectionState::Connected)
        );
    }
}

#[test]
fn renegotiation_is_refused_and_the_connection_goes_on() {
    let (mut client, mut server) = connected(Version::Dtls12);
    for _ in 0..3 {
        send(&mut client, &mut server, HandshakeType::CLIENT_HELLO, &[0; 50]);
    }
    assert_eq!(server.stats().discards.get(Discard::Renegotiation), 3);
    assert_eq!(server.pending_alert, Some(Alert::warning(AlertDescription::NoRenegotiation)));
    carry(&mut server, &mut client);
    send(&mut server, &mut client, HandshakeType::HELLO_REQUEST, &[]);
    assert_eq!(client.stats().discards.get(Discard::Renegotiation), 1);
    // OpenSSL counts messages from zero again.
    client.session.begin_flight(false);
    client.session.flight.push(1, HandshakeType::CLIENT_HELLO, 0, alloc::vec![0; 50]);
    carry(&mut client, &mut server);
    assert_eq!((server.stats().discards.get(Discard::Renegotiation), server.stats().retransmissions), (4, 0));
    assert_eq!((client.state(), server.state()), (ConnectionState::Connected, ConnectionState::Connected));
}

#[test]
fn tickets_are_acknowledged_and_forgotten() {
    let (mut client, mut server) = connected(Version::Dtls13);
    send(&mut server, &mut client, HandshakeType::NEW_SESSION_TICKET, &[0; 50]);
    assert!(!server.session.flight.is_empty());
    carry(&mut client, &mut server);
    assert!(server.session.flight.is_empty(), "acknowledged");
    assert_eq!(client.state(), ConnectionState::Connected);
}

#[test]
fn other_messages_after_the_handshake_end_it() {
    for kind in
        [HandshakeType::CERTIFICATE_REQUEST, HandshakeType::NEW_CONNECTION_ID, HandshakeType::CLIENT_HELLO]
    {
        let (mut client, mut server) = connected(Version::Dtls13);
        send(&mut server, &mut client, kind, &[0; 50]);
        assert_eq!(client.close_reason(), Some(CloseReason::Failed(Failure::UnexpectedMessage(kind))));
    }
}

#[test]
fn a_second_request_for_connection_ids_before_an_answer_ends_the_connection() {
    let (mut client, mut server) = connected_with_ids(Version::Dtls13, Some(b"id"));
    send(&mut client, &mut server, HandshakeType::REQUEST_CONNECTION_ID, &[2]);
    assert_eq!((server.requested_connection_ids(), server.close_reason()), (Some(2), None));
    send(&mut client, &mut server, HandshakeType::REQUEST_CONNECTION_ID, &[200]);
    assert_eq!(server.close_reason(), Some(CloseReason::Failed(Failure::TooManyConnectionIds)));
    carry(&mut server, &mut client);
    assert_eq!(client.close_reason(), Some(CloseReason::Alert(AlertDescription::TooManyCidsRequested)));
}

#[test]
fn who_wants_no_connection_id_may_not_talk_about_them() {
    for (kind, body) in [
        (HandshakeType::REQUEST_CONNECTION_ID, &[1][..]),
        (HandshakeType::NEW_CONNECTION_ID, &[0, 2, 1, 7, 1]),
    ] {
        let (mut client, mut server) = connected_with_ids(Version::Dtls13, Some(b""));
        send(&mut client, &mut server, kind, body);
        assert_eq!(server.close_reason(), Some(CloseReason::Failed(Failure::UnexpectedMessage(kind))));
    }
}

#[test]
fn malformed_messages_about_connection_ids_end_the_connection() {
    for (kind, body) in [
        (HandshakeType::REQUEST_CONNECTION_ID, &[][..]),
        (HandshakeType::NEW_CONNECTION_ID, &[0, 0, 0]),
        (HandshakeType::NEW_CONNECTION_ID, &[0, 1, 0, 1]),
        (HandshakeType::NEW_CONNECTION_ID, &[0, 9, 1, 7, 1]),
    ] {
        let (mut client, mut server) = connected_with_ids(Version::Dtls13, Some(b"id"));
        send(&mut client, &mut server, kind, body);
        assert!(
            matches!(server.close_reason(), Some(CloseReason::Failed(Failure::Decode(failed, _))) if failed == kind)
        );
    }
}
