//! Telling protocols, and peers, apart on one socket.
//!
//! ```text
//!        +----------------+
//!        |        [0..3] -+--> STUN
//!        |      [16..19] -+--> ZRTP, not ours
//!  in -->|      [20..63] -+--> DTLS
//!        |      [64..79] -+--> TURN channel
//!        |    [128..191] -+--> RTP or RTCP
//!        +----------------+
//! ```
//! RFC 7983, section 7, updated by RFC 9443; RTP and RTCP apart by RFC 5761, section 4.

mod router;

pub use router::Demux;

/// What a datagram's first bytes say it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// A STUN message.
    Stun,
    /// A DTLS record.
    Dtls,
    /// TURN ChannelData.
    TurnChannel,
    /// An RTP packet.
    Rtp,
    /// An RTCP packet.
    Rtcp,
    /// None of these.
    Unknown,
}

impl PacketKind {
    /// Classifies a datagram in constant time.
    pub fn of(datagram: &[u8]) -> Self {
        match (datagram.first(), datagram.get(1)) {
            (Some(0..=3), _) => Self::Stun,
            (Some(20..=63), _) => Self::Dtls,
            (Some(64..=79), _) => Self::TurnChannel,
            (Some(128..=191), Some(192..=223)) => Self::Rtcp,
            (Some(128..=191), _) => Self::Rtp,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_has_its_protocol() {
        for byte in 0..=255u8 {
            let expected = match byte {
                0..=3 => PacketKind::Stun,
                20..=63 => PacketKind::Dtls,
                64..=79 => PacketKind::TurnChannel,
                128..=191 => PacketKind::Rtp,
                _ => PacketKind::Unknown,
            };
            assert_eq!(PacketKind::of(&[byte, 0]), expected);
        }
        assert_eq!(PacketKind::of(&[]), PacketKind::Unknown);
    }

    #[test]
    fn rtcp_is_told_from_rtp_by_its_second_byte() {
        assert_eq!(PacketKind::of(&[0x80, 200]), PacketKind::Rtcp);
        assert_eq!(PacketKind::of(&[0x80, 0x80 | 96]), PacketKind::Rtp);
    }

    #[test]
    fn dtls_13_ciphertext_is_dtls() {
        assert_eq!(PacketKind::of(&[0x2e, 0]), PacketKind::Dtls);
        assert_eq!(PacketKind::of(&[0x2f, 0]), PacketKind::Dtls);
    }
}
