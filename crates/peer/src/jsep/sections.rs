//! Media sections of our own descriptions.

use super::negotiation::has_option;
use super::simulcast::send_simulcast;
use super::{DtlsRole, Negotiation, Transceiver, TransportDescription};
use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use sendrecv_sdp::{
    self as sdp, Address, Attribute, Codec, Direction, Formats, MediaKind, MediaSection, Msid, Origin,
    RtcpAddress, Setup, SsrcAttribute, SsrcGroup, Timing,
};

/// The protocol of RTP sections we offer.
pub(crate) const RTP_PROTOCOL: &str = "UDP/TLS/RTP/SAVPF";
/// The protocol of data sections we offer.
pub(crate) const SCTP_PROTOCOL: &str = "UDP/DTLS/SCTP";
/// The format of data sections.
const SCTP_FORMAT: &str = "webrtc-datachannel";
/// The port that stands for "candidates follow" (RFC 8840, section 4.1.3).
const DISCARD_PORT: u16 = 9;

impl DtlsRole {
    /// The attribute value that announces the role.
    pub(crate) const fn setup(self) -> Setup {
        match self {
            Self::Client => Setup::Active,
            Self::Server => Setup::Passive,
        }
    }
}

impl Negotiation {
    /// The session-level part of a description, one version further on (RFC 9429, section 5.2.1).
    pub(crate) fn new_session(&mut self) -> sdp::SessionDescription {
        self.session_version = self.session_version.saturating_add(1);
        let mut session = sdp::SessionDescription {
            origin: Origin {
                session_id: self.session_id.to_string(),
                session_version: self.session_version,
                ..Origin::default()
            },
            name: "-".to_owned(),
            timings: vec![Timing::default()],
            msid_semantic: Some(" WMS *".to_owned()),
            ice_lite: self.config.ice_lite,
            ..sdp::SessionDescription::default()
        };
        session.shared.extmap_allow_mixed = true;
        session
    }

    /// Adds what a section says about the sender: the streams its track is in if it wants to send, and if `direction` lets
    /// it, the ids of simulcast streams or else the sources. `offered` is the section that is answered, if one is.
    pub(crate) fn describe_sender(
        &self,
        media: &mut MediaSection,
        transceiver: &Transceiver,
        direction: Direction,
        offered: Option<&MediaSection>,
    ) {
        let sender = &transceiver.sender;
        if transceiver.direction.sends() {
            let none = ["-".to_owned()];
            let streams: &[String] = if sender.streams.is_empty() { &none } else { &sender.streams };
            let msid = |stream: &String| Msid { stream: stream.clone(), track: sender.track.clone() };
            media.msids = streams.iter().map(msid).collect();
        }
        if direction.sends()
            && !send_simulcast(media, sender, offered)
            && let Some(encoding) = sender.encodings.first()
        {
            let mut ssrcs = vec![encoding.ssrc];
            if media.rtpmaps.iter().any(|map| map.name.eq_ignore_ascii_case("rtx")) {
                ssrcs.push(encoding.rtx_ssrc);
                media.ssrc_groups.push(SsrcGroup::fid(encoding.ssrc, encoding.rtx_ssrc));
            }
            let cname = Attribute::new("cname", &self.config.cname);
            media.ssrcs =
                ssrcs.into_iter().map(|ssrc| SsrcAttribute { ssrc, attribute: cname.clone() }).collect();
        }
    }

    /// Adds the SCTP attributes of a data section (RFC 8841).
    pub(crate) fn describe_data(&self, media: &mut MediaSection, transport: &TransportDescription) {
        media.sctp_port = Some(self.config.data.sctp_port);
        media.max_message_size = Some(self.config.data.max_message_size);
        media.sctp_init.clone_from(&transport.sctp_init);
    }

    /// A local description with the candidates gathered so far, for sections that have these credentials.
    ///
    /// `description` is one of [`current_local_description`](Self::current_local_description) and
    /// [`pending_local_description`](Self::pending_local_description); without a pending one it is the current one.
    pub fn describe(&self, transport: &TransportDescription) -> Option<super::SessionDescription> {
        let local = self.latest_local()?;
        let mut session = sdp::SessionDescription::clone(local.parsed());
        let own = |media: &MediaSection| media.shared.ice_ufrag.as_deref() == Some(&transport.ice_ufrag);
        let tag = super::negotiation::transport_section(&session);
        for (index, media) in session.media.iter_mut().enumerate().filter(|(_, media)| own(media)) {
            place(media, transport);
            if Some(index) == tag {
                list_candidates(media, transport);
            }
        }
        Some(super::SessionDescription { kind: local.kind, sdp: session.to_string() })
    }
}

/// An RTP section with its codecs.
pub(crate) fn rtp_section(
    kind: MediaKind,
    protocol: &str,
    mid: Option<&str>,
    codecs: &[Codec],
) -> MediaSection {
    let mut media = MediaSection::new(kind, DISCARD_PORT, protocol, Formats::default());
    media.mid = mid.map(ToOwned::to_owned);
    codecs.iter().for_each(|codec| media.add_codec(codec));
    media.rtcp_mux = true;
    media.rtcp_rsize = true;
    media
}

/// A section for data channels.
pub(crate) fn data_section(protocol: &str, mid: Option<&str>) -> MediaSection {
    let formats = [SCTP_FORMAT].into_iter().collect();
    let mut media = MediaSection::new(MediaKind::Application, DISCARD_PORT, protocol, formats);
    media.mid = mid.map(ToOwned::to_owned);
    media
}

/// A section that is refused, or that refuses `like`.
pub(crate) fn refused_section(like: &MediaSection) -> MediaSection {
    let mut media = MediaSection::new(like.kind.clone(), 0, &like.protocol, like.formats.clone());
    media.connections = vec![Address::unspecified()];
    media.mid.clone_from(&like.mid);
    if like.is_rtp() {
        media.shared.direction = Some(Direction::Inactive);
    }
    media
}

/// Adds the transport attributes; all sections in use carry the same ones, the first one also the candidates.
pub(crate) fn describe_transport(media: &mut MediaSection, transport: &TransportDescription, setup: Setup) {
    media.shared.ice_ufrag = Some(transport.ice_ufrag.clone());
    media.shared.ice_pwd = Some(transport.ice_pwd.clone());
    media.shared.ice_options.clone_from(&transport.ice_options);
    media.shared.fingerprints.clone_from(&transport.fingerprints);
    media.shared.setup = Some(setup);
    place(media, transport);
}

/// Adds the candidates, to the section that the others are bundled into.
pub(crate) fn list_candidates(media: &mut MediaSection, transport: &TransportDescription) {
    media.candidates.clone_from(&transport.candidates);
    media.shared.end_of_candidates = transport.end_of_candidates;
}

/// Fills in port and address of the default candidate.
fn place(media: &mut MediaSection, transport: &TransportDescription) {
    let address = transport.default_address;
    media.port = address.map_or(DISCARD_PORT, |address| address.port());
    media.connections = vec![address.map_or_else(Address::unspecified, |address| address.ip().into())];
}

/// `a=rtcp` of a section whose multiplexing is not agreed on yet (RFC 9429, section 5.2.1).
pub(crate) fn default_rtcp() -> RtcpAddress {
    RtcpAddress { port: DISCARD_PORT, address: Some(Address::unspecified()) }
}

/// Our ICE options, as far as the offer has them too (RFC 9429, section 5.3.1).
pub(crate) fn answered_ice_options(ours: &[String], offered: &[String]) -> Vec<String> {
    ours.iter().filter(|option| has_option(offered, option)).cloned().collect()
}
