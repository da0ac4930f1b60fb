//! ICE's attributes (RFC 8445, section 7.1) and libwebrtc's additions to checks.

use super::macros::{bytes_attribute, flag_attribute, number_attribute};

number_attribute!(
    /// PRIORITY: what a peer-reflexive candidate found by this check would have as priority.
    Priority(u32) = PRIORITY
);
flag_attribute!(
    /// USE-CANDIDATE: the controlling agent nominates the pair.
    UseCandidate = USE_CANDIDATE
);
number_attribute!(
    /// ICE-CONTROLLED: the sender is controlled; its tie-breaker.
    IceControlled(u64) = ICE_CONTROLLED
);
number_attribute!(
    /// ICE-CONTROLLING: the sender is controlling; its tie-breaker.
    IceControlling(u64) = ICE_CONTROLLING
);
number_attribute!(
    /// NOMINATION: the number of a renomination; the highest wins (draft-thatcher-ice-renomination).
    Nomination(u32) = NOMINATION
);
number_attribute!(
    /// GOOG-NETWORK-INFO: network id in the upper half, network cost in the lower (libwebrtc).
    NetworkInfo(u32) = NETWORK_INFO
);
bytes_attribute!(
    /// META-DTLS-IN-STUN: a DTLS packet that rides on a connectivity check (libwebrtc).
    DtlsInStun = DTLS_IN_STUN
);
bytes_attribute!(
    /// META-DTLS-IN-STUN-ACKNOWLEDGEMENT: which DTLS packets arrived, a number of four bytes each (libwebrtc).
    DtlsInStunAck = DTLS_IN_STUN_ACK
);

impl DtlsInStunAck<'_> {
    /// The number that stands for a packet in the list, in network order: the CRC-32 that FINGERPRINT uses, as it is.
    pub fn number_of(packet: &[u8]) -> u32 {
        crc32fast::hash(packet)
    }
}
