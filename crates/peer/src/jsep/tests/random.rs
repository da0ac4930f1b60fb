//! Two peers that do anything in any order end in agreement.

use super::*;
use crate::encoding::RtpEncodingParameters;
use proptest::prelude::*;
use sdp::Direction;

#[derive(Clone, Debug)]
enum Step {
    AddTrack(TrackKind),
    /// With as many encodings.
    AddTransceiver(TrackKind, Direction, usize),
    RemoveTrack(usize),
    SetDirection(usize, Direction),
    Stop(usize),
    Data,
    Restart,
    Negotiate,
    RollBackLocal,
    RollBackRemote,
    Glare,
}

fn step() -> impl Strategy<Value = (bool, Step)> {
    let kind = prop::sample::select(vec![TrackKind::Audio, TrackKind::Video]);
    let direction = prop::sample::select(vec![
        Direction::SendRecv,
        Direction::SendOnly,
        Direction::RecvOnly,
        Direction::Inactive,
    ]);
    let edits = prop_oneof![
        kind.clone().prop_map(Step::AddTrack),
        (kind, direction.clone(), 0usize..4)
            .prop_map(|(kind, direction, encodings)| Step::AddTransceiver(kind, direction, encodings)),
        (0usize..8).prop_map(Step::RemoveTrack),
        (0usize..8, direction).prop_map(|(index, direction)| Step::SetDirection(index, direction)),
        (0usize..8).prop_map(Step::Stop),
        Just(Step::Data),
        Just(Step::Restart),
    ];
    let exchanges = prop_oneof![
        3 => Just(Step::Negotiate),
        1 => Just(Step::RollBackLocal),
        1 => Just(Step::RollBackRemote),
        1 => Just(Step::Glare),
    ];
    (any::<bool>(), prop_oneof![2 => edits, 1 => exchanges])
}

/// A peer, and the generations of ICE credentials it drew, proposed and runs with. A generation that was only proposed
/// is given up by a rollback.
struct Side {
    peer: Negotiation,
    name: &'static str,
    drawn: u32,
    proposed: u32,
    running: u32,
    tracks: u32,
}

impl Side {
    fn new(number: u64, name: &'static str) -> Self {
        let mut peer = peer(number);
        // Only one of the two accepts simulcast.
        peer.config.receive_simulcast = name == "a";
        Self { peer, name, drawn: 0, proposed: 0, running: 0, tracks: 0 }
    }

    fn propose(&mut self, restart: bool) -> TransportDescription {
        self.drawn += u32::from(restart);
        self.proposed = if restart { self.drawn } else { self.running };
        transport(&format!("{}{}", self.name, self.proposed))
    }

    fn offer(&mut self) -> SessionDescription {
        let transport = self.propose(self.peer.offer_restarts_ice(&OfferOptions::default()));
        self.peer.create_offer(&OfferOptions::default(), &transport).unwrap()
    }

    fn answer(&mut self) -> SessionDescription {
        let transport = self.propose(self.peer.answer_restarts_ice());
        self.peer.create_answer(&transport).unwrap()
    }

    fn nth(&self, index: usize) -> Option<TransceiverId> {
        self.peer.transceivers().get(index).map(Transceiver::id)
    }

    fn edit(&mut self, step: &Step) {
        match step {
            Step::AddTrack(kind) => {
                self.tracks += 1;
                let track = format!("{}{}", self.name, self.tracks);
                self.peer.add_track(*kind, &track, &["s"]).unwrap();
            }
            Step::AddTransceiver(kind, direction, encodings) => {
                let send_encodings = vec![RtpEncodingParameters::default(); *encodings];
                let init =
                    TransceiverInit { direction: *direction, send_encodings, ..TransceiverInit::default() };
                self.peer.add_transceiver(*kind, init).unwrap();
            }
            Step::Data => self.peer.want_data_channels(),
            Step::Restart => self.peer.restart_ice(),
            Step::RemoveTrack(index) => {
                self.nth(*index).into_iter().for_each(|id| self.peer.remove_track(id).unwrap());
            }
            Step::Stop(index) => self.nth(*index).into_iter().for_each(|id| self.peer.stop(id).unwrap()),
            Step::SetDirection(index, direction) => {
                let _stopped = self.nth(*index).map(|id| self.peer.set_direction(id, *direction));
            }
            Step::Negotiate | Step::RollBackLocal | Step::RollBackRemote | Step::Glare => {}
        }
    }
}

fn run(offerer: &mut Side, answerer: &mut Side) {
    let offer = offerer.offer();
    offerer.peer.set_local(&offer).unwrap();
    answerer.peer.set_remote(&offer).unwrap_or_else(|error| panic!("{error}\n{}", offer.sdp));
    finish(offerer, answerer);
}

fn finish(offerer: &mut Side, answerer: &mut Side) {
    let answer = answerer.answer();
    answerer.peer.set_local(&answer).unwrap();
    offerer.peer.set_remote(&answer).unwrap_or_else(|error| panic!("{error}\n{}", answer.sdp));
    offerer.running = offerer.proposed;
    answerer.running = answerer.proposed;
    mirrored(&offerer.peer, &answerer.peer);
}

