//! Media sections: an m-line and what follows it (RFC 8866, section 5.14).

use crate::scan::{number, once, single, word};
use crate::{
    Address, Bandwidth, Codec, ErrorKind, ExtMap, FeedbackLine, Fmtp, Formats, Msid, Rid, RtpMap,
    SharedAttributes, Simulcast, SsrcAttribute, SsrcGroup, codec,
};
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What a media section is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// `audio`.
    Audio,
    /// `video`.
    Video,
    /// `application`: data channels.
    Application,
    /// `text`, `image`, `message`, or something newer.
    Other(String),
}

impl MediaKind {
    /// The name in the m-line.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Application => "application",
            Self::Other(name) => name,
        }
    }

    fn parse(name: &str) -> Self {
        match name {
            "audio" => Self::Audio,
            "video" => Self::Video,
            "application" => Self::Application,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `a=rtcp:<port> [<address>]` (RFC 3605): where RTCP would go without multiplexing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RtcpAddress {
    /// The port.
    pub port: u16,
    /// The address, if it is not the section's.
    pub address: Option<Address>,
}

impl RtcpAddress {
    fn parse(value: &str) -> Option<Self> {
        let (port, address) = word(value.trim_ascii_end());
        let address = if address.is_empty() { None } else { Some(Address::parse(address)?) };
        Some(Self { port: number(port)?, address })
    }
}

impl fmt::Display for RtcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.port)?;
        self.address.as_ref().map_or(Ok(()), |address| write!(f, " {address}"))
    }
}

/// One m-line with its connection, bandwidth and attribute lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaSection {
    /// What it is about.
    pub kind: MediaKind,
    /// The default port; 0 when the section is rejected or bundle-only, 9 when candidates are still to come.
    pub port: u16,
    /// The number of ports, if written.
    pub port_count: Option<u16>,
    /// The transport, e.g. `UDP/TLS/RTP/SAVPF`.
    pub protocol: String,
    /// The formats in order of preference.
    pub formats: Formats,
    /// `i=`: a title for people.
    pub title: Option<String>,
    /// `c=` lines; several only for layered multicast.
    pub connections: Vec<Address>,
    /// `b=` lines.
    pub bandwidths: Vec<Bandwidth>,
    /// Names the section (RFC 5888, section 4).
    pub mid: Option<String>,
    /// Attributes that the session may have as well.
    pub shared: SharedAttributes,
    /// Values of `a=candidate` as written (RFC 8839, section 5.1).
    pub candidates: Vec<String>,
    /// Where RTCP would go without multiplexing (RFC 3605).
    pub rtcp: Option<RtcpAddress>,
    /// RTP and RTCP share a port (RFC 5761, section 5.1.1).
    pub rtcp_mux: bool,
    /// They share it in any case (RFC 8858).
    pub rtcp_mux_only: bool,
    /// RTCP packets of reduced size are welcome (RFC 5506, section 5).
    pub rtcp_rsize: bool,
    /// The section exists only as part of its bundle (RFC 9143, section 6).
    pub bundle_only: bool,
    /// Encodings of the payload types.
    pub rtpmaps: Vec<RtpMap>,
    /// Parameters of the payload types.
    pub fmtps: Vec<Fmtp>,
    /// Feedback per payload type.
    pub rtcp_feedback: Vec<FeedbackLine>,
    /// Preferred length of audio packets, milliseconds (RFC 8866, section 6.4).
    pub ptime: Option<u32>,
    /// Longest audio packets, milliseconds (RFC 8866, section 6.5).
    pub maxptime: Option<u32>,
    /// Streams of the section's track (RFC 8830).
    pub msids: Vec<Msid>,
    /// Facts about sources (RFC 5576, section 4.1).
    pub ssrcs: Vec<SsrcAttribute>,
    /// Sources that belong together (RFC 5576, section 4.2).
    pub ssrc_groups: Vec<SsrcGroup>,
    /// Restricted streams (RFC 8851).
    pub rids: Vec<Rid>,
    /// Simulcast streams (RFC 8853).
    pub simulcast: Option<Simulcast>,
    /// The SCTP port (RFC 8841, section 5).
    pub sctp_port: Option<u16>,
    /// Largest SCTP user message the author takes, bytes; 0 means any (RFC 8841, section 6).
    pub max_message_size: Option<u64>,
    /// The author's SCTP INIT chunk in base64, to save the exchange of it on the wire.
    pub sctp_init: Option<String>,
}

impl MediaSection {
    /// A section with nothing but its m-line.
    pub fn new(kind: MediaKind, port: u16, protocol: &str, formats: Formats) -> Self {
        Self {
            kind,
            port,
            port_count: None,
            protocol: protocol.to_owned(),
            formats,
            title: None,
            connections: Vec::new(),
            bandwidths: Vec::new(),
            mid: None,
            shared: SharedAttributes::default(),
            candidates: Vec::new(),
            rtcp: None,
            rtcp_mux: false,
            rtcp_mux_only: false,
            rtcp_rsize: false,
            bundle_only: false,
            rtpmaps: Vec::new(),
            fmtps: Vec::new(),
            rtcp_feedback: Vec::new(),
            ptime: None,
            maxptime: None,
            msids: Vec::new(),
            ssrcs: Vec::new(),
            ssrc_groups: Vec::new(),
            rids: Vec::new(),
            simulcast: None,
            sctp_port: None,
            max_message_size: None,
            sctp_init: None,
        }
    }

    /// Whether the protocol is a profile of RTP.
    pub fn is_rtp(&self) -> bool {
        self.protocol.contains("RTP/")
    }

