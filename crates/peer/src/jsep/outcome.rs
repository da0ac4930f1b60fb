//! What an answer settles (RFC 9429, section 5.11).

use super::formats::same_format;
use super::negotiation::transport_section;
use super::sctp_init;
use super::simulcast::simulcast_sent;
use super::verify::{credentials, fingerprints};
use super::{
    Changes, DtlsRole, MediaParameters, Negotiated, NegotiatedCodec, Negotiation, RID_URI, ReceiveParameters,
    RemoteSource, SctpParameters, SdpType, SendParameters, Transceiver,
};
use alloc::string::String;
use alloc::vec::Vec;
use sendrecv_sdp::{
    self as sdp, Codec, Direction, ExtMap, MediaSection, RidDirection, RtcpFeedback, Setup, SimulcastId,
};

/// Our offer or answer and the other side's, of the exchange that is being answered.
struct Exchange<'a> {
    local: &'a sdp::SessionDescription,
    remote: &'a sdp::SessionDescription,
    answer_is_local: bool,
}

/// Largest message of a peer that does not say (RFC 8841, section 6.1).
const DEFAULT_MAX_MESSAGE_SIZE: u64 = 65_536;
/// The SCTP port of a peer that does not say.
const DEFAULT_SCTP_PORT: u16 = 5000;

impl Negotiation {
    /// Takes over directions and refusals of an answer, and tells what was agreed on.
    pub(crate) fn finish_sections(&mut self, answer_is_local: bool, kind: SdpType, changes: &mut Changes) {
        let (Some(local), Some(remote)) = (self.pending_local.clone(), self.pending_remote.clone()) else {
            return;
        };
        let exchange = Exchange { local: local.parsed(), remote: remote.parsed(), answer_is_local };
        for own in &mut self.transceivers {
            let Some(index) = own.m_line.filter(|index| *index < exchange.answer().media.len()) else {
                continue;
            };
            if exchange.is_rejected(index) {
                if !own.stopped {
                    own.stop_receiving(&mut changes.tracks);
                    changes.stopped.push(own.id);
                }
                own.stopping = true;
                own.stopped = true;
                own.current_direction = None;
                continue;
            }
            let direction = exchange.direction(index);
            if answer_is_local && !direction.receives() {
                own.stop_receiving(&mut changes.tracks);
            }
            own.current_direction = Some(direction);
            own.fired_direction = Some(direction);
            own.sender.has_sent |= direction.sends();
            if direction.sends() {
                own.sender.settle(&exchange.simulcast_sent(index));
            }
        }
        let negotiated = self.negotiated(&exchange);
        self.transport_gone =
            negotiated.dtls_role.is_none() && (self.transport_gone || self.dtls_role.is_some());
        self.dtls_role = negotiated.dtls_role;
        changes.negotiated = Some(negotiated);
        if kind == SdpType::Answer && self.data.m_line.is_some_and(|index| exchange.is_rejected(index)) {
            self.data.m_line = None;
            self.data.mid = None;
            self.data.wanted = false;
        }
    }

    /// Ends the exchange if the answer was final.
    pub(crate) fn conclude(&mut self, kind: SdpType, changes: &mut Changes) {
        if kind != SdpType::Answer {
            return;
        }
        self.current_local = self.pending_local.take().or(self.current_local.take());
        self.current_remote = self.pending_remote.take().or(self.current_remote.take());
        self.last_offer = None;
        self.last_answer = None;
        self.stable = None;
        let local = self.current_local.as_ref().and_then(|local| credentials(local.parsed()));
        let present =
            |(ufrag, pwd): &(String, String)| local.is_some_and(|own| own.0 == ufrag || own.1 == pwd);
        if !self.credentials_to_replace.as_ref().is_some_and(present) {
            self.credentials_to_replace = None;
        }
        let gone = self.transceivers.iter().filter(|own| own.stopped).map(|own| own.id);
        changes.removed.extend(gone);
        self.transceivers.retain(|own| !own.stopped);
    }

