//! Recording everything that enters a connection, and playing it again.
//!
//! A connection is a function of its seed, its configuration and its inputs: so a recording of those, with a hash of
//! every datagram that came out, shows whether another run does the same, and at which input it first does not.

mod input;
mod replay;

pub(crate) use input::Input;
pub use replay::{ReplayError, ReplayReport, replay};

use crate::configuration::{Configuration, DtlsVersion, Settings};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use sendrecv_core::{Instant, Path, Seed};
use sendrecv_media::CongestionControl;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A recorded session. It holds the seed, and so every secret of the session: treat it like a private key.
#[derive(Clone, Serialize, Deserialize)]
pub struct InputLog {
    version: u32,
    seed: [u8; 32],
    start: Instant,
    configuration: Configuration,
    settings: RecordedSettings,
    inputs: Vec<Input>,
}

/// What of [`Settings`] decides the bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct RecordedSettings {
    unix_ms_at_epoch: u64,
    dtls_12: bool,
    dtls_13: bool,
    ice_lite: bool,
    ice_renomination: bool,
    ice_ufrag_prefix: String,
    initial_packet_size: usize,
    max_ip_packet_size: usize,
    max_message_size: u32,
    snap: bool,
    sped: bool,
    receive_simulcast: bool,
    media_congestion_control: Option<RecordedControl>,
    cname: String,
}

/// [`CongestionControl`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct RecordedControl {
    start_bps: u64,
    min_bps: u64,
    max_bps: u64,
    probing: bool,
}

impl From<CongestionControl> for RecordedControl {
    fn from(control: CongestionControl) -> Self {
        let CongestionControl { start_bps, min_bps, max_bps, probing } = control;
        Self { start_bps, min_bps, max_bps, probing }
    }
}

impl From<RecordedControl> for CongestionControl {
    fn from(control: RecordedControl) -> Self {
        let RecordedControl { start_bps, min_bps, max_bps, probing } = control;
        Self { start_bps, min_bps, max_bps, probing }
    }
}

/// The layout of recordings this version writes and reads.
const VERSION: u32 = 6;

/// Why bytes are not a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// They end early, or are something else.
    #[error("not a recording, or a damaged one")]
    Malformed,
    /// Another version of this library wrote them.
    #[error("a recording in version {0} of the format, which is not known here")]
    Version(u32),
}

impl InputLog {
    /// The recording as bytes.
    pub fn encode(&self) -> Vec<u8> {
        // Cannot fail: everything in it is plain data of known length.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// A recording from [`encode`](Self::encode)d bytes.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (version, _) = postcard::take_from_bytes::<u32>(bytes).map_err(|_| DecodeError::Malformed)?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        postcard::from_bytes(bytes).map_err(|_| DecodeError::Malformed)
    }

    /// How many inputs were recorded.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    fn configuration(&self) -> Configuration {
        let RecordedSettings { unix_ms_at_epoch, dtls_12, dtls_13, .. } = self.settings;
        Configuration {
            settings: Settings {
                unix_ms_at_epoch,
                dtls_min: if dtls_12 { DtlsVersion::Dtls12 } else { DtlsVersion::Dtls13 },
                dtls_max: if dtls_13 { DtlsVersion::Dtls13 } else { DtlsVersion::Dtls12 },
                ice_lite: self.settings.ice_lite,
                ice_renomination: self.settings.ice_renomination,
                ice_ufrag_prefix: self.settings.ice_ufrag_prefix.clone(),
                initial_packet_size: self.settings.initial_packet_size,
                max_ip_packet_size: self.settings.max_ip_packet_size,
                max_message_size: self.settings.max_message_size,
                snap: self.settings.snap,
                sped: self.settings.sped,
                receive_simulcast: self.settings.receive_simulcast,
                media_congestion_control: self.settings.media_congestion_control.map(CongestionControl::from),
                cname: self.settings.cname.clone(),
                ..Settings::default()
            },
            ..self.configuration.clone()
        }
    }
}

impl fmt::Debug for InputLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InputLog({} inputs)", self.inputs.len())
    }
}

/// The pen.
pub(crate) struct Recorder {
    log: InputLog,
}

impl Recorder {
    pub(crate) fn new(configuration: &Configuration, seed: &Seed, start: Instant) -> Self {
        let settings = &configuration.settings;
        let settings = RecordedSettings {
            unix_ms_at_epoch: settings.unix_ms_at_epoch,
            dtls_12: settings.dtls_min == DtlsVersion::Dtls12,
            dtls_13: settings.dtls_max == DtlsVersion::Dtls13,
            ice_lite: settings.ice_lite,
            ice_renomination: settings.ice_renomination,
            ice_ufrag_prefix: settings.ice_ufrag_prefix.clone(),
            initial_packet_size: settings.initial_packet_size,
            max_ip_packet_size: settings.max_ip_packet_size,
            max_message_size: settings.max_message_size,
            snap: settings.snap,
            sped: settings.sped,
            receive_simulcast: settings.receive_simulcast,
            media_congestion_control: settings.media_congestion_control.map(RecordedControl::from),
            cname: settings.cname.clone(),
        };
        let configuration = configuration.clone();
        let log = InputLog {
            version: VERSION,
            seed: *seed.expose(),
            start,
            configuration,
            settings,
            inputs: Vec::new(),
        };
        Self { log }
    }

    pub(crate) fn push(&mut self, input: Input) {
        self.log.inputs.push(input);
    }

    /// Records a poll, as a hash of what it gave. Polls that give nothing are part of the session too: time advances in
    /// them.
    pub(crate) fn push_transmit(
        &mut self,
        now: Instant,
        capacity: usize,
        path: Option<Path>,
        bytes: Option<&[u8]>,
    ) {
        let output = bytes.map(|bytes| hash(path, bytes));
        self.push(Input::Transmit { now, capacity, output });
    }

    pub(crate) fn into_log(self) -> InputLog {
        self.log
    }
}

/// FNV-1a over the path and the bytes of what was sent.
fn hash(path: Option<Path>, bytes: &[u8]) -> u64 {
    let path = path.map(|path| alloc::format!("{path:?}")).unwrap_or_default();
    extend_hash(extend_hash(HASH_START, path.as_bytes()), bytes)
}

const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;

fn extend_hash(start: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
