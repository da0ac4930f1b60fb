use super::*;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

fn error(text: &str) -> ParseError {
    SessionDescription::parse(text).unwrap_err()
}

fn media(attributes: &str) -> MediaSection {
    let text = format!("v=0\nm=video 9 UDP/TLS/RTP/SAVPF 96 97 0\n{attributes}");
    SessionDescription::parse(&text).unwrap().media.remove(0)
}

#[test]
fn errors_name_the_line_and_the_field() {
    for (text, line, kind) in [
        ("", 1, ErrorKind::Version),
        ("\r\n\r\nv=1\r\n", 3, ErrorKind::Version),
        ("v=0\no=- x 1\n", 2, ErrorKind::Malformed("origin")),
        ("v=0\r\n\r\nc=IN IP5 ::1\r\n", 3, ErrorKind::Malformed("connection")),
        ("v=0\nfoo\n", 2, ErrorKind::Syntax),
        ("v=0\nA=x\n", 2, ErrorKind::Syntax),
        ("v=0\na=x\ry\n", 2, ErrorKind::ControlCharacter),
        ("v=0\na=x\0\n", 2, ErrorKind::ControlCharacter),
        ("v=0\ny=1\n", 2, ErrorKind::UnexpectedType('y')),
        ("v=0\nm=audio 9 X 0\nt=0 0\n", 3, ErrorKind::UnexpectedType('t')),
        ("v=0\nm=audio 65536 X 0\n", 2, ErrorKind::Malformed("media line")),
        ("v=0\nm=audio 9 X\n", 2, ErrorKind::Malformed("media line")),
        ("v=0\na=setup:both\n", 2, ErrorKind::Malformed("setup")),
        ("v=0\na=ice-ufrag:abc\n", 2, ErrorKind::Malformed("ice-ufrag")),
        ("v=0\na=fingerprint:sha-256 0\n", 2, ErrorKind::Malformed("fingerprint")),
        ("v=0\nm=audio 9 X 0\na=mid:0\na=mid:1\n", 4, ErrorKind::Conflict("mid")),
        ("v=0\nm=audio 9 X 0\na=sendrecv\na=recvonly\n", 4, ErrorKind::Conflict("direction")),
        ("v=0\nm=audio 9 X 0\na=sctp-port:65536\n", 3, ErrorKind::Malformed("sctp-port")),
        ("v=0\nm=audio 9 X 0\na=extmap:0 urn:x\n", 3, ErrorKind::Malformed("extmap")),
    ] {
        assert_eq!(error(text), ParseError { line, kind }, "{text:?}");
    }
}

#[test]
fn errors_read_well() {
    let error = error("v=0\na=setup:both\n");
    assert_eq!(error.to_string(), "line 2: malformed setup");
}

#[test]
fn sizes_are_bounded() {
    let long = format!("v=0\n{}", "a=x\n".repeat(MAX_BYTES / 4));
    assert_eq!(error(&long), ParseError { line: 1, kind: ErrorKind::TooLong });
    let many = format!("v=0\n{}", "a=x\n".repeat(MAX_LINES));
    assert_eq!(error(&many).kind, ErrorKind::TooManyLines);
    let sections = format!("v=0\n{}", "m=audio 9 X 0\n".repeat(MAX_MEDIA_SECTIONS + 1));
    assert_eq!(error(&sections).kind, ErrorKind::TooManyMediaSections);
}

#[test]
fn line_endings_may_be_mixed_and_the_last_missing() {
    let session = SessionDescription::parse("v=0\ns=x\r\n\r\na=ice-lite\nm=audio 9 X 0").unwrap();
    assert!(session.ice_lite);
    assert_eq!((session.name.as_str(), session.media.len()), ("x", 1));
}

#[test]
fn the_same_value_twice_is_no_conflict() {
    assert_eq!(media("a=mid:0\na=mid:0\n").mid.as_deref(), Some("0"));
}

#[test]
fn malformed_attributes_without_consequence_are_kept_as_written() {
    let section =
        media("a=rtpmap:97 rtx\na=rid:1 sideways\na=simulcast:send\na=ssrc:x cname:y\na=ptime:fast\n");
    let kept: Vec<_> = section.shared.other.iter().map(ToString::to_string).collect();
    assert_eq!(kept, ["rtpmap:97 rtx", "rid:1 sideways", "simulcast:send", "ssrc:x cname:y", "ptime:fast"]);
}

