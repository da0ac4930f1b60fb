use super::*;
use alloc::vec;
use sendrecv_stun::{Class, Method, TransactionId};

/// The next message, with room for a packet of this length.
fn carried(piggyback: &mut Piggyback, room: usize) -> Vec<u8> {
    let mut slab = [0; 2000];
    let mut out = PacketBuf::new(&mut slab, 0, 0);
    let mut builder =
        MessageBuilder::new(&mut out, Class::Request, Method::BINDING, TransactionId([7; 12])).unwrap();
    let riders = piggyback.riders(room);
    riders.write(&mut builder).unwrap();
    let bytes = riders.packet_len();
    piggyback.left_with(bytes);
    out.bytes().to_vec()
}

fn packet_in(message: &[u8]) -> Option<Vec<u8>> {
    Message::parse(message).unwrap().attribute().map(|DtlsInStun(packet)| packet.to_vec())
}

fn numbers_in(message: &[u8]) -> Vec<u8> {
    let DtlsInStunAck(numbers) = Message::parse(message).unwrap().attribute().unwrap();
    numbers.to_vec()
}

fn give(from: &[u8], to: &mut Piggyback) -> Option<Vec<u8>> {
    to.receive(&Message::parse(from).unwrap()).map(<[u8]>::to_vec)
}

#[test]
fn packets_take_turns_until_they_are_acknowledged() {
    let (mut here, mut there) = (Piggyback::default(), Piggyback::default());
    here.board(vec![vec![22; 900], vec![23; 500]]);
    let turns: Vec<u8> = (0..3).filter_map(|_| packet_in(&carried(&mut here, 1000))).map(|p| p[0]).collect();
    assert_eq!(turns, [22, 23, 22]);
    there.confirm(&[22; 900]);
    assert_eq!(give(&carried(&mut there, 1000), &mut here), None);
    assert_eq!(packet_in(&carried(&mut here, 1000)), Some(vec![23; 500]));
    there.confirm(&[23; 500]);
    give(&carried(&mut there, 1000), &mut here);
    assert_eq!(packet_in(&carried(&mut here, 1000)), None);
    assert_eq!(here.disembark(), None);
}

#[test]
fn acknowledgements_are_what_a_browser_sends() {
    let mut piggyback = Piggyback::default();
    assert_eq!(numbers_in(&carried(&mut piggyback, 1000)), [], "support is shown by an empty list");
    piggyback.confirm(b"123456789");
    assert_eq!(numbers_in(&carried(&mut piggyback, 1000)), 0xcbf4_3926_u32.to_be_bytes());
}

#[test]
fn only_the_last_arrivals_are_told_each_once() {
    let mut piggyback = Piggyback::default();
    for packet in [b"a", b"b", b"c", b"d", b"e", b"c"] {
        piggyback.confirm(packet);
    }
    let expected: Vec<u8> =
        [b"b", b"d", b"e", b"c"].iter().flat_map(|p| DtlsInStunAck::number_of(*p).to_be_bytes()).collect();
    assert_eq!(numbers_in(&carried(&mut piggyback, 1000)), expected);
}

#[test]
fn what_does_not_fit_stays_behind() {
    let mut piggyback = Piggyback::default();
    piggyback.board(vec![vec![22; 901]]);
    assert_eq!(packet_in(&carried(&mut piggyback, 900)), None);
    assert_eq!(packet_in(&carried(&mut piggyback, 901)), Some(vec![22; 901]));
    piggyback.board((0..100).map(|n| vec![n; 100]).collect());
    assert_eq!(core::iter::from_fn(|| piggyback.disembark()).count(), MAX_WAITING);
}

#[test]
fn without_acknowledgements_riding_comes_to_an_end() {
    let mut piggyback = Piggyback::default();
    piggyback.board(vec![vec![22; 1000]]);
    let rode = (0..100).filter(|_| packet_in(&carried(&mut piggyback, 1000)).is_some()).count();
    assert_eq!(rode, BUDGET / 1000);
    piggyback.board(vec![vec![23; 1000]]);
    assert_eq!(packet_in(&carried(&mut piggyback, 1000)), None, "saying something else is no way around it");
}

#[test]
fn odd_values_are_ignored() {
    let mut piggyback = Piggyback::default();
    piggyback.board(vec![vec![22; 10]]);
    for (numbers, packet) in [(&[1, 2, 3][..], &[][..]), (&[0; 4000], &[22; 1501]), (&[0xff; 5], &[])] {
        let mut message = Vec::new();
        let id = TransactionId([7; 12]);
        let mut builder = MessageBuilder::new(&mut message, Class::Success, Method::BINDING, id).unwrap();
        builder.attribute(&DtlsInStunAck(numbers)).unwrap().attribute(&DtlsInStun(packet)).unwrap();
        assert_eq!(give(&message, &mut piggyback), None);
    }
    assert!(piggyback.disembark().is_some());
}
