//! Any bytes as an RTCP datagram; everything lazy in it is read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sendrecv_rtp::rtcp::{Compound, RtcpPacket};

fuzz_target!(|bytes: &[u8]| {
    let Ok(compound) = Compound::parse(bytes) else { return };
    for packet in compound.flatten() {
        std::hint::black_box(match packet {
            RtcpPacket::SenderReport(report) => report.blocks().count(),
            RtcpPacket::ReceiverReport(report) => report.blocks().count(),
            RtcpPacket::Sdes(sdes) => sdes.chunks().map(|chunk| chunk.items().count()).sum(),
            RtcpPacket::Bye(bye) => bye.ssrcs().count(),
            RtcpPacket::Nack(nack) => nack.sequence_numbers().count(),
            RtcpPacket::Twcc(twcc) => twcc.packets().count(),
            RtcpPacket::Ccfb(ccfb) => ccfb.reports().map(|report| report.packets().count()).sum(),
            RtcpPacket::Tmmbr(tmmb) | RtcpPacket::Tmmbn(tmmb) => tmmb.entries().count(),
            RtcpPacket::Fir(fir) => fir.entries().count(),
            RtcpPacket::Remb(remb) => remb.ssrcs().count(),
            RtcpPacket::Xr(xr) => xr.blocks().count(),
            RtcpPacket::App(_) | RtcpPacket::Pli(_) | RtcpPacket::Unknown(_) => 0,
        });
    }
});
