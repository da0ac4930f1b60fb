use super::*;
use alloc::string::ToString;
use proptest::prelude::*;

fn parse(line: &str) -> Result<Candidate, CandidateError> {
    line.parse()
}

#[test]
fn the_prefixes_are_optional() {
    let bare = "1 1 udp 2130706431 10.0.1.1 8998 typ host";
    let parsed = parse(bare).unwrap();
    for line in [
        "candidate:1 1 UDP 2130706431 10.0.1.1 8998 typ host",
        "a=candidate:1 1 udp 2130706431 10.0.1.1 8998 typ host\r\n",
    ] {
        assert_eq!(parse(line).unwrap(), parsed);
    }
    assert_eq!(parsed.socket_addr(), "10.0.1.1:8998".parse().ok());
    assert_eq!(parsed.to_string(), "candidate:1 1 udp 2130706431 10.0.1.1 8998 typ host");
}

#[test]
fn chromium_tails_are_understood_and_unknown_ones_kept() {
    let line = "candidate:842163049 1 udp 1677729535 203.0.113.9 46154 typ srflx raddr 192.168.1.4 rport 46154 \
                generation 0 ufrag EEtu network-id 3 network-cost 10 x-shoe size-46";
    let candidate = parse(line).unwrap();
    assert_eq!(candidate.generation, Some(0));
    assert_eq!(candidate.ufrag.as_deref(), Some("EEtu"));
    assert_eq!((candidate.network_id, candidate.network_cost), (Some(3), Some(10)));
    assert_eq!(candidate.extensions, [("x-shoe".to_string(), "size-46".to_string())]);
    assert_eq!(candidate.to_string(), line);
}

#[test]
fn tcp_candidates_need_a_direction() {
    let line = "candidate:1 1 tcp 1518280447 192.0.2.7 9 typ host tcptype active";
    assert_eq!(parse(line).unwrap().transport, Transport::Tcp(TcpType::Active));
    assert_eq!(parse(line).unwrap().to_string(), line);
    assert_eq!(
        parse("candidate:1 1 tcp 1518280447 192.0.2.7 9 typ host"),
        Err(CandidateError::Missing(CandidateField::TcpType))
    );
    assert_eq!(parse(&line.replace("active", "lazy")), Err(CandidateError::Invalid(CandidateField::TcpType)));
}

#[test]
fn mdns_names_are_addresses() {
    let line = "candidate:1 1 udp 2113937151 3c4b1e5a-6f0e-4d2b-9f6e-5b1d1c0a7f3e.local 50000 typ host";
    let candidate = parse(line).unwrap();
    assert!(matches!(&candidate.address, CandidateAddress::Name(name) if name.ends_with(".local")));
    assert_eq!(candidate.socket_addr(), None);
    assert_eq!(candidate.to_string(), line);
}

#[test]
fn refusals_name_the_field() {
    use CandidateField as F;
    let cases = [
        ("", CandidateError::Missing(F::Foundation)),
        ("1!", CandidateError::Invalid(F::Foundation)),
        ("1 0 udp 1 1.1.1.1 1 typ host", CandidateError::Invalid(F::Component)),
        ("1 1 sctp 1 1.1.1.1 1 typ host", CandidateError::Unsupported(F::Transport)),
        ("1 1 udp -1 1.1.1.1 1 typ host", CandidateError::Invalid(F::Priority)),
        ("1 1 udp 4294967296 1.1.1.1 1 typ host", CandidateError::Invalid(F::Priority)),
        ("1 1 udp 1 1.1.1.999 1 typ host", CandidateError::Invalid(F::Address)),
        ("1 1 udp 1 1.1.1.1 65536 typ host", CandidateError::Invalid(F::Port)),
        ("1 1 udp 1 1.1.1.1 1 type host", CandidateError::Invalid(F::Kind)),
        ("1 1 udp 1 1.1.1.1 1 typ ghost", CandidateError::Unsupported(F::Kind)),
        ("1 1 udp 1 1.1.1.1 1 typ host raddr 1.2.3.4 rport x", CandidateError::Invalid(F::RelatedPort)),
        ("1 1 udp 1 1.1.1.1 1 typ host ufrag", CandidateError::Missing(F::Extension)),
    ];
    for (line, error) in cases {
        assert_eq!(parse(line), Err(error), "{line}");
    }
    assert_eq!(parse(&"1 ".repeat(2000)), Err(CandidateError::TooLong));
}

#[test]
fn a_flood_of_extensions_is_bounded() {
    let line = alloc::format!("1 1 udp 1 1.1.1.1 1 typ host{}", " a b".repeat(100));
    assert_eq!(parse(&line).unwrap().extensions.len(), MAX_EXTENSIONS);
}

#[test]
fn the_rfcs_and_browsers_examples_parse() {
    let lines = include_str!("../../../../../tests/vectors/ice/candidates.txt");
    let mut count = 0;
    for line in lines.lines().filter(|line| !line.is_empty()) {
        let candidate = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(parse(&candidate.to_string()), Ok(candidate), "{line}");
        count += 1;
    }
    assert!(count > 20);
}

prop_compose! {
    fn candidates()(
        foundation in "[a-zA-Z0-9+/]{1,32}", component in 1u16..=256, priority: u32, ip: IpAddr, port: u16,
        kind in prop::sample::select(alloc::vec![CandidateKind::Host, CandidateKind::Relayed]),
        tcp: bool, related: Option<(IpAddr, u16)>, ufrag in prop::option::of("[a-z]{4}"), cost: Option<u16>,
    ) -> Candidate {
        let mut candidate = Candidate::host((ip, port).into());
        candidate.foundation = foundation;
        candidate.component = component;
        candidate.priority = priority;
        candidate.kind = kind;
        candidate.transport = if tcp { Transport::Tcp(TcpType::SimultaneousOpen) } else { Transport::Udp };
        candidate.related = related.map(|(ip, port)| (ip.into(), port));
        candidate.ufrag = ufrag;
        candidate.network_cost = cost;
        candidate
    }
}

proptest! {
    #[test]
    fn what_is_printed_is_parsed_back(candidate in candidates()) {
        prop_assert_eq!(parse(&candidate.to_string()), Ok(candidate));
    }

    #[test]
    fn arbitrary_lines_do_not_panic(line in "(candidate:)?[ -~]{0,120}") {
        if let Ok(candidate) = parse(&line) {
            prop_assert_eq!(parse(&candidate.to_string()), Ok(candidate));
        }
    }
}
