//! The course of an exchange: states, associations, events.

use super::*;
use sdp::Direction;

#[test]
fn states_follow_the_w3c_diagram() {
    use SignalingState as S;
    let (mut a, mut b) = (peer(1), peer(2));
    a.want_data_channels();
    let offer = offer(&mut a);
    assert_eq!(a.set_local(&offer).unwrap().signaling_state, Some(S::HaveLocalOffer));
    assert_eq!(b.set_remote(&offer).unwrap().signaling_state, Some(S::HaveRemoteOffer));
    let answer = b.create_answer(&transport("b")).unwrap();
    let provisional = SessionDescription::pranswer(answer.sdp.clone());
    assert_eq!(b.set_local(&provisional).unwrap().signaling_state, Some(S::HaveLocalPranswer));
    assert_eq!(a.set_remote(&provisional).unwrap().signaling_state, Some(S::HaveRemotePranswer));
    assert_eq!(b.set_local(&answer).unwrap().signaling_state, Some(S::Stable));
    assert_eq!(a.set_remote(&answer).unwrap().signaling_state, Some(S::Stable));
    assert!(a.pending_local_description().is_none() && a.pending_remote_description().is_none());
    assert_eq!(a.current_local_description(), Some(offer));
    assert_eq!(a.current_remote_description(), Some(answer));
}

#[test]
fn what_does_not_fit_the_state_is_refused() {
    let (mut a, mut b) = (peer(1), peer(2));
    let is_state_error = |error: JsepError| assert_eq!(error.name(), "InvalidStateError");
    is_state_error(a.create_answer(&transport("a")).unwrap_err());
    is_state_error(a.set_local(&SessionDescription::rollback()).unwrap_err());
    is_state_error(a.set_remote(&SessionDescription::answer(String::new())).unwrap_err());
    let offer = offer(&mut a);
    a.set_local(&offer).unwrap();
    b.set_remote(&offer).unwrap();
    is_state_error(b.create_offer(&OfferOptions::default(), &transport("b")).unwrap_err());
    is_state_error(b.set_local(&offer).unwrap_err());
    a.close();
    is_state_error(a.create_offer(&OfferOptions::default(), &transport("a")).unwrap_err());
}

#[test]
fn a_local_description_cannot_be_altered() {
    let mut a = peer(1);
    let mut offer = offer(&mut a);
    offer.sdp.push_str("a=x\r\n");
    assert_eq!(a.set_local(&offer).unwrap_err().name(), "InvalidModificationError");
    a.set_local(&SessionDescription::offer(String::new())).unwrap();
}

#[test]
fn a_track_arrives_with_its_streams() {
    let (mut a, mut b) = (peer(1), peer(2));
    let sent = a.add_track(TrackKind::Video, "camera", &["s1", "s2"]).unwrap();
    let offer = offer(&mut a);
    a.set_local(&offer).unwrap();
    let changes = b.set_remote(&offer).unwrap();
    let event = &changes.tracks.events[0];
    assert_eq!((event.track.as_str(), event.kind), ("camera", TrackKind::Video));
    assert_eq!(event.streams, ["s1", "s2"]);
    assert_eq!(changes.tracks.added.len(), 2);
    let received = b.transceiver(event.transceiver).unwrap();
    assert_eq!((received.mid(), received.direction()), (Some("0"), Direction::RecvOnly));
    let answer = b.create_answer(&transport("b")).unwrap();
    b.set_local(&answer).unwrap();
    let changes = a.set_remote(&answer).unwrap();
    assert!(changes.tracks.events.is_empty());
    assert_eq!(a.transceiver(sent).unwrap().current_direction(), Some(Direction::SendOnly));
    let negotiated = changes.negotiated.unwrap();
    assert_eq!(negotiated.dtls_role, Some(DtlsRole::Server));
    assert_eq!(negotiated.media[0].direction, Direction::SendOnly);
    assert_eq!(
        negotiated.media[0].send.encodings[0].ssrc,
        a.transceiver(sent).unwrap().sender().encodings[0].ssrc
    );
}

