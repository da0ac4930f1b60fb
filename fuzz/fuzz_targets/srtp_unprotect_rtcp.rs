//! A run of received SRTCP packets, with every profile, encrypted or not: nothing panics, state stays bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sendrecv_crypto::default_provider;
use sendrecv_srtp::{MasterKey, Options, Receiver, SrtpProfile};

fuzz_target!(|input: (u8, bool, Vec<Vec<u8>>)| {
    let (choice, encrypt_rtcp, mut packets) = input;
    let profile = SrtpProfile::ALL[usize::from(choice) % SrtpProfile::ALL.len()];
    let master = MasterKey::new(&vec![1; profile.key_len()], &vec![2; profile.salt_len()]);
    let options = Options { max_remote_sources: 4, encrypt_rtcp, ..Options::default() };
    let mut receiver = Receiver::new(default_provider(), profile, &master, &options).unwrap();
    for packet in &mut packets {
        let len = packet.len();
        if let Ok(plain) = receiver.unprotect_rtcp(packet) {
            assert!(plain.len() + profile.rtcp_overhead() == len);
        }
    }
    assert!(receiver.sources().1 <= 4);
});
