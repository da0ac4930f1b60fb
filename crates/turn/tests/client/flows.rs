//! What happens, flow by flow.

use crate::server::{Behaviour, Server, client_path};
use crate::world::{World, attributes, config, elsewhere};
use sendrecv_core::{Machine, PacketBuf, Protocol, Writer};
use sendrecv_stun::attribute::{
    AddressFamily, AttributeType, Data, Icmp, RequestedTransport, Software, XorPeerAddress,
};
use sendrecv_stun::{Class, Credentials, Message, MessageBuilder, Method, TransactionFailure, TransactionId};
use sendrecv_turn::{Discard, Event, Failure, Families, StreamFraming, UsageError};
use std::net::SocketAddr;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

fn peer() -> SocketAddr {
    "198.51.100.7:5000".parse().unwrap()
}

fn peer_v6() -> SocketAddr {
    "[2001:db8::7]:5000".parse().unwrap()
}

#[test]
fn an_allocation_takes_a_challenge_and_two_requests() {
    for modern in [false, true] {
        let mut world = World::new(config(Protocol::Udp), Behaviour { modern, ..Behaviour::default() });
        world.settle();
        assert_eq!(world.server.requests, [Method::ALLOCATE, Method::ALLOCATE]);
        let [Event::Allocated { relayed, other_relayed: None, mapped, lifetime }] = world.events[..] else {
            panic!("{:?}", world.events);
        };
        assert_eq!(world.client.relayed(), [relayed]);
        assert_eq!(mapped, Some(client_path(Protocol::Udp).local));
        assert_eq!(lifetime, Duration::from_secs(600));
    }
}

#[test]
fn the_first_request_is_bare_and_says_what_is_wanted() {
    let mut config = config(Protocol::Udp);
    config.software = Some("sendrecv".into());
    config.families = Families::Only(AddressFamily::V6);
    let request = World::new(config, Behaviour::default()).next_request().unwrap();
    let message = Message::parse(&request).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Request, Method::ALLOCATE));
    assert_eq!(message.attribute(), Some(RequestedTransport::UDP));
    assert_eq!(message.attribute(), Some(Software("sendrecv")));
    assert!(message.has(AttributeType::REQUESTED_ADDRESS_FAMILY));
    assert!(!message.has(AttributeType::USERNAME) && message.integrity().is_none());
}

#[test]
fn both_families_come_from_one_request() {
    let mut config = config(Protocol::Udp);
    config.families = Families::Both;
    let mut world = World::allocated_with(config.clone(), Behaviour::default());
    assert_eq!(world.client.relayed().len(), 2);
    for peer in [peer(), peer_v6()] {
        world.permit(peer);
        world.send(peer, b"hello").unwrap();
        assert_eq!(world.relayed.pop().map(|datagram| datagram.to), Some(peer));
    }

    let lacking = Behaviour { lacks: Some(AddressFamily::V6), ..Behaviour::default() };
    let mut world = World::allocated_with(config, lacking);
    assert_eq!(world.client.permit(world.now, peer_v6().ip()), Err(UsageError::FamilyMismatch));
}

#[test]
fn a_server_that_refuses_a_second_family_gives_one() {
    for code in [400, 420, 440] {
        let behaviour = Behaviour { refuses_second_family: Some(code), ..Behaviour::default() };
        let mut config = config(Protocol::Udp);
        config.families = Families::Both;
        let mut world = World::new(config, behaviour);
        world.settle();
        assert!(
            matches!(world.events[..], [Event::Allocated { other_relayed: None, .. }]),
            "{code}: {:?}",
            world.events
        );
    }
}

#[test]
fn a_family_that_the_server_lacks_is_a_failure() {
    let mut config = config(Protocol::Udp);
    config.families = Families::Only(AddressFamily::V6);
    let mut world = World::new(config, Behaviour { lacks: Some(AddressFamily::V6), ..Behaviour::default() });
    world.settle();
    assert_eq!(world.events, [Event::Failed(Failure::Refused(440))]);
}