fn exchange(step: &Step, first: &mut Side, second: &mut Side) {
    match step {
        Step::Negotiate => run(first, second),
        Step::RollBackLocal => {
            let offer = first.offer();
            first.peer.set_local(&offer).unwrap();
            first.peer.set_local(&SessionDescription::rollback()).unwrap();
        }
        Step::RollBackRemote => {
            let offer = first.offer();
            second.peer.set_remote(&offer).unwrap();
            second.peer.set_remote(&SessionDescription::rollback()).unwrap();
        }
        Step::Glare => {
            let (ours, theirs) = (first.offer(), second.offer());
            first.peer.set_local(&ours).unwrap();
            second.peer.set_local(&theirs).unwrap();
            second.peer.set_remote(&ours).unwrap();
            finish(first, second);
        }
        _ => first.edit(step),
    }
}

/// Both sides are stable, and see the same sections with the directions of the other reversed.
fn mirrored(a: &Negotiation, b: &Negotiation) {
    assert_eq!((a.signaling_state(), b.signaling_state()), (SignalingState::Stable, SignalingState::Stable));
    let described = |peer: &Negotiation| parse(&peer.current_local_description().unwrap());
    let (here, there) = (described(a), described(b));
    assert_eq!(here.media.len(), there.media.len());
    let sections = |peer: &Negotiation| {
        let own = peer.transceivers().iter().filter_map(Transceiver::m_line);
        let mut own: Vec<usize> = own.collect();
        own.sort_unstable();
        own
    };
    let twice = |list: &[usize]| list.windows(2).any(|pair| pair[0] == pair[1]);
    assert_eq!(sections(a), sections(b));
    assert!(!twice(&sections(a)));
    for own in a.transceivers().iter().filter(|own| own.m_line().is_some()) {
        let other = b.transceivers().iter().find(|other| other.mid() == own.mid()).unwrap();
        assert_eq!((own.kind(), own.m_line()), (other.kind(), other.m_line()));
        assert_eq!(
            own.current_direction(),
            other.current_direction().map(Direction::reversed),
            "{:?}",
            own.mid()
        );
    }
    for (sender, receiver) in [(a, b), (b, a)] {
        simulcast_is_agreed_on(sender, receiver);
    }
    assert_eq!(a.data_mid(), b.data_mid());
    assert!(a.dtls_role().is_none() || a.dtls_role() != b.dtls_role());
    for session in [&here, &there] {
        unambiguous(session);
    }
}

/// What is sent as simulcast the other side asks for, and nobody else is sent any.
fn simulcast_is_agreed_on(sender: &Negotiation, receiver: &Negotiation) {
    let described = parse(&receiver.current_local_description().unwrap());
    let sends = |own: &&Transceiver| own.current_direction().is_some_and(Direction::sends);
    for own in sender.transceivers().iter().filter(sends) {
        let encodings = &own.sender().encodings;
        let asked_for = own.m_line().and_then(|index| described.media[index].simulcast.as_ref());
        let asked_for = asked_for.map(|simulcast| simulcast.recv.as_slice()).unwrap_or_default();
        let rids = encodings.iter().filter_map(Encoding::rid);
        assert!(encodings.len() == 1 || rids.eq(asked_for.iter().map(|stream| stream[0].rid.as_str())));
        assert!(receiver.config.receive_simulcast || encodings.len() == 1);
    }
}

fn unambiguous(session: &sdp::SessionDescription) {
    let mut mids: Vec<_> = session.media.iter().filter_map(|media| media.mid.clone()).collect();
    mids.sort();
    assert!(mids.windows(2).all(|pair| pair[0] != pair[1]), "{mids:?}");
    let all: Vec<_> = (0..session.media.len()).flat_map(|index| session.extmaps_of(index)).collect();
    for one in &all {
        assert!(all.iter().all(|other| (one.id == other.id) == (one.uri == other.uri)), "{one}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn any_course_of_events_ends_in_agreement(steps in prop::collection::vec(step(), 1..24)) {
        let (mut a, mut b) = (Side::new(1, "a"), Side::new(2, "b"));
        for (by_a, step) in &steps {
            if *by_a { exchange(step, &mut a, &mut b) } else { exchange(step, &mut b, &mut a) }
        }
        // One exchange each way settles everything that is still wanted.
        run(&mut a, &mut b);
        run(&mut b, &mut a);
        run(&mut a, &mut b);
        prop_assert!(!a.peer.is_negotiation_needed(), "a");
        prop_assert!(!b.peer.is_negotiation_needed(), "b");
    }

    #[test]
    fn arbitrary_descriptions_never_panic(text: String, kind in 0..3u8) {
        let mut peer = peer(1);
        let description = match kind {
            0 => SessionDescription::offer(text),
            1 => SessionDescription::offer(format!("v=0\r\na=ice-ufrag:abcd\r\n{text}")),
            _ => SessionDescription::answer(text),
        };
        let _refused = peer.set_remote(&description);
    }
}

fn cases() -> u32 {
    extern crate std;
    if std::env::var_os("SENDRECV_DEEP").is_some() { 4000 } else { 100 }
}
