//! The wire format (RFC 9260, section 3): views over borrowed bytes, one file per chunk.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------------------------------------------------------+
//! |       Source Port Number      |     Destination Port Number   |
//! |                      Verification Tag                         |
//! |                           Checksum                            |
//! +---------------------------------------------------------------+
//! |   Chunk Type  |  Chunk Flags  |         Chunk Length          |
//! |                         Chunk Value ...                       |
//! +---------------------------------------------------------------+
//! |                         more chunks ...                       |
//! ```

mod abort;
mod cause;
mod chunk;
mod cookie;
mod data;
mod forward_tsn;
mod header;
mod heartbeat;
mod init;
mod pad;
mod reconfig;
mod sack;
mod shutdown;
mod tlv;

pub use abort::Abort;
pub use cause::{Cause, Causes, code};
pub use chunk::{Chunk, Chunks, kind};
pub use cookie::{write_cookie_ack, write_cookie_echo};
pub use data::{DataChunk, DataHeader};
pub use forward_tsn::{ForwardTsn, Skipped};
pub use header::{CHECKSUM_RANGE, CommonHeader, HEADER_LEN};
pub use heartbeat::{write_heartbeat, write_heartbeat_ack};
pub(crate) use init::report_unrecognized;
pub use init::{Init, InitExtensions};
pub use pad::write_pad;
pub use reconfig::{IncomingResetRequest, OutgoingResetRequest, ReconfigResponse, ResetResult};
pub use sack::{GapBlock, Sack};
pub use shutdown::{Shutdown, write_shutdown_ack, write_shutdown_complete};
pub use tlv::{Parameter, Parameters, parameter};

use core::fmt;
use sendrecv_core::Truncated;

/// Bytes that are not what the format says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed SCTP bytes")
    }
}

impl core::error::Error for Malformed {}

impl From<Truncated> for Malformed {
    fn from(_: Truncated) -> Self {
        Self
    }
}