#[test]
fn an_address_that_nobody_asked_for_is_given_back() {
    let mut config = config(Protocol::Udp);
    config.families = Families::Only(AddressFamily::V6);
    let mut world = World::new(config, Behaviour { ignores_family: true, ..Behaviour::default() });
    world.settle();
    assert_eq!(world.events, [Event::Failed(Failure::UnexpectedAddress)]);
    assert_eq!(world.server.allocations(), 0);
}

#[test]
fn lost_requests_are_repeated() {
    let mut world = World::new(config(Protocol::Udp), Behaviour::default());
    world.lose = 3;
    world.pass(Duration::from_secs(4));
    assert!(matches!(world.events[..], [Event::Allocated { .. }]));
    assert_eq!(world.sent, 5, "four for the challenge, one more");
}

#[test]
fn a_dead_server_is_noticed_after_the_last_repetition() {
    for (protocol, requests) in [(Protocol::Udp, 7), (Protocol::Tcp, 1)] {
        let mut world = World::new(config(protocol), Behaviour { dead: true, ..Behaviour::default() });
        world.pass(Duration::from_millis(39_499));
        assert_eq!((world.events.len(), world.sent), (0, requests));
        world.pass(Duration::from_millis(1));
        let failure = Failure::Unreachable(TransactionFailure::TimedOut);
        assert_eq!(world.events, [Event::Failed(failure)]);
        assert!(world.client.is_closed() && world.client.poll_timeout().is_none());
    }
}

#[test]
fn a_server_that_dies_later_is_noticed_by_the_next_refresh() {
    let mut world = World::allocated();
    world.server.behaviour.dead = true;
    world.pass(9 * MINUTE + Duration::from_secs(40));
    assert_eq!(world.events, [Event::Failed(Failure::Unreachable(TransactionFailure::TimedOut))]);
}

#[test]
fn a_server_that_dies_is_noticed_sooner_when_something_is_asked_of_it() {
    let mut world = World::allocated();
    world.server.behaviour.dead = true;
    world.client.permit(world.now, peer().ip()).unwrap();
    world.pass(Duration::from_secs(80));
    assert_eq!(
        world.events,
        [
            Event::PermissionRefused { peer: peer().ip(), code: None },
            Event::Failed(Failure::Unreachable(TransactionFailure::TimedOut)),
        ]
    );
}

#[test]
fn a_server_that_restarts_is_noticed_by_437() {
    let mut world = World::allocated();
    world.server.restart();
    world.pass(10 * MINUTE);
    assert_eq!(world.events, [Event::Failed(Failure::Mismatch)]);
}

#[test]
fn a_server_that_restarted_is_noticed_at_once_when_a_silent_peer_is_asked_about() {
    let mut world = World::allocated();
    world.permit(peer());
    world.server.restart();
    world.client.renew(world.now, peer());
    world.settle();
    assert_eq!(world.events, [Event::Failed(Failure::Mismatch)]);
}

#[test]
fn a_silent_peers_permission_and_channel_are_renewed_once_at_a_time() {
    let mut world = World::allocated();
    world.permit(peer());
    world.send(peer(), b"x").unwrap();
    world.settle();
    world.events.clear();
    world.server.requests.clear();
    for _ in 0..3 {
        world.client.renew(world.now, peer());
    }
    world.client.renew(world.now, peer_v6());
    world.settle();
    assert_eq!(world.server.requests, [Method::CREATE_PERMISSION, Method::CHANNEL_BIND]);
    assert_eq!(world.events, []);
}