#[test]
fn the_receiver_learns_the_sources_and_their_repair() {
    let (mut a, mut b) = (peer(1), peer(2));
    let sent = a.add_track(TrackKind::Video, "camera", &[]).unwrap();
    let (_, there) = negotiate(&mut a, &mut b);
    let sender = a.transceiver(sent).unwrap().sender();
    let source = &there.negotiated.unwrap().media[0].receive.sources[0];
    assert_eq!(
        (source.ssrc, source.rtx_ssrc),
        (sender.encodings[0].ssrc, Some(sender.encodings[0].rtx_ssrc))
    );
    assert_eq!(source.cname.as_deref(), Some(a.cname()));
}

#[test]
fn only_add_track_pairs_with_an_offered_section() {
    let (mut a, mut b, mut c) = (peer(1), peer(2), peer(3));
    a.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    b.add_transceiver(TrackKind::Audio, TransceiverInit::default()).unwrap();
    let track = c.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    negotiate(&mut a, &mut b);
    assert_eq!(b.transceivers().len(), 2, "the transceiver of addTransceiver waits for its own section");
    let mut a = peer(4);
    a.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    negotiate(&mut a, &mut c);
    assert_eq!(c.transceivers().len(), 1);
    assert_eq!(c.transceiver(track).unwrap().current_direction(), Some(Direction::SendRecv));
}

#[test]
fn a_removed_track_is_muted_and_leaves_its_stream() {
    let (mut a, mut b) = (peer(1), peer(2));
    let track = a.add_track(TrackKind::Audio, "mic", &["s"]).unwrap();
    negotiate(&mut a, &mut b);
    a.remove_track(track).unwrap();
    assert!(a.take_negotiation_needed());
    let offer = offer(&mut a);
    a.set_local(&offer).unwrap();
    let changes = b.set_remote(&offer).unwrap();
    let id = b.transceivers()[0].id();
    assert_eq!(changes.tracks.muted, [id]);
    assert_eq!(changes.tracks.removed, [("s".to_string(), id)]);
    assert!(changes.tracks.events.is_empty());
}

#[test]
fn a_stopped_transceiver_frees_its_section_for_another() {
    let (mut a, mut b) = (peer(1), peer(2));
    let first = a.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    a.add_track(TrackKind::Video, "camera", &[]).unwrap();
    negotiate(&mut a, &mut b);
    a.stop(first).unwrap();
    let (here, there) = negotiate(&mut a, &mut b);
    assert_eq!(here.removed, [first]);
    assert_eq!((there.removed.len(), b.transceivers().len()), (1, 1));
    let described = parse(&a.current_local_description().unwrap());
    assert!(described.media[0].is_rejected() && !described.media[1].is_rejected());
    assert_eq!(described.groups[0].mids, ["1"]);

    a.add_track(TrackKind::Video, "screen", &[]).unwrap();
    negotiate(&mut a, &mut b);
    let described = parse(&a.current_local_description().unwrap());
    assert_eq!(described.media.len(), 2);
    assert_eq!(
        (described.media[0].mid.as_deref(), &described.media[0].kind),
        (Some("2"), &sdp::MediaKind::Video)
    );
    assert_eq!(b.transceivers().len(), 2);
}

#[test]
fn rollback_undoes_a_remote_offer_but_keeps_own_tracks() {
    let (mut a, mut b) = (peer(1), peer(2));
    a.add_track(TrackKind::Audio, "mic", &["s"]).unwrap();
    a.add_track(TrackKind::Video, "camera", &["s"]).unwrap();
    let own = b.add_track(TrackKind::Video, "own", &[]).unwrap();
    let offer = offer(&mut a);
    b.set_remote(&offer).unwrap();
    assert_eq!(b.transceiver(own).unwrap().mid(), Some("1"));
    let changes = b.set_remote(&SessionDescription::rollback()).unwrap();
    assert_eq!((changes.tracks.muted.len(), changes.tracks.removed.len()), (2, 2));
    assert_eq!(changes.removed.len(), 1, "the transceiver made for the audio section goes");
    assert_eq!((b.transceivers().len(), b.transceiver(own).unwrap().mid()), (1, None));
    assert_eq!(b.signaling_state(), SignalingState::Stable);
}

