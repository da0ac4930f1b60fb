//! What setting a description changed: plain values for whoever drives the transports and the media.

use super::{SignalingState, TrackKind, TransceiverId};
use alloc::string::String;
use alloc::vec::Vec;
use sendrecv_sdp::{Codec, Direction, ExtMap, Fingerprint, Rid, SimulcastStreams};

/// Everything that setting one description changed.
///
/// What concerns events is in the order W3C webrtc-pc, section 4.4.1.5, fires them: the signaling state, then tracks
/// muted, removed from streams, added to streams, and `track` events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The new signaling state, if it is another one.
    pub signaling_state: Option<SignalingState>,
    /// What happened to remote tracks.
    pub tracks: TrackChanges,
    /// Transceivers that stopped.
    pub stopped: Vec<TransceiverId>,
    /// Transceivers that are no longer part of the connection; all of them stopped.
    pub removed: Vec<TransceiverId>,
    /// The part to play in ICE; given with the first offer, whoever makes it.
    pub ice_role: Option<IceRole>,
    /// Our ICE credentials as described: candidates are to be gathered for them.
    pub local_transport: Option<LocalTransport>,
    /// How to reach the other side, as its description says. To be used once both sides are described, which is when
    /// an answer is set or an offer rolled back; with the offer it comes for information.
    pub remote_transport: Option<RemoteTransport>,
    /// What offer and answer agreed on.
    pub negotiated: Option<Negotiated>,
}

/// What happened to remote tracks, by transceiver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackChanges {
    /// Tracks the other side stopped sending.
    pub muted: Vec<TransceiverId>,
    /// Tracks that left a stream.
    pub removed: Vec<(String, TransceiverId)>,
    /// Tracks that joined a stream.
    pub added: Vec<(String, TransceiverId)>,
    /// `track` events: tracks the other side started to send, or put into another stream.
    pub events: Vec<TrackEvent>,
}

/// A `track` event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackEvent {
    /// The transceiver that receives the track.
    pub transceiver: TransceiverId,
    /// What it is.
    pub kind: TrackKind,
    /// The track's id.
    pub track: String,
    /// The streams it is in.
    pub streams: Vec<String>,
}

/// The part in ICE of whoever did or did not make the first offer (RFC 8445, section 6.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceRole {
    /// Nominates pairs.
    Controlling,
    /// Waits for nominations.
    Controlled,
}

/// Who opens the DTLS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsRole {
    /// `a=setup:active`.
    Client,
    /// `a=setup:passive`.
    Server,
}

/// The transport side of a local description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalTransport {
    /// The MID of the section that carries the candidates.
    pub mid: Option<String>,
    /// That section's index.
    pub m_line: usize,
    /// The ICE user fragment described.
    pub ice_ufrag: String,
    /// Whether it differs from the one before.
    pub restart: bool,
}

/// The transport side of a remote description: of the section that the others are bundled into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteTransport {
    /// The ICE user fragment.
    pub ice_ufrag: String,
    /// The ICE password.
    pub ice_pwd: String,
    /// ICE options, such as `trickle`, `ice2`, `renomination`.
    pub ice_options: Vec<String>,
    /// The other side is an ICE lite agent.
    pub ice_lite: bool,
    /// The credentials differ from those before.
    pub restart: bool,
    /// Values of the candidate attributes, as written.
    pub candidates: Vec<String>,
    /// No more candidates follow.
    pub end_of_candidates: bool,
    /// One of these its certificate must match.
    pub fingerprints: Vec<Fingerprint>,
}

/// What offer and answer agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Who opens the DTLS connection; `None` when every section is refused: then the transport is gone.
    pub dtls_role: Option<DtlsRole>,
    /// A new DTLS connection is needed, although there was one: the certificate changed, or the transport was gone.
    pub dtls_restart: bool,
    /// One entry for each media section in use, in the order of the m-lines.
    pub media: Vec<MediaParameters>,
    /// The data channels' association, if there is one.
    pub sctp: Option<SctpParameters>,
    /// Header extensions of one and two bytes may be mixed in one stream.
    pub extmap_allow_mixed: bool,
}

/// What was agreed on for one media section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaParameters {
    /// The transceiver it belongs to.
    pub transceiver: TransceiverId,
    /// What it carries.
    pub kind: TrackKind,
    /// Its name; `None` when the other side names no sections.
    pub mid: Option<String>,
    /// Which ways media flows, seen from here.
    pub direction: Direction,
    /// RTCP packets of reduced size may be sent (RFC 5506).
    pub rtcp_rsize: bool,
    /// How to send; holds also while the direction says not to.
    pub send: SendParameters,
    /// How to receive.
    pub receive: ReceiveParameters,
}

/// A codec that was agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegotiatedCodec {
    /// The codec under its payload type in this direction, with the feedback both sides know.
    pub codec: Codec,
    /// The payload type of its retransmissions.
    pub rtx: Option<u8>,
}

/// How to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendParameters {
    /// What the other side takes; the first is what to use unless the application wants another.
    pub codecs: Vec<NegotiatedCodec>,
    /// Header extensions the other side takes.
    pub header_extensions: Vec<ExtMap>,
    /// What we send: one stream, or with simulcast one for each encoding that the other side takes.
    pub encodings: Vec<SendEncoding>,
    /// The most to send, bits per second of RTP (RFC 9429, section 5.10; from `TIAS` or `AS`).
    pub max_bitrate: Option<u64>,
}

/// A stream that we send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendEncoding {
    /// Its id, if it was made as one of several.
    pub rid: Option<String>,
    /// Whether its packets are to carry the id, because both descriptions have it.
    pub named: bool,
    /// Whether anything is to be sent.
    pub active: bool,
    /// The source of our media.
    pub ssrc: u32,
    /// The source of our retransmissions.
    pub rtx_ssrc: u32,
}

/// How to receive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiveParameters {
    /// What we take, under the payload types we gave them.
    pub codecs: Vec<NegotiatedCodec>,
    /// Header extensions to expect.
    pub header_extensions: Vec<ExtMap>,
    /// The sources the other side announced.
    pub sources: Vec<RemoteSource>,
    /// The restricted streams that the other side sends, by their ids.
    pub rids: Vec<Rid>,
    /// The simulcast streams it was told to send.
    pub simulcast: SimulcastStreams,
}

/// A source that the other side announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSource {
    /// The source of its media.
    pub ssrc: u32,
    /// The source of its retransmissions, if announced (`FID`).
    pub rtx_ssrc: Option<u32>,
    /// Its canonical name.
    pub cname: Option<String>,
}

/// The data channels' association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SctpParameters {
    /// The MID of its section.
    pub mid: Option<String>,
    /// Our port.
    pub local_port: u16,
    /// The other side's port.
    pub remote_port: u16,
    /// The largest message the other side takes, bytes; `None`: any size.
    pub max_message_size: Option<u64>,
    /// The other side's SCTP INIT chunk, if both sides signalled theirs, to save the exchange of them on the wire.
    pub remote_init: Option<Vec<u8>>,
}