#[test]
fn an_unanswered_renewal_costs_neither_permission_nor_channel() {
    let mut world = World::allocated();
    world.permit(peer());
    world.send(peer(), b"x").unwrap();
    world.settle();
    world.events.clear();
    world.server.behaviour.dead = true;
    world.client.renew(world.now, peer());
    world.pass(Duration::from_secs(40));
    world.server.behaviour.dead = false;
    world.pass(Duration::from_secs(10));
    assert_eq!(world.events, []);
    assert_eq!(world.send(peer(), b"x").unwrap().len(), 4 + 1, "the channel is still used");
}

#[test]
fn wrong_credentials_are_tried_once() {
    let mut config = config(Protocol::Udp);
    config.credentials = Credentials::new("user", "wrong");
    let mut world = World::new(config, Behaviour::default());
    world.settle();
    assert_eq!(world.server.requests.len(), 2);
    assert!(matches!(world.events[..], [Event::Failed(Failure::Unauthenticated(_))]), "{:?}", world.events);
}

#[test]
fn refusals_are_told_with_their_code_and_when_to_come_back() {
    for (code, retry) in [(486, Some(60)), (508, Some(60)), (403, None), (442, None), (400, None)] {
        let refuse = Some((Method::ALLOCATE, code));
        let mut world = World::new(config(Protocol::Udp), Behaviour { refuse, ..Behaviour::default() });
        world.settle();
        let [Event::Failed(failure)] = &world.events[..] else { panic!("{:?}", world.events) };
        assert_eq!(*failure, Failure::Refused(code));
        assert_eq!(failure.retry_after(), retry.map(Duration::from_secs));
    }
}

#[test]
fn a_5_tuple_in_use_needs_a_new_port() {
    let refuse = Some((Method::ALLOCATE, 437));
    let mut world = World::new(config(Protocol::Udp), Behaviour { refuse, ..Behaviour::default() });
    world.settle();
    assert_eq!(world.events, [Event::Failed(Failure::Mismatch)]);
}

#[test]
fn over_udp_a_redirection_is_followed() {
    let elsewhere: SocketAddr = "192.0.2.11:3478".parse().unwrap();
    let behaviour = Behaviour {
        refuse: Some((Method::ALLOCATE, 300)),
        alternate: Some(elsewhere),
        ..Behaviour::default()
    };
    let mut world = World::new(config(Protocol::Udp), behaviour.clone());
    world.settle();
    assert_eq!(world.events, [Event::Redirected(elsewhere)]);
    assert_eq!(world.client.server().remote, elsewhere);

    let mut there = World { server: Server::new(elsewhere, Behaviour::default()), ..world };
    there.pass(Duration::from_secs(1));
    assert!(matches!(there.events[..], [_, Event::Allocated { .. }]), "{:?}", there.events);

    let mut stream = World::new(config(Protocol::Tcp), behaviour);
    stream.settle();
    let failure = Failure::Redirected { server: elsewhere, domain: None };
    assert_eq!(stream.events, [Event::Failed(failure)]);
}

#[test]
fn a_redirection_in_a_circle_ends() {
    let behaviour = |alternate: &str| Behaviour {
        refuse: Some((Method::ALLOCATE, 300)),
        alternate: Some(alternate.parse().unwrap()),
        ..Behaviour::default()
    };
    let mut world = World::new(config(Protocol::Udp), behaviour("192.0.2.11:3478"));
    world.settle();
    let there = Server::new("192.0.2.11:3478".parse().unwrap(), behaviour("192.0.2.10:3478"));
    let mut there = World { server: there, ..world };
    there.pass(Duration::from_secs(1));
    assert_eq!(there.events.last(), Some(&Event::Failed(Failure::Refused(300))));
}

#[test]
fn an_idle_allocation_lives_for_hours_through_stale_nonces() {
    for modern in [false, true] {
        let behaviour =
            Behaviour { modern, nonce_lifetime: Duration::from_secs(900), ..Behaviour::default() };
        let mut world = World::allocated_with(config(Protocol::Udp), behaviour);
        world.permit(peer());
        world.send(peer(), b"binds a channel").unwrap();
        world.events.clear();
        world.pass(5 * HOUR);
        assert_eq!(world.events, []);
        assert_eq!(world.receive(peer(), b"still here"), Some(Ok((peer(), b"still here".to_vec()))));
    }
}