#[test]
fn an_offer_that_meets_ours_takes_ours_back() {
    let (mut a, mut b) = (peer(1), peer(2));
    a.add_track(TrackKind::Audio, "a", &[]).unwrap();
    b.add_track(TrackKind::Audio, "b", &[]).unwrap();
    let (from_a, from_b) = (offer(&mut a), offer(&mut b));
    a.set_local(&from_a).unwrap();
    b.set_local(&from_b).unwrap();
    let changes = b.set_remote(&from_a).unwrap();
    assert_eq!(changes.signaling_state, Some(SignalingState::HaveRemoteOffer));
    let answer = b.create_answer(&transport("b")).unwrap();
    b.set_local(&answer).unwrap();
    a.set_remote(&answer).unwrap();
    assert_eq!(a.transceivers()[0].current_direction(), Some(Direction::SendRecv));
    assert!(!b.is_negotiation_needed());
}

#[test]
fn negotiation_needed_fires_once_and_only_when_stable() {
    let (mut a, mut b) = (peer(1), peer(2));
    assert!(!a.take_negotiation_needed());
    let id = a.add_track(TrackKind::Audio, "mic", &["s"]).unwrap();
    a.add_track(TrackKind::Video, "camera", &[]).unwrap();
    assert!(a.take_negotiation_needed() && !a.take_negotiation_needed());
    negotiate(&mut a, &mut b);
    assert!(!a.take_negotiation_needed() && !b.take_negotiation_needed());
    a.set_streams(id, &["t"]).unwrap();
    assert!(a.take_negotiation_needed());
    a.set_streams(id, &["s"]).unwrap();
    assert!(!a.is_negotiation_needed());
    let offer = offer(&mut a);
    a.set_local(&offer).unwrap();
    a.set_direction(id, Direction::Inactive).unwrap();
    assert!(!a.take_negotiation_needed(), "not while an offer is pending");
    b.set_remote(&offer).unwrap();
    let answer = b.create_answer(&transport("b")).unwrap();
    a.set_remote(&answer).unwrap();
    assert!(a.take_negotiation_needed());
}

#[test]
fn data_channels_get_a_section_and_its_parameters() {
    let (mut a, mut b) = (peer(1), peer(2));
    a.want_data_channels();
    assert!(a.take_negotiation_needed());
    let (here, there) = negotiate(&mut a, &mut b);
    let sctp = here.negotiated.unwrap().sctp.unwrap();
    assert_eq!((sctp.mid.as_deref(), sctp.local_port, sctp.remote_port), (Some("0"), 5000, 5000));
    assert_eq!(sctp.max_message_size, Some(262_144));
    assert!(there.negotiated.unwrap().sctp.is_some());
    assert_eq!(b.data_mid(), Some("0"));
    b.want_data_channels();
    assert!(!b.is_negotiation_needed());
}

#[test]
fn the_offerer_controls_and_that_is_settled_once() {
    let (mut a, mut b) = (peer(1), peer(2));
    a.want_data_channels();
    let offer = offer(&mut a);
    assert_eq!(a.set_local(&offer).unwrap().ice_role, Some(IceRole::Controlling));
    assert_eq!(b.set_remote(&offer).unwrap().ice_role, Some(IceRole::Controlled));
    let answer = b.create_answer(&transport("b")).unwrap();
    b.set_local(&answer).unwrap();
    a.set_remote(&answer).unwrap();
    let offer = b.create_offer(&OfferOptions::default(), &transport("b")).unwrap();
    assert_eq!(b.set_local(&offer).unwrap().ice_role, None);
}

