//! The header extensions that a packet gets when it is sent.

use crate::parameters::SectionParameters;
use alloc::string::String;
use alloc::sync::Arc;
use sendrecv_core::Instant;
use sendrecv_rtp::extension::{
    AbsSendTime, ExtensionBlock, ExtensionKind, ExtensionMap, TransportSequenceNumber,
};

/// What a packet was stamped with: a repetition under the same number must have it, too, so that it is the same packet
/// (RFC 3711, section 9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamped {
    transport_sequence: u16,
    at: Instant,
    named: bool,
}

/// Which extensions were agreed on that are stamped, and the names that go into some of them.
#[derive(Debug)]
pub(crate) struct Stamper {
    transport_sequence: Option<u8>,
    send_time: Option<u8>,
    mid: Option<u8>,
    name: String,
    rid: Option<u8>,
    repaired_rid: Option<u8>,
    stream: Option<Arc<str>>,
}

impl Stamper {
    /// For a stream of this section, and of this RtpStreamId if it is one of several.
    pub(crate) fn new(parameters: &SectionParameters, stream: Option<Arc<str>>) -> Self {
        let ids: &ExtensionMap = &parameters.extensions;
        Self {
            transport_sequence: ids.id(ExtensionKind::TransportSequenceNumber),
            send_time: ids.id(ExtensionKind::AbsSendTime),
            mid: ids.id(ExtensionKind::Mid),
            name: parameters.mid.clone(),
            rid: ids.id(ExtensionKind::RtpStreamId),
            repaired_rid: ids.id(ExtensionKind::RepairedRtpStreamId),
            stream,
        }
    }

    /// The stream's RtpStreamId.
    pub(crate) fn rid(&self) -> Option<&str> {
        self.stream.as_deref()
    }

    /// Whether packets get a transport-wide sequence number.
    pub(crate) const fn counts(&self) -> bool {
        self.transport_sequence.is_some()
    }

    /// What a packet is stamped with that is sent now for the first time; `named` if the peer may not know its section.
    pub(crate) const fn fresh(&self, now: Instant, transport_sequence: u16, named: bool) -> Stamped {
        Stamped { transport_sequence, at: now, named }
    }

    /// The elements, of a retransmission on a stream of its own if `repairs`. None is too many for a block: together they
    /// take less than 60 bytes.
    pub(crate) fn block(&self, stamped: Stamped, repairs: bool) -> ExtensionBlock {
        let mut block = ExtensionBlock::new();
        let mut put = |id: Option<u8>, data: &[u8]| {
            if let Some(id) = id {
                block.push(id, data).unwrap_or_default();
            }
        };
        put(self.transport_sequence, &TransportSequenceNumber(stamped.transport_sequence).to_bytes());
        put(self.send_time, &AbsSendTime::at(stamped.at).to_bytes());
        if stamped.named {
            put(self.mid, self.name.as_bytes());
            if let Some(stream) = &self.stream {
                put(if repairs { self.repaired_rid } else { self.rid }, stream.as_bytes());
            }
        }
        block
    }
}