#[test]
fn a_server_that_finds_every_nonce_stale_is_given_up() {
    let mut world = World::new(
        config(Protocol::Udp),
        Behaviour { nonce_lifetime: Duration::ZERO, ..Behaviour::default() },
    );
    world.settle();
    assert_eq!(world.events, [Event::Failed(Failure::Refused(438))]);
    assert!(world.sent < 8);
}

#[test]
fn unsigned_or_wrongly_signed_success_does_not_count() {
    let mut world =
        World::new(config(Protocol::Udp), Behaviour { signs_wrongly: true, ..Behaviour::default() });
    let request = world.next_request().unwrap();
    let path = world.client.server();
    let mut challenge = world.server.handle_client(world.now, path.local, &request).unwrap();
    world.client.handle_datagram(world.now, path, &mut challenge.bytes).unwrap();
    let request = world.next_request().unwrap();
    let mut response = world.server.handle_client(world.now, path.local, &request).unwrap();
    let discarded = world.client.handle_datagram(world.now, path, &mut response.bytes);
    assert_eq!(discarded, Err(Discard::Unauthenticated));
    world.server.behaviour.dead = true;
    world.pass(MINUTE);
    assert_eq!(world.events, [Event::Failed(Failure::Unreachable(TransactionFailure::IntegrityViolated))]);
}

#[test]
fn data_goes_in_an_indication_first_and_then_on_a_channel() {
    let mut world = World::allocated();
    world.permit(peer());
    assert_eq!(world.client.overhead(peer()), 36);
    let first = world.send(peer(), b"first").unwrap();
    let message = Message::parse(&first).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Indication, Method::SEND));
    assert_eq!(message.attribute(), Some(XorPeerAddress(peer())));
    assert_eq!(message.attribute(), Some(Data(b"first")));
    assert_eq!(world.events, [Event::ChannelReady(peer())]);

    assert_eq!(world.client.overhead(peer()), 4);
    assert_eq!(world.send(peer(), b"second").unwrap(), b"\x40\x00\x00\x06second");
    let relayed: Vec<_> = world.relayed.iter().map(|datagram| &datagram.bytes[..]).collect();
    assert_eq!(relayed, [&b"first"[..], b"second"]);
    assert_eq!(world.relayed[0].from, world.client.relayed()[0]);
}

#[test]
fn an_indication_is_written_as_the_builder_would_write_it() {
    let mut config = config(Protocol::Udp);
    config.families = Families::Both;
    config.bind_channels = false;
    let mut world = World::allocated_with(config, Behaviour::default());
    for peer in [peer(), peer_v6()] {
        world.permit(peer);
        for data in (0..9).map(|len| vec![7; len]) {
            let sent = world.send(peer, &data).unwrap();
            let id = Message::parse(&sent).unwrap().transaction_id();
            let mut expected = Vec::new();
            let mut builder =
                MessageBuilder::new(&mut expected, Class::Indication, Method::SEND, id).unwrap();
            builder.attribute(&XorPeerAddress(peer)).unwrap().attribute(&Data(&data)).unwrap();
            assert_eq!(sent, expected);
        }
    }
    assert_eq!((world.relayed.len(), world.events.len()), (18, 0));
}

#[test]
fn data_on_a_channel_is_taken_before_its_binding_is_confirmed() {
    let mut world = World::allocated();
    world.permit(peer());
    world.client.bind_channel(world.now, peer()).unwrap();
    assert_eq!(world.feed(&mut b"\x40\x00\x00\x01x".to_vec()), Ok((peer(), b"x".to_vec())));
}

