//! A run of received SRTP packets, with every profile and encrypted extensions: nothing panics, state stays bounded.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sendrecv_crypto::default_provider;
use sendrecv_srtp::{MasterKey, Options, Receiver, SrtpProfile};

fuzz_target!(|input: (u8, Vec<Vec<u8>>)| {
    let (choice, mut packets) = input;
    let profile = SrtpProfile::ALL[usize::from(choice) % SrtpProfile::ALL.len()];
    let master = MasterKey::new(&vec![1; profile.key_len()], &vec![2; profile.salt_len()]);
    let encrypted_extensions = (1..16).collect();
    let options = Options { max_remote_sources: 4, encrypted_extensions, ..Options::default() };
    let mut receiver = Receiver::new(default_provider(), profile, &master, &options).unwrap();
    for packet in &mut packets {
        let len = packet.len();
        if let Ok(plain) = receiver.unprotect(packet) {
            assert!(plain.len() + profile.rtp_overhead() == len);
        }
    }
    assert!(receiver.sources().0 <= 4);
});