    /// Whether the section is for data channels (RFC 8841, section 4).
    pub fn is_data_channel(&self) -> bool {
        self.kind == MediaKind::Application
            && self.protocol.contains("DTLS/SCTP")
            && self.formats.contains("webrtc-datachannel")
    }

    /// Whether the section's author refuses it: port 0, and not because it only exists in a bundle.
    pub fn is_rejected(&self) -> bool {
        self.port == 0 && !self.bundle_only
    }

    /// The payload types of the m-line in its order, with what rtpmap, fmtp and rtcp-fb lines say about each; those
    /// nothing is known about are left out.
    pub fn codecs(&self) -> Vec<Codec> {
        codec::resolve(self)
    }

    /// Adds a codec behind those present: to the m-line, and as rtpmap, fmtp and rtcp-fb lines.
    pub fn add_codec(&mut self, codec: &Codec) {
        let payload_type = codec.payload_type;
        self.formats.push_payload_type(payload_type);
        self.rtpmaps.push(RtpMap {
            payload_type,
            name: codec.name.clone(),
            clock_rate: codec.clock_rate,
            channels: codec.channels,
        });
        if !codec.fmtp.is_empty() {
            self.fmtps.push(Fmtp { payload_type, parameters: codec.fmtp.clone() });
        }
        let lines = codec.feedback.iter().cloned();
        self.rtcp_feedback
            .extend(lines.map(|feedback| FeedbackLine { payload_type: Some(payload_type), feedback }));
    }

    /// The header extension numbered for `uri`, in this section alone.
    pub fn extmap(&self, uri: &str) -> Option<&ExtMap> {
        self.shared.extmaps.iter().find(|extmap| extmap.uri == uri)
    }

    /// Parses the value of an m-line.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (kind, rest) = word(value);
        let (port, rest) = word(rest);
        let (protocol, formats) = word(rest);
        let (port, port_count) = match port.split_once('/') {
            Some((port, count)) => (port, Some(number(count)?)),
            None => (port, None),
        };
        let formats = Formats::parse(formats);
        if kind.is_empty() || protocol.is_empty() || formats.is_empty() {
            return None;
        }
        let mut section = Self::new(MediaKind::parse(kind), number(port)?, protocol, formats);
        section.port_count = port_count;
        section.expect_lines();
        Some(section)
    }

    /// Reserves room for the lines a section with that many formats usually has.
    fn expect_lines(&mut self) {
        let formats = self.formats.as_str().len().div_ceil(4).min(32);
        if self.is_rtp() {
            self.rtpmaps.reserve(formats);
            self.fmtps.reserve(formats);
            self.rtcp_feedback.reserve(formats.saturating_mul(2));
            self.shared.extmaps.reserve(8);
        }
        self.candidates.reserve(4);
    }

    /// Takes in `a=<name>:<value>`.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), ErrorKind> {
        let text = value.unwrap_or_default();
        let understood = match name.as_bytes() {
            b"candidate" => push(&mut self.candidates, Some(text.to_owned())),
            b"rtpmap" => push(&mut self.rtpmaps, RtpMap::parse(text)),
            b"fmtp" => push(&mut self.fmtps, Fmtp::parse(text)),
            b"rtcp-fb" => push(&mut self.rtcp_feedback, FeedbackLine::parse(text)),
            b"ssrc" => push(&mut self.ssrcs, SsrcAttribute::parse(text)),
            b"ssrc-group" => push(&mut self.ssrc_groups, SsrcGroup::parse(text)),
            b"msid" => push(&mut self.msids, Msid::parse(text)),
            b"rid" => push(&mut self.rids, Rid::parse(text)),
            b"simulcast" => fill(&mut self.simulcast, Simulcast::parse(text)),
            b"rtcp" => fill(&mut self.rtcp, RtcpAddress::parse(text)),
            b"ptime" => fill(&mut self.ptime, number(text.trim_ascii())),
            b"maxptime" => fill(&mut self.maxptime, number(text.trim_ascii())),
            _ => return self.set_flag_or_transport(name, value),
        };
        if !understood {
            self.shared.keep(name, value);
        }
        Ok(())
    }

    fn set_flag_or_transport(&mut self, name: &str, value: Option<&str>) -> Result<(), ErrorKind> {
        let text = value.unwrap_or_default();
        match name.as_bytes() {
            b"mid" => {
                let mid = single(text).ok_or(ErrorKind::Malformed("mid"))?;
                once(&mut self.mid, mid.to_owned(), "mid")?;
            }
            b"rtcp-mux" => self.rtcp_mux = true,
            b"rtcp-mux-only" => self.rtcp_mux_only = true,
            b"rtcp-rsize" => self.rtcp_rsize = true,
            b"bundle-only" => self.bundle_only = true,
            b"sctp-port" => {
                let port = number(text.trim_ascii()).ok_or(ErrorKind::Malformed("sctp-port"))?;
                once(&mut self.sctp_port, port, "sctp-port")?;
            }
            b"max-message-size" => {
                let size = number(text.trim_ascii()).ok_or(ErrorKind::Malformed("max-message-size"))?;
                once(&mut self.max_message_size, size, "max-message-size")?;
            }
            b"sctp-init" => once(&mut self.sctp_init, text.to_owned(), "sctp-init")?,
            _ => self.shared.set(name, value)?,
        }
        Ok(())
    }
}

/// Appends what could be parsed, and says whether it could.
fn push<T>(list: &mut Vec<T>, item: Option<T>) -> bool {
    let understood = item.is_some();
    list.extend(item);
    understood
}

/// Fills an empty slot with what could be parsed, and says whether it did.
fn fill<T>(slot: &mut Option<T>, item: Option<T>) -> bool {
    let understood = slot.is_none() && item.is_some();
    if understood {
        *slot = item;
    }
    understood
}