    fn negotiated(&self, exchange: &Exchange<'_>) -> Negotiated {
        let answer = exchange.answer();
        let setup = transport_section(answer).map(|tag| answer.setup_of(tag).unwrap_or(Setup::Active));
        let before = self.current_remote.as_ref().map(|remote| fingerprints(remote.parsed()));
        let has_other_certificate =
            before.is_some_and(|before| !before.is_empty() && before != fingerprints(exchange.remote));
        let running = self.dtls_role.filter(|_| !self.transport_gone && !has_other_certificate);
        let answered = setup.and_then(|setup| DtlsRole::from_answer(setup, exchange.answer_is_local));
        let media = self.transceivers.iter().filter(|own| !own.stopped);
        let mut media: Vec<(usize, MediaParameters)> = media
            .filter_map(|own| Some((own.m_line?, exchange.media_parameters(own, own.m_line?)?)))
            .collect();
        media.sort_by_key(|(index, _)| *index);
        let mixed = |session: &sdp::SessionDescription| {
            session.shared.extmap_allow_mixed
                || session.media.iter().any(|media| media.shared.extmap_allow_mixed)
        };
        Negotiated {
            dtls_role: answered.map(|role| running.unwrap_or(role)),
            dtls_restart: self.transport_gone || has_other_certificate,
            media: media.into_iter().map(|(_, parameters)| parameters).collect(),
            sctp: self.data.m_line.and_then(|index| exchange.sctp_parameters(index)),
            extmap_allow_mixed: mixed(exchange.local) && mixed(exchange.remote),
        }
    }
}

impl Exchange<'_> {
    fn answer(&self) -> &sdp::SessionDescription {
        if self.answer_is_local { self.local } else { self.remote }
    }

    fn is_rejected(&self, index: usize) -> bool {
        self.answer().media.get(index).is_none_or(MediaSection::is_rejected)
    }

    /// Which ways media flows, seen from here: never more than was offered.
    fn direction(&self, index: usize) -> Direction {
        self.local.direction_of(index).intersect(self.remote.direction_of(index).reversed())
    }

    fn media_parameters(&self, own: &Transceiver, index: usize) -> Option<MediaParameters> {
        let (local, remote) = (self.local.media.get(index)?, self.remote.media.get(index)?);
        if self.is_rejected(index) {
            return None;
        }
        let (ours, theirs) = (local.codecs(), remote.codecs());
        let header_extensions = self.header_extensions(index);
        let usable = |sends: bool| -> Vec<ExtMap> {
            let flows = |extmap: &&ExtMap| {
                extmap.direction.is_none_or(|way| if sends { way.sends() } else { way.receives() })
            };
            header_extensions.iter().filter(flows).cloned().collect()
        };
        Some(MediaParameters {
            transceiver: own.id,
            kind: own.kind,
            mid: remote.mid.clone(),
            direction: self.direction(index),
            rtcp_rsize: local.rtcp_rsize && remote.rtcp_rsize,
            send: SendParameters {
                codecs: common_codecs(&theirs, &ours),
                header_extensions: usable(true),
                encodings: own.sender.agreed(&self.simulcast_sent(index)),
                max_bitrate: max_bitrate(remote),
            },
            receive: ReceiveParameters {
                codecs: common_codecs(&ours, &theirs),
                header_extensions: usable(false),
                sources: remote_sources(remote),
                rids: remote.rids.iter().filter(|rid| rid.direction == RidDirection::Send).cloned().collect(),
                simulcast: local
                    .simulcast
                    .as_ref()
                    .map(|simulcast| simulcast.recv.clone())
                    .unwrap_or_default(),
            },
        })
    }

    /// The simulcast streams that we are to send.
    fn simulcast_sent(&self, index: usize) -> Vec<SimulcastId> {
        let has_rids = self.header_extensions(index).iter().any(|extmap| extmap.uri == RID_URI);
        match (self.local.media.get(index), self.remote.media.get(index)) {
            (Some(local), Some(remote)) if has_rids => simulcast_sent(local, remote),
            _ => Vec::new(),
        }
    }

    /// The header extensions of the answer that the offer has too, with directions as seen from here.
    fn header_extensions(&self, index: usize) -> Vec<ExtMap> {
        let offer = if self.answer_is_local { self.remote } else { self.local };
        let offered = |extmap: &&ExtMap| offer.extmaps_of(index).any(|own| own.uri == extmap.uri);
        let seen_from_here = |extmap: &ExtMap| {
            let direction = extmap.direction;
            let direction = if self.answer_is_local { direction } else { direction.map(Direction::reversed) };
            ExtMap { direction, ..extmap.clone() }
        };
        self.answer().extmaps_of(index).filter(offered).map(seen_from_here).collect()
    }

    fn sctp_parameters(&self, index: usize) -> Option<SctpParameters> {
        let (local, remote) = (self.local.media.get(index)?, self.remote.media.get(index)?);
        if self.is_rejected(index) {
            return None;
        }
        let size = remote.max_message_size.unwrap_or(DEFAULT_MAX_MESSAGE_SIZE);
        Some(SctpParameters {
            mid: remote.mid.clone(),
            local_port: local.sctp_port.unwrap_or(DEFAULT_SCTP_PORT),
            remote_port: remote.sctp_port.unwrap_or(DEFAULT_SCTP_PORT),
            max_message_size: Some(size).filter(|size| *size != 0),
            remote_init: local
                .sctp_init
                .as_ref()
                .and(remote.sctp_init.as_deref())
                .and_then(sctp_init::decode),
        })
    }
}

