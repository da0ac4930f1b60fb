//! Whatever comes in, parsing ends without a panic, and what it yields is written back without loss.

use proptest::prelude::*;
use sendrecv_sdp::SessionDescription;

fn round_trips(text: &str) {
    if let Ok(session) = SessionDescription::parse(text) {
        let written = session.to_string();
        let again = SessionDescription::parse(&written);
        assert_eq!(again.as_ref(), Ok(&session), "{text:?}\n{written:?}");
        assert_eq!(again.map(|session| session.to_string()), Ok(written));
        session.media.iter().for_each(|media| drop(media.codecs()));
    }
}

/// Lines near enough to real ones that the typed parsers get to see them.
fn line() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "candidate",
        "rtpmap",
        "fmtp",
        "rtcp-fb",
        "ssrc",
        "ssrc-group",
        "msid",
        "rid",
        "simulcast",
        "rtcp",
        "ptime",
        "maxptime",
        "mid",
        "rtcp-mux",
        "bundle-only",
        "sctp-port",
        "max-message-size",
        "sctp-init",
        "extmap",
        "ice-ufrag",
        "ice-pwd",
        "ice-options",
        "fingerprint",
        "setup",
        "tls-id",
        "sendrecv",
        "recvonly",
        "group",
        "msid-semantic",
        "identity",
        "ice-lite",
        "x-unknown",
    ]);
    let words = "[ -~]{0,12}|[0-9]{1,4} [a-z]{1,4}/[0-9]{1,5}(/2)?|[0-9]{1,3} [a-z]=[0-9];b|send [0-9a-c;,~]{1,8}|\
        [a-z0-9]{1,3} (send|recv) (pt=[0-9],[0-9];)?x=1|[0-9]{1,3}(/sendonly)? urn:x( y)?|[0-9]{1,5} IN IP4 x|\
        [a-z0-9+/]{22,24}|sha-256 ([0-9A-F]{2}:){1,3}[0-9a-f]{2}|(active|passive|actpass)|[0-9]{1,9}( [0-9]{1,9}){0,2}";
    prop_oneof![
        6 => (names, words).prop_map(|(name, value)| format!("a={name}:{value}")),
        1 => "[a-z]=[ -~\t]{0,16}",
        1 => "m=(audio|video|application|x) [0-9]{1,5}(/2)? [A-Z/]{1,9}( [0-9]{1,3}){0,4}",
        1 => "[ocbt]=(- 1 2 )?(IN IP6 ::1|AS:[0-9]{1,3}|[0-9]{1,20} 0)",
    ]
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text: String) {
        round_trips(&text);
        round_trips(&format!("v=0\r\n{text}"));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        round_trips(&format!("v=0\nm=audio 9 X 0\na={}", String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn reading_what_was_written_is_identity(
        session in prop::collection::vec(line(), 0..6), media in prop::collection::vec(line(), 0..12), lf: bool,
    ) {
        let end = if lf { "\n" } else { "\r\n" };
        let mut lines = vec!["v=0".to_owned()];
        lines.extend(session);
        lines.push("m=audio 9 UDP/TLS/RTP/SAVPF 0 96".to_owned());
        lines.extend(media);
        // One line that is refused hides the others: drop refused lines until the rest is read.
        while let Err(error) = SessionDescription::parse(&lines.join(end)) {
            lines.remove(error.line - 1);
        }
        round_trips(&lines.join(end));
    }
}
