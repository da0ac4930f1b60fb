//! Any bytes as an RTP packet; what parses is forwarded, and the copy parses to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sendrecv_rtp::extension::{ExtensionBlock, ExtensionKind, ExtensionMap, ExtensionTranslation};
use sendrecv_rtp::{RtpPacket, write_forwarded};

fuzz_target!(|bytes: &[u8]| {
    let Ok(packet) = RtpPacket::parse(bytes) else { return };
    let ids: ExtensionMap = [(1, ExtensionKind::AudioLevel), (200, ExtensionKind::ColorSpace)].into_iter().collect();
    let translation = ExtensionTranslation::new(&ids, &ids);
    let mut copy = Vec::new();
    if write_forwarded(&packet, &packet.header(), ExtensionBlock::new(), &translation, &mut copy).is_ok() {
        let again = RtpPacket::parse(&copy).expect("what is written parses");
        assert_eq!((again.header(), again.payload()), (packet.header(), packet.payload()));
    }
});
