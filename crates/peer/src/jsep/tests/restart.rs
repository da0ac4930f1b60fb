//! ICE restarts, and what must not change without one.

use super::*;

fn connected() -> (Negotiation, Negotiation) {
    let (mut a, mut b) = (peer(1), peer(2));
    a.want_data_channels();
    negotiate(&mut a, &mut b);
    (a, b)
}

#[test]
fn a_restart_changes_the_credentials_of_both_sides() {
    let (mut a, mut b) = connected();
    a.restart_ice();
    assert!(a.take_negotiation_needed());
    assert!(a.offer_restarts_ice(&OfferOptions::default()));
    let offer = a.create_offer(&OfferOptions::default(), &transport("a2")).unwrap();
    assert!(a.set_local(&offer).unwrap().local_transport.unwrap().restart);
    assert!(b.set_remote(&offer).unwrap().remote_transport.unwrap().restart);
    assert!(b.answer_restarts_ice());
    let answer = b.create_answer(&transport("b2")).unwrap();
    assert!(b.set_local(&answer).unwrap().local_transport.unwrap().restart);
    let changes = a.set_remote(&answer).unwrap();
    assert!(changes.remote_transport.unwrap().restart);
    assert!(!changes.negotiated.unwrap().dtls_restart, "DTLS goes on");
    assert!(!a.offer_restarts_ice(&OfferOptions::default()) && !a.is_negotiation_needed());
}

#[test]
fn a_restart_stays_wanted_until_it_is_answered() {
    let (mut a, mut b) = connected();
    a.restart_ice();
    let restart = a.create_offer(&OfferOptions::default(), &transport("a2")).unwrap();
    a.set_local(&restart).unwrap();
    b.set_remote(&restart).unwrap();
    a.set_local(&SessionDescription::rollback()).unwrap();
    assert!(a.offer_restarts_ice(&OfferOptions::default()) && a.is_negotiation_needed());
}

#[test]
fn nothing_restarts_by_itself() {
    let (mut a, mut b) = connected();
    assert!(!a.offer_restarts_ice(&OfferOptions::default()));
    let offer = offer(&mut a);
    assert!(!a.set_local(&offer).unwrap().local_transport.unwrap().restart);
    assert!(!b.set_remote(&offer).unwrap().remote_transport.unwrap().restart);
    assert!(!b.answer_restarts_ice());
}

#[test]
fn an_answer_restarts_if_and_only_if_the_offer_does() {
    for (ours, theirs) in [("a", "b2"), ("a2", "b")] {
        let (mut a, mut b) = connected();
        let offer = a.create_offer(&OfferOptions::default(), &transport(ours)).unwrap();
        a.set_local(&offer).unwrap();
        b.set_remote(&offer).unwrap();
        let answer = b.create_answer(&transport(theirs)).unwrap();
        let defect = Defect::IceRestartMismatch;
        assert_eq!(a.set_remote(&answer), Err(JsepError::Unsupported { m_line: None, defect }));
    }
}

#[test]
fn a_certificate_changes_only_with_a_restart() {
    let (mut a, mut b) = connected();
    let offer = offer(&mut a);
    a.set_local(&offer).unwrap();
    b.set_remote(&offer).unwrap();
    let other = vec!["sha-256 FF:FF".parse().unwrap()];
    let answer =
        b.create_answer(&TransportDescription { fingerprints: other.clone(), ..transport("b") }).unwrap();
    let defect = Defect::CertificateChanged;
    assert_eq!(a.set_remote(&answer), Err(JsepError::Unsupported { m_line: None, defect }));

    let (mut a, mut b) = connected();
    let offer = a.create_offer(&OfferOptions::default(), &transport("a2")).unwrap();
    a.set_local(&offer).unwrap();
    b.set_remote(&offer).unwrap();
    let answer = b.create_answer(&TransportDescription { fingerprints: other, ..transport("b2") }).unwrap();
    assert!(a.set_remote(&answer).unwrap().negotiated.unwrap().dtls_restart);
}

#[test]
fn an_offer_goes_on_with_certificate_and_role_unless_it_restarts() {
    let other = || vec!["sha-256 FF:FF".parse().unwrap()];
    let (mut a, mut b) = connected();
    let offer = |a: &mut Negotiation, name: &str| {
        let transport = TransportDescription { fingerprints: other(), ..transport(name) };
        a.create_offer(&OfferOptions::default(), &transport).unwrap()
    };
    assert_eq!(b.set_remote(&offer(&mut a, "a")), Err(JsepError::unsupported(0, Defect::CertificateChanged)));
    b.clone().set_remote(&offer(&mut a, "a2")).unwrap();

    let mut offer = super::offer(&mut a);
    assert_eq!(b.dtls_role(), Some(DtlsRole::Client));
    offer.sdp = offer.sdp.replace("setup:actpass", "setup:active");
    assert_eq!(b.set_remote(&offer), Err(JsepError::unsupported(0, Defect::InconsistentSetup)));
    offer.sdp = offer.sdp.replace("setup:active", "setup:passive");
    b.set_remote(&offer).unwrap();
}

#[test]
fn a_transport_that_no_section_used_starts_again() {
    let (mut a, mut b) = (peer(1), peer(2));
    let id = a.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    negotiate(&mut a, &mut b);
    a.stop(id).unwrap();
    let (here, there) = negotiate(&mut a, &mut b);
    assert_eq!((here.negotiated.unwrap().dtls_role, there.negotiated.unwrap().dtls_role), (None, None));
    b.add_track(TrackKind::Audio, "mic", &[]).unwrap();
    let (here, there) = negotiate(&mut b, &mut a);
    assert!(here.negotiated.unwrap().dtls_restart && there.negotiated.unwrap().dtls_restart);
    let (here, _) = negotiate(&mut b, &mut a);
    assert!(!here.negotiated.unwrap().dtls_restart);
}

#[test]
fn an_answer_that_names_another_role_does_not_change_a_running_connection() {
    let (mut a, mut b) = connected();
    let role = a.dtls_role();
    assert_eq!(role, Some(DtlsRole::Server));
    let offer = b.create_offer(&OfferOptions::default(), &transport("b")).unwrap();
    b.set_local(&offer).unwrap();
    a.set_remote(&offer).unwrap();
    let mut answer = a.create_answer(&transport("a")).unwrap();
    a.set_local(&answer).unwrap();
    assert!(answer.sdp.contains("a=setup:passive"));
    answer.sdp = answer.sdp.replace("a=setup:passive", "a=setup:active");
    b.set_remote(&answer).unwrap();
    assert_eq!(b.dtls_role(), Some(DtlsRole::Client));
}
