//! Priorities of candidates and pairs (RFC 8445, sections 5.1.2 and 6.1.2.3; RFC 8421; RFC 6544, section 4.2).

use crate::candidate::{CandidateKind, TcpType, Transport};
use sendrecv_core::Protocol;

/// The recommended type preference, 0 to 126. UDP is preferred over TCP of any type but relayed.
pub(crate) const fn type_preference(kind: CandidateKind, transport: Transport) -> u8 {
    match (transport, kind) {
        (Transport::Udp, CandidateKind::Host) => 126,
        (Transport::Udp, CandidateKind::PeerReflexive) => 110,
        (Transport::Udp, CandidateKind::ServerReflexive) => 100,
        (Transport::Tcp(_), CandidateKind::Host) => 90,
        (Transport::Tcp(_), CandidateKind::PeerReflexive) => 80,
        (Transport::Tcp(_), CandidateKind::ServerReflexive) => 70,
        (_, CandidateKind::Relayed) => 0,
    }
}

/// The type preference of a relayed candidate by how its server is reached: datagrams before streams.
pub(crate) const fn relay_type_preference(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Udp => 2,
        Protocol::Tcp => 1,
        Protocol::Tls => 0,
    }
}

/// The local preference of a candidate on an address that has the preference `address` (larger is better). TCP puts
/// its direction into the upper three bits.
pub(crate) fn local_preference(transport: Transport, kind: CandidateKind, address: u16) -> u16 {
    let Transport::Tcp(direction) = transport else { return address };
    let direction = match (kind, direction) {
        (CandidateKind::ServerReflexive, TcpType::SimultaneousOpen) | (_, TcpType::Active) => 6,
        (CandidateKind::ServerReflexive, TcpType::Passive) | (_, TcpType::SimultaneousOpen) => 2,
        (_, TcpType::Passive) => 4,
    };
    (direction << 13) | (address >> 3)
}

/// The preference of a local address: cheap networks first, and families taking turns with IPv6 in front, so that
/// neither can starve the other (RFC 8421, section 4).
///
/// `rank` counts the addresses of the same family that were there before; `cost` is libwebrtc's network cost.
pub(crate) fn address_preference(ipv6: bool, rank: usize, cost: u16) -> u16 {
    let turn = rank.saturating_mul(2).saturating_add(usize::from(!ipv6));
    let turn = u8::try_from(turn).unwrap_or(u8::MAX);
    let cost = u8::try_from(cost / 4).unwrap_or(u8::MAX);
    u16::from_be_bytes([u8::MAX - cost, u8::MAX - turn])
}

/// A candidate's priority for component 1: `2^24 * type + 2^8 * local + (256 - component)`.
pub(crate) const fn candidate(type_preference: u8, local_preference: u16) -> u32 {
    let [a, b] = local_preference.to_be_bytes();
    u32::from_be_bytes([type_preference, a, b, 255])
}

/// A pair's priority: `2^32 * min + 2 * max + (1 if the controlling side's is larger)`.
pub(crate) fn pair(controlling: u32, controlled: u32) -> u64 {
    let (low, high) = (controlling.min(controlled), controlling.max(controlled));
    // Cannot overflow: (2^32 - 1) * 2^32 + 2 * (2^32 - 1) + 1 would need min = max, which excludes the 1.
    (u64::from(low) << 32)
        .wrapping_add(u64::from(high) << 1)
        .wrapping_add(u64::from(controlling > controlled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rfcs_numbers_come_out() {
        assert_eq!(candidate(126, 65535), 2_130_706_431);
        assert_eq!(candidate(100, 65535), 1_694_498_815);
        assert_eq!(candidate(0, 65535), 16_777_215);
        assert_eq!(pair(2_130_706_431, 2_130_706_431), 9_151_314_442_783_293_438);
        assert_eq!(pair(2_130_706_431, 1_694_498_815), 7_277_816_997_797_167_103);
        assert_eq!(pair(1_694_498_815, 2_130_706_431), 7_277_816_997_797_167_102);
        assert_eq!(pair(16_777_215, 2_130_706_431), 72_057_594_004_373_502);
        assert_eq!(pair(1, u32::MAX), 12_884_901_886);
        assert_eq!(pair(u32::MAX, 1), 12_884_901_887);
    }

    #[test]
    fn families_take_turns_and_cost_comes_first() {
        let order =
            [(true, 0, 0), (false, 0, 0), (true, 1, 0), (false, 1, 0), (true, 0, 10), (false, 0, 999)];
        let values = order.map(|(ipv6, rank, cost)| address_preference(ipv6, rank, cost));
        assert!(values.is_sorted_by(|a, b| a > b), "{values:?}");
    }

    #[test]
    fn tcp_directions_are_ranked_as_rfc_6544_says() {
        let rank = |kind, direction| local_preference(Transport::Tcp(direction), kind, u16::MAX);
        let host = [TcpType::Active, TcpType::Passive, TcpType::SimultaneousOpen];
        assert_eq!(host.map(|direction| rank(CandidateKind::Host, direction) >> 13), [6, 4, 2]);
        assert_eq!(rank(CandidateKind::Host, TcpType::Active) & 0x1fff, 8191);
        assert_eq!(rank(CandidateKind::ServerReflexive, TcpType::SimultaneousOpen) >> 13, 6);
    }
}