#[test]
fn data_comes_in_indications_and_on_channels() {
    let mut world = World::allocated();
    world.permit(peer());
    for channel in [false, true] {
        if channel {
            world.client.bind_channel(world.now, peer()).unwrap();
            world.settle();
        }
        assert_eq!(world.receive(peer(), b"hello"), Some(Ok((peer(), b"hello".to_vec()))));
        assert_eq!(world.receive(peer(), b""), Some(Ok((peer(), Vec::new()))));
    }
    let stats = world.client.stats();
    assert_eq!((stats.packets_received, stats.bytes_received), (4, 10));
}

#[test]
fn over_a_stream_channel_data_is_padded_and_the_framing_finds_it() {
    let mut world = World::allocated_with(config(Protocol::Tcp), Behaviour::default());
    world.permit(peer());
    world.send(peer(), b"binds").unwrap();
    let sent = world.send(peer(), b"hello").unwrap();
    assert_eq!(sent, b"\x40\x00\x00\x05hello\0\0\0");

    let mut framing = StreamFraming::default();
    assert_eq!(framing.push(&sent), 12);
    let frame = framing.next_frame().unwrap().unwrap();
    assert_eq!(world.feed(frame), Ok((peer(), b"hello".to_vec())));
}

#[test]
fn only_the_server_may_speak_and_only_of_permitted_peers() {
    let mut world = World::allocated();
    world.permit(peer());
    world.client.bind_channel(world.now, peer()).unwrap();
    world.settle();
    let mut data = b"\x40\x00\x00\x01x".to_vec();
    let strange = world.client.handle_datagram(world.now, elsewhere(), &mut data);
    assert_eq!(strange, Err(Discard::WrongPath));
    assert_eq!(world.feed(&mut b"\x40\x01\x00\x01x".to_vec()), Err(Discard::UnknownChannel));
    assert_eq!(world.feed(&mut b"\x40\x00\x00\x02x".to_vec()), Err(Discard::Malformed));
    world.client.revoke(world.now, peer().ip());
    assert_eq!(world.feed(&mut data), Err(Discard::NotPermitted));
    assert_eq!(world.send(peer(), b"x"), Err(UsageError::NotPermitted));
    assert_eq!(world.client.stats().discards.total(), 4);
}

#[test]
fn odd_forms_of_addresses_are_unmasked_or_refused() {
    let mut world = World::allocated();
    let permit = |world: &mut World, ip: &str| world.client.permit(world.now, ip.parse().unwrap());
    for refused in
        ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "::127.0.0.1", "::ffff:0.0.0.0"]
    {
        assert_eq!(permit(&mut world, refused), Err(UsageError::InvalidPeer), "{refused}");
    }
    permit(&mut world, "::ffff:198.51.100.7").unwrap();
    world.settle();
    assert_eq!(world.events, [Event::PermissionReady(peer().ip())]);
    let masked = "[::ffff:198.51.100.7]:5000".parse().unwrap();
    world.send(masked, b"x").unwrap();
    assert_eq!(world.relayed[0].to, peer());
}

#[test]
fn wishes_from_before_the_allocation_are_granted_after_it() {
    let mut world = World::new(config(Protocol::Udp), Behaviour::default());
    world.client.permit(world.now, peer().ip()).unwrap();
    world.client.permit(world.now, peer_v6().ip()).unwrap();
    world.settle();
    assert_eq!(
        world.events[1..],
        [
            Event::PermissionRefused { peer: peer_v6().ip(), code: Some(443) },
            Event::PermissionReady(peer().ip()),
        ]
    );
}

#[test]
fn a_forbidden_peer_is_refused_and_the_others_go_on() {
    let mut world = World::allocated();
    world.permit(peer());
    world.server.behaviour.refuse = Some((Method::CREATE_PERMISSION, 403));
    let other = "198.51.100.8".parse().unwrap();
    world.client.permit(world.now, other).unwrap();
    world.settle();
    assert_eq!(world.events, [Event::PermissionRefused { peer: other, code: Some(403) }]);
    world.send(peer(), b"x").unwrap();
    assert_eq!(world.relayed.len(), 1);
}