#[test]
fn legacy_options_make_and_narrow_transceivers() {
    let mut a = peer(1);
    let options = OfferOptions { offer_to_receive_audio: Some(true), ..OfferOptions::default() };
    let offer = a.create_offer(&options, &transport("a")).unwrap();
    assert_eq!(parse(&offer).direction_of(0), Direction::RecvOnly);
    let options = OfferOptions { offer_to_receive_audio: Some(false), ..OfferOptions::default() };
    let offer = a.create_offer(&options, &transport("a")).unwrap();
    assert_eq!((parse(&offer).media.len(), parse(&offer).direction_of(0)), (1, Direction::Inactive));
}

#[test]
fn a_description_shows_the_candidates_gathered_since() {
    let mut a = peer(1);
    a.want_data_channels();
    a.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    let offer = offer(&mut a);
    a.set_local(&offer).unwrap();
    let later = TransportDescription {
        candidates: vec!["1 1 udp 1 192.0.2.7 7 typ host".into(), "2 1 udp 1 192.0.2.8 8 typ host".into()],
        end_of_candidates: true,
        default_address: Some("192.0.2.7:7".parse().unwrap()),
        ..transport("a")
    };
    let described = parse(&a.describe(&later).unwrap());
    assert_eq!(described.media[0].candidates, later.candidates);
    assert!(described.media[0].shared.end_of_candidates && described.media[1].candidates.is_empty());
    assert_eq!(
        (described.media[1].port, described.media[1].connections[0].address.as_str()),
        (7, "192.0.2.7")
    );
}

#[test]
fn trickled_candidates_join_the_remote_description() {
    let (mut a, mut b) = (peer(1), peer(2));
    a.want_data_channels();
    let early = CandidateInit { candidate: "candidate:1", sdp_mid: Some("0"), ..CandidateInit::default() };
    assert_eq!(b.add_remote_candidate(&early), Err(JsepError::NoRemoteDescription));
    b.set_remote(&offer(&mut a)).unwrap();
    let value = "9 1 udp 1 192.0.2.9 9 typ host";
    let line = &format!("candidate:{value}");
    let init = CandidateInit { candidate: line, sdp_m_line_index: Some(0), ..CandidateInit::default() };
    assert_eq!(b.add_remote_candidate(&init), Ok(RemoteCandidate::Add(value.into())));
    assert!(b.pending_remote_description().unwrap().sdp.contains(line.as_str()));
    let wrong = CandidateInit { username_fragment: Some("other"), ..init };
    assert_eq!(b.add_remote_candidate(&wrong), Err(JsepError::UnknownSection));
    assert_eq!(b.add_remote_candidate(&CandidateInit::default()), Ok(RemoteCandidate::EndOfCandidates));
    let homeless = CandidateInit { candidate: line, ..CandidateInit::default() };
    assert_eq!(b.add_remote_candidate(&homeless).unwrap_err().name(), "TypeError");
}

#[test]
fn tracks_are_sent_once_and_ids_are_checked() {
    let mut a = peer(1);
    a.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    assert_eq!(a.add_track(TrackKind::Audio, "mic", &[]).unwrap_err().name(), "InvalidAccessError");
    assert_eq!(a.add_track(TrackKind::Audio, "a b", &[]), Err(JsepError::InvalidId));
    assert_eq!(a.add_track(TrackKind::Audio, "a", &["line\r\nbreak"]), Err(JsepError::InvalidId));
}

#[test]
fn a_sender_that_sent_is_not_given_to_another_track() {
    let (mut a, mut b) = (peer(1), peer(2));
    let first = a.add_track(TrackKind::Audio, "one", &[]).unwrap();
    negotiate(&mut a, &mut b);
    a.remove_track(first).unwrap();
    let second = a.add_track(TrackKind::Audio, "two", &[]).unwrap();
    assert_ne!(first, second);
    let idle = a.add_transceiver(TrackKind::Video, TransceiverInit::default()).unwrap();
    assert_eq!(a.add_track(TrackKind::Video, "three", &[]), Ok(idle));
}
