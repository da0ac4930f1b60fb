//! Fragments, skips and resets in any order reach an established association; its memory stays bounded.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use sendrecv_core::{Instant, Machine};
use sendrecv_sctp::wire::{CommonHeader, DataHeader, ForwardTsn, Init, Skipped};
use sendrecv_sctp::{Association, Config};

#[derive(Arbitrary, Debug)]
enum Piece {
    Data { tsn: u16, stream: u8, flags: u8, message_id: u32, fragment: u8, len: u8 },
    Skip { tsn: u32, stream: u8, message_id: u32, unordered: bool },
    Take,
}

fuzz_target!(|input: (bool, Vec<Piece>)| {
    let (interleaving, pieces) = input;
    let now = Instant::from_millis(1);
    let config = Config { interleaving, receive_buffer: 1 << 16, ..Config::default() };
    let mut machine = Association::new(config.clone(), &sendrecv_core::Seed::from_u64(1), now);
    let peer = Association::new(config, &sendrecv_core::Seed::from_u64(2), now);
    let init = peer.local_init();
    machine.connect_with_init(now, &init).expect("an INIT of ours");
    let own = machine.local_init();
    let own = sendrecv_sctp::wire::Chunks::new(&own).next().and_then(Result::ok).expect("an INIT of ours");
    let tag = Init::parse(&own).expect("an INIT of ours").initiate_tag;
    let first = sendrecv_sctp::wire::Chunks::new(&init).next().and_then(Result::ok).expect("an INIT of ours");
    let first_tsn = Init::parse(&first).expect("an INIT of ours").initial_tsn;
    for piece in pieces.into_iter().take(300) {
        let mut packet = Vec::new();
        let header = CommonHeader {
            source_port: 5000,
            destination_port: 5000,
            verification_tag: tag,
            checksum: [0; 4],
        };
        let _ = header.write(&mut packet);
        match piece {
            Piece::Data { tsn, stream, flags, message_id, fragment, len } => {
                let header = DataHeader {
                    interleaved: interleaving,
                    immediate: flags & 8 != 0,
                    unordered: flags & 4 != 0,
                    beginning: flags & 2 != 0,
                    ending: flags & 1 != 0,
                    tsn: first_tsn.wrapping_add(u32::from(tsn)),
                    stream: u16::from(stream),
                    message_id,
                    ppid: 0,
                    fragment: u32::from(fragment),
                };
                let _ = header.write(&vec![0; usize::from(len) + 1], &mut packet);
            }
            Piece::Skip { tsn, stream, message_id, unordered } => {
                let skipped = Skipped { stream: u16::from(stream), unordered, message_id };
                let tsn = first_tsn.wrapping_add(tsn);
                let _ = ForwardTsn::write(interleaving, tsn, [skipped].into_iter(), &mut packet);
            }
            Piece::Take => {
                while machine.poll_event().is_some() {}
                continue;
            }
        }
        let _ = machine.handle_datagram(now, &packet);
    }
    while machine.poll_event().is_some() {}
});