#[test]
fn without_channels_data_keeps_going_in_indications() {
    let mut world = World::allocated();
    world.server.behaviour.refuse = Some((Method::CHANNEL_BIND, 508));
    world.permit(peer());
    for _ in 0..3 {
        world.send(peer(), b"x").unwrap();
    }
    assert_eq!((world.relayed.len(), world.client.stats().indications_sent), (3, 3));
    assert_eq!(world.server.requests.iter().filter(|method| **method == Method::CHANNEL_BIND).count(), 1);
}

#[test]
fn thousands_of_peers_cost_one_request_each() {
    let mut config = config(Protocol::Udp);
    config.max_permissions = 5000;
    let mut world = World::allocated_with(config, Behaviour::default());
    for number in 0..5000u32 {
        let ip = (0xc633_0000 + number).to_be_bytes().into();
        world.client.permit(world.now, ip).unwrap();
        world.settle();
        world.send(SocketAddr::new(ip, 9), b"x").unwrap();
    }
    assert_eq!((world.relayed.len(), world.client.stats().indications_sent), (5000, 5000));
    assert_eq!(world.server.requests.len(), 2 + 5000 + 4096, "there are 4096 channels");
    let one_more = world.client.permit(world.now, peer().ip());
    assert_eq!(one_more, Err(UsageError::TooManyPermissions));
}

#[test]
fn release_deletes_the_allocation_on_the_server() {
    let mut world = World::allocated();
    world.client.release(world.now);
    assert_eq!(world.send(peer(), b"x"), Err(UsageError::Closed));
    world.settle();
    assert_eq!((world.server.allocations(), &world.events[..]), (0, &[Event::Released][..]));
    assert!(world.client.is_closed());
    assert_eq!(world.client.permit(world.now, peer().ip()), Err(UsageError::Closed));
}

#[test]
fn release_while_the_allocation_is_under_way_leaves_none_behind() {
    let mut world = World::new(config(Protocol::Udp), Behaviour::default());
    let path = world.client.server();
    for _ in 0..2 {
        let request = world.next_request().unwrap();
        let mut response = world.server.handle_client(world.now, path.local, &request).unwrap();
        if world.server.allocations() == 1 {
            world.client.release(world.now);
        }
        world.client.handle_datagram(world.now, path, &mut response.bytes).unwrap();
    }
    world.settle();
    assert_eq!((world.server.allocations(), &world.events[..]), (0, &[Event::Released][..]));
}

#[test]
fn a_closed_stream_is_the_end() {
    let mut world = World::allocated_with(config(Protocol::Tls), Behaviour::default());
    world.client.stream_closed(world.now);
    world.client.stream_closed(world.now);
    world.settle();
    assert_eq!(world.events, [Event::Failed(Failure::StreamClosed)]);
}

#[test]
fn a_renewed_password_is_used_without_a_new_allocation() {
    let mut world = World::allocated();
    world.server.behaviour.users = vec![("user".into(), "renewed".into())];
    world.client.set_credentials(world.now, Credentials::new("user", "renewed")).unwrap();
    world.permit(peer());
    world.pass(HOUR);
    assert_eq!(world.events, []);
}

#[test]
fn another_users_credentials_are_dropped_when_the_server_insists() {
    let mut world = World::allocated();
    world.server.behaviour.users.push(("another".into(), "secret".into()));
    world.client.set_credentials(world.now, Credentials::new("another", "secret")).unwrap();
    world.settle();
    assert_eq!(world.events, [Event::CredentialsRefused]);
    world.events.clear();
    world.pass(HOUR);
    assert_eq!(world.events, []);
}

