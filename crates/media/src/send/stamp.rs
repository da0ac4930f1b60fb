//! The header extensions that a packet gets when it is sent.

use crate::parameters::SectionParameters;
use alloc::string::String;
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

/// Which extensions were agreed on that are stamped, and the name that goes into one of them.
#[derive(Debug)]
pub(crate) struct Stamper {
    transport_sequence: Option<u8>,
    send_time: Option<u8>,
    mid: Option<u8>,
    name: String,
}

impl Stamper {
    pub(crate) fn new(parameters: &SectionParameters) -> Self {
        let ids: &ExtensionMap = &parameters.extensions;
        Self {
            transport_sequence: ids.id(ExtensionKind::TransportSequenceNumber),
            send_time: ids.id(ExtensionKind::AbsSendTime),
            mid: ids.id(ExtensionKind::Mid),
            name: parameters.mid.clone(),
        }
    }

    /// Whether packets get a transport-wide sequence number.
    pub(crate) const fn counts(&self) -> bool {
        self.transport_sequence.is_some()
    }

    /// What a packet is stamped with that is sent now for the first time; `named` if the peer may not know its section.
    pub(crate) const fn fresh(&self, now: Instant, transport_sequence: u16, named: bool) -> Stamped {
        Stamped { transport_sequence, at: now, named }
    }

    /// The elements. None is too many for a block: together they take less than 40 bytes.
    pub(crate) fn block(&self, stamped: Stamped) -> ExtensionBlock {
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
        }
        block
    }
}