/// The codecs of `these` that `those` have too, in the order and under the payload types of `these`.
fn common_codecs(these: &[Codec], those: &[Codec]) -> Vec<NegotiatedCodec> {
    let rtx_of = |list: &[Codec], payload_type: u8| {
        list.iter().find(|codec| codec.apt() == Some(payload_type)).map(|rtx| rtx.payload_type)
    };
    let mut common = Vec::new();
    for codec in these.iter().filter(|codec| !codec.is("rtx")) {
        let Some(other) = those.iter().find(|other| same_format(codec, other)) else { continue };
        let mut agreed = codec.clone();
        agreed.feedback.retain(|feedback: &RtcpFeedback| other.feedback.contains(feedback));
        let rtx = rtx_of(those, other.payload_type).and(rtx_of(these, codec.payload_type));
        common.push(NegotiatedCodec { codec: agreed, rtx });
    }
    common
}

/// The sources announced, those that only retransmit paired with what they repair.
fn remote_sources(media: &MediaSection) -> Vec<RemoteSource> {
    let pair = |ssrc: u32| {
        let groups = media.ssrc_groups.iter().filter(|group| group.semantics == "FID");
        groups
            .filter_map(|group| Some((*group.ssrcs.first()?, *group.ssrcs.get(1)?)))
            .find(|(own, _)| *own == ssrc)
    };
    let repairs = |ssrc: u32| {
        let mut groups = media.ssrc_groups.iter().filter(|group| group.semantics == "FID");
        groups.any(|group| group.ssrcs.get(1) == Some(&ssrc))
    };
    let mut sources: Vec<RemoteSource> = Vec::new();
    for line in media.ssrcs.iter().filter(|line| !repairs(line.ssrc)).take(MAX_SOURCE_LINES) {
        let cname = line.cname().map(Into::into);
        match sources.iter_mut().find(|source| source.ssrc == line.ssrc) {
            Some(known) => known.cname = known.cname.take().or(cname),
            None => {
                let rtx_ssrc = pair(line.ssrc).map(|(_, rtx)| rtx);
                sources.push(RemoteSource { ssrc: line.ssrc, rtx_ssrc, cname });
            }
        }
    }
    sources
}

/// How many `a=ssrc` lines of a section are looked at.
const MAX_SOURCE_LINES: usize = 256;

/// `b=TIAS`, or `b=AS` less RTCP and headers (RFC 9429, section 5.10).
fn max_bitrate(media: &MediaSection) -> Option<u64> {
    let value = |kind: &str| media.bandwidths.iter().find(|own| own.kind == kind).map(|own| own.value);
    value("TIAS").or_else(|| value("AS").map(|kbps| kbps.saturating_mul(950).saturating_sub(50 * 40 * 8)))
}