#[test]
fn a_server_in_trouble_is_asked_again_while_the_allocation_lives() {
    let mut world = World::allocated();
    world.server.behaviour.refuse = Some((Method::REFRESH, 500));
    world.pass(9 * MINUTE + Duration::from_secs(15));
    assert_eq!(world.events, []);
    world.server.behaviour.refuse = None;
    world.pass(HOUR);
    assert_eq!(world.events, []);
    world.server.behaviour.refuse = Some((Method::REFRESH, 500));
    world.pass(HOUR);
    assert_eq!(world.events, [Event::Failed(Failure::Refused(500))]);
}

#[test]
fn an_icmp_error_of_a_permitted_peer_is_told() {
    let mut world = World::allocated();
    let icmp = Icmp { kind: 3, code: 4, data: [0, 0, 5, 0] };
    let mut indication = Vec::new();
    MessageBuilder::new(&mut indication, Class::Indication, Method::DATA, TransactionId([1; 12]))
        .unwrap()
        .attribute(&XorPeerAddress(peer()))
        .unwrap()
        .attribute(&icmp)
        .unwrap();
    let path = world.client.server();
    let early = world.client.handle_datagram(world.now, path, &mut indication).is_err();
    assert!(early, "not permitted yet");
    world.permit(peer());
    world.client.handle_datagram(world.now, path, &mut indication).unwrap();
    world.settle();
    assert_eq!(world.events, [Event::Icmp { peer: peer(), icmp }]);
}

#[test]
fn messages_that_demand_what_we_do_not_know_are_refused() {
    let unknown = AttributeType(0x7fff);
    let mut world = World::allocated();
    world.permit(peer());
    let mut indication = Vec::new();
    let mut builder =
        MessageBuilder::new(&mut indication, Class::Indication, Method::DATA, TransactionId([1; 12]))
            .unwrap();
    builder.attribute(&XorPeerAddress(peer())).unwrap().attribute(&Data(b"x")).unwrap();
    builder.raw(unknown, b"?").unwrap();
    assert_eq!(world.feed(&mut indication), Err(Discard::Unexpected));

    let mut world = World::new(config(Protocol::Udp), Behaviour::default());
    let request = world.next_request().unwrap();
    let mut response = Vec::new();
    let mut builder = MessageBuilder::success(&mut response, &Message::parse(&request).unwrap()).unwrap();
    builder.raw(unknown, b"?").unwrap();
    let path = world.client.server();
    world.client.handle_datagram(world.now, path, &mut response).unwrap();
    world.settle();
    assert_eq!(world.events, [Event::Failed(Failure::Refused(420))]);
}

#[test]
fn a_packet_without_headroom_is_refused_unchanged() {
    let mut world = World::allocated();
    world.permit(peer());
    let mut slab = [0; 100];
    let mut packet = PacketBuf::new(&mut slab, 35, 3);
    packet.put(b"data.").unwrap();
    assert_eq!(world.client.wrap(world.now, peer(), &mut packet), Err(UsageError::NoSpace));
    assert_eq!(packet.bytes(), b"data.");
}

#[test]
fn a_small_buffer_delays_a_request_and_loses_nothing() {
    let mut world = World::new(config(Protocol::Udp), Behaviour::default());
    let mut slab = [0; 30];
    let mut packet = PacketBuf::new(&mut slab, 0, 0);
    assert_eq!(world.client.poll_transmit(world.now, &mut packet), None);
    assert!(packet.is_empty());
    world.settle();
    assert!(matches!(world.events[..], [Event::Allocated { .. }]));
}

#[test]
fn a_refresh_asks_for_the_configured_lifetime() {
    let mut config = config(Protocol::Udp);
    config.lifetime = Duration::from_secs(1200);
    let mut world = World::allocated_with(config, Behaviour::default());
    assert_eq!(world.client.poll_timeout(), Some(world.now + Duration::from_secs(1140)));
    world.now += Duration::from_secs(1140);
    world.client.handle_timeout(world.now);
    let request = world.next_request().unwrap();
    assert!(attributes(&request).contains(&AttributeType::LIFETIME.0));
}
