//! Every session description of the RFCs and browsers at hand is read, and written back without loss.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use sendrecv_sdp::{Attribute, Direction, ErrorKind, ParseError, SessionDescription, Setup};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/sdp")
}

fn read(name: &str) -> String {
    fs::read_to_string(vectors().join(name)).unwrap()
}

fn parse(name: &str) -> SessionDescription {
    SessionDescription::parse(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(vectors().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> =
        names.filter(|name| name.ends_with(".sdp")).map(|name| format!("{folder}/{name}")).collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

/// The m-lines of these examples hold placeholders or were cut by the page's layout: refused, at that very line.
const CUT: [(&str, usize); 7] = [
    ("./rfc5245-02.sdp", 8),
    ("./rfc5245-04.sdp", 8),
    ("./rfc8839-02.sdp", 10),
    ("./rfc8839-04.sdp", 10),
    ("./rfc8859-07.sdp", 7),
    ("./rfc8859-09.sdp", 9),
    ("./rfc8859-10.sdp", 13),
];

#[test]
fn every_example_parses_and_round_trips() {
    for name in files(".").into_iter().chain(files("jsep")).chain(files("browsers")) {
        let parsed = SessionDescription::parse(&read(&name));
        if let Some((_, line)) = CUT.iter().find(|(cut, _)| *cut == name) {
            assert_eq!(
                parsed,
                Err(ParseError { line: *line, kind: ErrorKind::Malformed("media line") }),
                "{name}"
            );
            continue;
        }
        let parsed = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
        let written = parsed.to_string();
        assert_eq!(SessionDescription::parse(&written).as_ref(), Ok(&parsed), "{name}");
    }
}

#[test]
fn nothing_a_browser_writes_is_lost() {
    for name in files("browsers") {
        let text = read(&name);
        let written = parse(&name).to_string();
        let sorted = |text: &str| {
            let mut lines: Vec<_> =
                text.lines().map(|line| line.trim().replace("msid-semantic: ", "msid-semantic:")).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&text), sorted(&written.replace("msid-semantic: ", "msid-semantic:")), "{name}");
    }
}

#[test]
fn browsers_leave_no_attribute_without_a_type_but_these() {
    for name in files("browsers") {
        let session = parse(&name);
        assert_eq!(session.shared.other, []);
        for media in &session.media {
            let known = |attribute: &&Attribute| !["rtcp-xr"].contains(&attribute.name.as_str());
            assert_eq!(
                media.shared.other.iter().filter(known).collect::<Vec<_>>(),
                Vec::<&Attribute>::new(),
                "{name}"
            );
        }
    }
}

/// Attribute lines of the RFCs that contradict their grammar where that is not overlooked.
const REFUSED: [&str; 7] = [
    "a=fingerprint: SHA-1 \\",
    "a=fingerprint:SHA-1 \\",
    "a=fingerprint:SHA-256 \\",
    "a=mid:v1 (max resolution)",
    "a=mid:v2 (medium resolution)",
    "a=mid:v3 (medium resolution)",
    "a=mid:v4 (small resolution)",
];

/// The words of a line without what writing normalises: case, blanks, the order of simulcast's halves, draft syntax.
fn normal(line: &str) -> Vec<String> {
    let line = line.to_ascii_lowercase().replace("rid=", "").replace(':', ": ");
    let mut words: Vec<_> =
        line.split_ascii_whitespace().filter(|word| *word != "\\").map(str::to_owned).collect();
    words.sort();
    words
}

#[test]
fn every_attribute_line_of_the_rfcs_round_trips() {
    let lines: BTreeMap<String, Vec<String>> = serde_json::from_str(&read("attribute_lines.json")).unwrap();
    for line in lines.into_values().flatten() {
        for prefix in ["v=0\r\n", "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"] {
            let text = format!("{prefix}{line}\r\n");
            match SessionDescription::parse(&text) {
                Ok(session) => {
                    let written = session.to_string();
                    assert_eq!(SessionDescription::parse(&written).unwrap(), session, "{line}");
                    assert!(written.lines().any(|own| normal(own) == normal(&line)), "{line}\n{written}");
                }
                Err(error) => assert!(REFUSED.contains(&line.as_str()), "{line}: {error}"),
            }
        }
    }
}

#[test]
fn chromium_codecs_resolve_in_the_order_of_the_m_line() {
    let offer = parse("browsers/chromium-offer-av-dc.sdp");
    let audio = offer.media[0].codecs();
    let names: Vec<_> = audio.iter().map(|codec| (codec.payload_type, codec.name.as_str())).collect();
    assert_eq!(names[..4], [(111, "opus"), (63, "red"), (9, "G722"), (0, "PCMU")]);
    assert_eq!((audio[0].clock_rate, audio[0].channels), (48_000, Some(2)));
    assert_eq!(audio[0].fmtp.get("useinbandfec"), Some("1"));
    assert_eq!(audio[1].fmtp.as_str(), "111/111");

    let video = offer.media[1].codecs();
    assert_eq!(video.len(), 23);
    assert_eq!(video[1].apt(), Some(96));
    assert_eq!(video[2].fmtp.get("PROFILE-LEVEL-ID"), Some("42001f"));
    assert_eq!(video[0].feedback.len(), 5);
    assert_eq!(offer.media[1].ssrc_groups[0].ssrcs, [4_054_839_788, 2_611_177_241]);
    assert!(offer.media[2].is_data_channel());
    assert_eq!(offer.media[2].max_message_size, Some(262_144));
}

#[test]
fn firefox_attributes_at_session_level_hold_for_every_section() {
    let offer = parse("browsers/firefox-offer-av-dc.sdp");
    assert_eq!(offer.group_of("BUNDLE", "2").unwrap().mids, ["0", "1", "2"]);
    for index in 0..3 {
        assert_eq!(offer.fingerprints_of(index)[0].algorithm, "sha-256");
        assert_eq!(offer.fingerprints_of(index)[0].bytes.len(), 32);
        assert_eq!(offer.setup_of(index), Some(Setup::ActPass));
        assert_eq!(offer.ice_options_of(index), ["trickle"]);
        assert_eq!(offer.direction_of(index), Direction::SendRecv);
        assert!(offer.end_of_candidates_of(index));
        assert_eq!(offer.ice_credentials_of(index).unwrap().0, "eaef7955");
    }
    let extmap = offer.media[0].extmap("urn:ietf:params:rtp-hdrext:csrc-audio-level").unwrap();
    assert_eq!((extmap.id, extmap.direction), (2, Some(Direction::RecvOnly)));
}

#[test]
fn a_simulcast_offer_names_its_streams() {
    let offer = parse("browsers/chromium-offer-simulcast.sdp");
    let simulcast = offer.media[0].simulcast.clone().unwrap();
    let rids: Vec<_> = simulcast.send.iter().map(|alternatives| alternatives[0].rid.as_str()).collect();
    assert_eq!(rids, ["q", "h", "f"]);
    assert_eq!(simulcast.reversed().recv.len(), 3);
    assert_eq!(offer.media[0].rids.len(), 3);
}

#[test]
fn a_rejected_section_is_told_from_a_bundle_only_one() {
    let offer = parse("jsep/offer-B1.sdp");
    assert_eq!(offer.media[1].port, 0);
    assert!(offer.media[1].bundle_only && !offer.media[1].is_rejected());
    assert!(parse("./rfc3264-04.sdp").media.iter().any(sendrecv_sdp::MediaSection::is_rejected));
}