#[test]
fn codecs_take_the_order_of_the_m_line_and_feedback_for_all() {
    let section = media(
        "a=fmtp:97 apt=96\na=rtpmap:97 rtx/90000\na=rtpmap:96 VP8/90000\na=rtcp-fb:* nack\na=rtcp-fb:96 nack\n",
    );
    let codecs = section.codecs();
    let types: Vec<_> =
        codecs.iter().map(|codec| (codec.payload_type, codec.name.as_str(), codec.feedback.len())).collect();
    assert_eq!(types, [(96, "VP8", 1), (97, "rtx", 1), (0, "PCMU", 1)]);
    assert_eq!(codecs[1].apt(), Some(96));
}

#[test]
fn codecs_added_one_by_one_resolve_again() {
    let section =
        media("a=rtpmap:96 VP8/90000\na=rtcp-fb:96 nack pli\na=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\n");
    let mut copy = MediaSection::new(MediaKind::Video, 9, "UDP/TLS/RTP/SAVPF", Formats::default());
    section.codecs().iter().for_each(|codec| copy.add_codec(codec));
    assert_eq!(copy.formats.as_str(), "96 97 0");
    assert_eq!(copy.codecs(), section.codecs());
}

#[test]
fn simulcast_reads_alternatives_and_pauses() {
    let simulcast = media("a=simulcast:send 1;2,~3 recv 4\n").simulcast.unwrap();
    assert_eq!(simulcast.send[1][1], SimulcastId { rid: "3".into(), paused: true });
    assert_eq!(simulcast.to_string(), "send 1;2,~3 recv 4");
    assert_eq!(media("a=simulcast: send rid=0;1\n").simulcast.unwrap().to_string(), "send 0;1");
}

#[test]
fn rids_name_their_payload_types() {
    let section = media("a=rid:hi send pt=96,97;max-width=1280\n");
    assert_eq!(section.rids[0].payload_types().collect::<Vec<_>>(), [96, 97]);
    assert_eq!(section.rids[0].restrictions.number("max-width"), Some(1280));
}

#[test]
fn msids_may_have_no_stream_and_no_track() {
    let section = media("a=msid:- track\na=msid:stream\n");
    assert_eq!((section.msids[0].stream_id(), section.msids[0].track.as_deref()), (None, Some("track")));
    assert_eq!((section.msids[1].stream_id(), section.msids[1].track.as_deref()), (Some("stream"), None));
}

#[test]
fn header_extensions_at_session_level_come_first() {
    let text = "v=0\na=extmap:1 urn:a\nm=audio 9 X 0\na=extmap:200/sendonly urn:b short\n";
    let session = SessionDescription::parse(text).unwrap();
    let ids: Vec<_> = session.extmaps_of(0).map(|extmap| extmap.id).collect();
    assert_eq!(ids, [1, 200]);
    assert_eq!(session.media[0].extmap("urn:b").unwrap().attributes.as_deref(), Some("short"));
}

#[test]
fn directions_reverse_and_intersect() {
    assert_eq!(Direction::SendOnly.reversed(), Direction::RecvOnly);
    assert_eq!(Direction::SendOnly.intersect(Direction::RecvOnly), Direction::Inactive);
    assert_eq!(Direction::SendRecv.intersect(Direction::RecvOnly), Direction::RecvOnly);
}

#[test]
fn parameters_are_found_without_case_and_grow() {
    let mut parameters = Parameters::new("profile-level-id=42e01f; packetization-mode=1");
    assert_eq!(parameters.number::<u8>("Packetization-Mode"), Some(1));
    parameters.push("x", "y");
    assert_eq!(parameters.as_str(), "profile-level-id=42e01f; packetization-mode=1;x=y");
    assert_eq!(Parameters::new("0-15").iter().collect::<Vec<_>>(), [("0-15", "")]);
}

#[test]
fn times_and_repeats_are_kept() {
    let text = "v=0\r\no=- 1 1 IN IP4 x\r\ns=-\r\nt=1 2\r\nr=604800 3600 0\r\nt=0 0\r\nz=2882844526 -1h\r\n";
    assert_eq!(SessionDescription::parse(text).unwrap().to_string(), text);
}

#[test]
fn stray_controls_are_found_wherever_they_are() {
    for at in 0..40 {
        for byte in ["\0", "\r"] {
            let text = format!("v=0\r\na={}{byte}{}\r\na=y\r\n", "x".repeat(at), "z".repeat(40 - at));
            assert_eq!(error(&text), ParseError { line: 2, kind: ErrorKind::ControlCharacter }, "{text:?}");
        }
        let text = format!("v=0\ns={}\ni={}\n", "x".repeat(at), "z".repeat(40 - at));
        let session = SessionDescription::parse(&text).unwrap();
        assert_eq!((session.name.len(), session.information.unwrap().len()), (at, 40 - at));
    }
    assert!(SessionDescription::parse("v=0\r\na=x\r").is_ok(), "the last line feed may be missing");
}
