//! Asking the layers.

use super::{
    CandidatePairStats, CandidateStats, CertificateStats, CodecStats, DataChannelStats, Header,
    InboundRtpStats, OutboundRtpStats, PeerConnectionStats, RemoteInboundRtpStats, RemoteOutboundRtpStats,
    Stats, StatsReport, TransportStats,
};
use crate::connection::PeerConnection;
use crate::jsep::{Transceiver, TransceiverId};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use base64ct::{Base64, Encoding};
use core::time::Duration;
use sendrecv_core::{Instant, Protocol};
use sendrecv_crypto::{HashAlgorithm, NamedGroup};
use sendrecv_dtls::{Fingerprint, Role};
use sendrecv_ice::{Candidate, CandidateAddress, PairState, Transport};
use sendrecv_media::{MediaKind, ReceiveStream, SendStream};
use sendrecv_srtp::SrtpProfile;

/// The one transport's id.
const TRANSPORT: &str = "T0";

impl PeerConnection {
    /// `getStats`: everything there is to tell at `now`.
    pub fn get_stats(&self, now: Instant) -> StatsReport {
        let mut collector = Collector { pc: self, now, report: StatsReport::new() };
        collector.connection();
        collector.transport();
        collector.pairs();
        collector.certificates();
        collector.streams();
        collector.channels();
        collector.report
    }
}

struct Collector<'p> {
    pc: &'p PeerConnection,
    now: Instant,
    report: StatsReport,
}

impl Collector<'_> {
    fn header(&self, id: &str) -> Header {
        Header { id: id.to_owned(), timestamp: self.milliseconds(self.now) }
    }

    fn milliseconds(&self, at: Instant) -> f64 {
        let epoch = Duration::from_millis(self.pc.configuration().settings.unix_ms_at_epoch);
        (epoch.saturating_add(at.saturating_since(Instant::ZERO))).as_secs_f64() * 1000.0
    }

    fn add(&mut self, id: String, stats: Stats) {
        self.report.insert(id, stats);
    }

    fn connection(&mut self) {
        let (opened, closed) = self.pc.channel_counts();
        let stats = PeerConnectionStats {
            header: self.header("P"),
            data_channels_opened: opened,
            data_channels_closed: closed,
        };
        self.add("P".to_owned(), Stats::PeerConnection(stats));
    }

    fn transport(&mut self) {
        let transport = self.pc.transport();
        let (ice, counters) = (&transport.ice, transport.counters);
        let info = transport.connected.as_ref();
        let stats = TransportStats {
            header: self.header(TRANSPORT),
            packets_sent: counters.packets_sent,
            packets_received: counters.packets_received,
            bytes_sent: counters.bytes_sent,
            bytes_received: counters.bytes_received,
            ice_role: match ice.role() {
                sendrecv_ice::Role::Controlling => "controlling",
                sendrecv_ice::Role::Controlled => "controlled",
            },
            ice_local_username_fragment: ice.local_parameters().ufrag.clone(),
            dtls_state: transport.state.as_str(),
            ice_state: self.pc.ice_connection_state().as_str(),
            selected_candidate_pair_id: ice.pair_in_use().map(|pair| pair_id(pair.pair)),
            local_certificate_id: Some("CL".to_owned()),
            remote_certificate_id: info.map(|_| "CR".to_owned()),
            tls_version: info.map(|info| format!("{:04X}", info.version.code())),
            dtls_cipher: info.map(|info| info.cipher_suite.name()),
            tls_group: info.map(|info| group_name(info.group)),
            dtls_role: match transport.role {
                Some(Role::Client) => "client",
                Some(Role::Server) => "server",
                None => "unknown",
            },
            srtp_cipher: transport.srtp_profile().map(srtp_name),
            selected_candidate_pair_changes: ice.stats().selected_pair_changes,
        };
        self.add(TRANSPORT.to_owned(), Stats::Transport(stats));
    }

    fn pairs(&mut self) {
        let in_use = self.pc.transport().ice.pair_in_use().map(|pair| pair.pair);
        let available = self.pc.media().target_bitrate();
        let available = available.map(|bps| f64::from(u32::try_from(bps).unwrap_or(u32::MAX)));
        for pair in self.pc.transport().ice.candidate_pairs() {
            let (local, remote) = (candidate_id('L', &pair.local), candidate_id('R', &pair.remote));
            let counters = pair.counters;
            let id = pair_id(pair.id);
            let stats = CandidatePairStats {
                header: self.header(&id),
                transport_id: TRANSPORT.to_owned(),
                local_candidate_id: local.clone(),
                remote_candidate_id: remote.clone(),
                state: pair_state(pair.state),
                nominated: pair.nominated,
                packets_sent: counters.packets_sent,
                packets_received: counters.packets_received,
                bytes_sent: counters.bytes_sent,
                bytes_received: counters.bytes_received,
                last_packet_sent_timestamp: counters.last_packet_sent.map(|at| self.milliseconds(at)),
                last_packet_received_timestamp: counters.last_packet_received.map(|at| self.milliseconds(at)),
                total_round_trip_time: counters.total_round_trip_time.as_secs_f64(),
                current_round_trip_time: counters.current_round_trip_time.map(|rtt| rtt.as_secs_f64()),
                available_outgoing_bitrate: available.filter(|_| in_use == Some(pair.id)),
                requests_received: counters.requests_received,
                requests_sent: counters.requests_sent,
                responses_received: counters.responses_received,
                responses_sent: counters.responses_sent,
                consent_requests_sent: counters.consent_requests_sent,
            };
            self.add(id, Stats::CandidatePair(stats));
            let stats = self.candidate(&local, &pair.local);
            self.add(local, Stats::LocalCandidate(stats));
            let stats = self.candidate(&remote, &pair.remote);
            self.add(remote, Stats::RemoteCandidate(stats));
        }
    }

    fn candidate(&self, id: &str, candidate: &Candidate) -> CandidateStats {
        CandidateStats {
            header: self.header(id),
            transport_id: TRANSPORT.to_owned(),
            address: address_text(&candidate.address),
            port: candidate.port,
            protocol: match candidate.transport {
                Transport::Udp => "udp",
                Transport::Tcp(_) => "tcp",
            },
            candidate_type: candidate.kind.as_str(),
            priority: candidate.priority,
            url: candidate.url.clone(),
            relay_protocol: candidate.relay_protocol.map(protocol_name),
            foundation: candidate.foundation.clone(),
            related_address: candidate.related.as_ref().and_then(|(address, _)| address_text(address)),
            related_port: candidate.related.as_ref().map(|(_, port)| *port),
            username_fragment: candidate.ufrag.clone(),
            tcp_type: match candidate.transport {
                Transport::Udp => None,
                Transport::Tcp(kind) => Some(kind.as_str()),
            },
        }
    }

    fn certificates(&mut self) {
        let transport = self.pc.transport();
        self.certificate("CL", transport.certificate.der());
        if let Some(info) = &transport.connected {
            self.certificate("CR", &info.peer_certificate);
        }
    }

    fn certificate(&mut self, id: &str, der: &[u8]) {
        let provider = self.pc.configuration().settings.crypto;
        let Ok(fingerprint) = Fingerprint::of(provider, HashAlgorithm::Sha256, der) else { return };
        let text = fingerprint.to_string();
        let stats = CertificateStats {
            header: self.header(id),
            fingerprint: text.split_once(' ').map_or("", |(_, value)| value).to_owned(),
            fingerprint_algorithm: "sha-256",
            base64_certificate: Base64::encode_string(der),
        };
        self.add(id.to_owned(), Stats::Certificate(stats));
    }

    fn streams(&mut self) {
        for stream in self.pc.media().streams() {
            let owner = self.pc.transceiver_of_section(stream.section());
            self.inbound(stream, owner.and_then(|id| self.pc.transceiver(id)));
        }
        for sender in self.pc.media().senders() {
            let owner = self.pc.transceiver_of_sender(sender.id());
            self.outbound(sender, owner.and_then(|id| self.pc.transceiver(id)));
        }
    }

    fn inbound(&mut self, stream: &ReceiveStream, transceiver: Option<&Transceiver>) {
        let (stats, ssrc) = (stream.stats(), stream.ssrc());
        let id = format!("I{ssrc}");
        let kind = transceiver.map_or("audio", |transceiver| transceiver.kind().as_str());
        let video = kind == "video";
        let codec_id =
            transceiver.and_then(|transceiver| self.codec(transceiver.id(), kind, stats.payload_type));
        let remote = stream.remote_stats().map(|remote| {
            let remote_id = format!("RO{ssrc}");
            let stats = RemoteOutboundRtpStats {
                header: self.header(&remote_id),
                ssrc,
                kind,
                transport_id: TRANSPORT.to_owned(),
                local_id: id.clone(),
                packets_sent: remote.packets_sent.into(),
                bytes_sent: remote.bytes_sent.into(),
                reports_sent: remote.reports_sent,
            };
            self.add(remote_id.clone(), Stats::RemoteOutboundRtp(stats));
            remote_id
        });
        let inbound = InboundRtpStats {
            header: self.header(&id),
            ssrc,
            kind,
            transport_id: TRANSPORT.to_owned(),
            codec_id,
            mid: transceiver.and_then(Transceiver::mid).map(ToOwned::to_owned),
            rid: stream.rid().map(ToOwned::to_owned),
            track_identifier: transceiver.map(|transceiver| transceiver.receiver().track.clone()),
            remote_id: remote,
            packets_received: stats.packets_received,
            packets_lost: stats.packets_lost,
            jitter: stats.jitter.as_secs_f64(),
            bytes_received: stats.bytes_received,
            header_bytes_received: stats.header_bytes_received,
            packets_discarded: stats.packets_discarded,
            retransmitted_packets_received: stats.retransmitted_packets_received,
            retransmitted_bytes_received: stats.retransmitted_bytes_received,
            last_packet_received_timestamp: stats.last_packet_received.map(|at| self.milliseconds(at)),
            frames_received: video.then_some(stats.frames_received),
            nack_count: stats.nack_count,
            pli_count: video.then_some(stats.pli_count),
            fir_count: video.then_some(stats.fir_count),
        };
        self.add(id, Stats::InboundRtp(inbound));
    }

    fn outbound(&mut self, sender: &SendStream, transceiver: Option<&Transceiver>) {
        let (stats, ssrc) = (sender.stats(), sender.ssrc());
        if stats.packets_sent == 0 {
            return;
        }
        let id = format!("O{ssrc}");
        let kind = kind_name(sender.kind());
        let video = kind == "video";
        let remote = self.remote_inbound(sender, &id, kind);
        let outbound = OutboundRtpStats {
            header: self.header(&id),
            ssrc,
            kind,
            transport_id: TRANSPORT.to_owned(),
            mid: transceiver.and_then(Transceiver::mid).map(ToOwned::to_owned),
            rid: sender.rid().map(ToOwned::to_owned),
            rtx_ssrc: video.then(|| sender.rtx_ssrc()),
            remote_id: remote,
            packets_sent: stats.packets_sent,
            bytes_sent: stats.bytes_sent,
            header_bytes_sent: stats.header_bytes_sent,
            retransmitted_packets_sent: stats.retransmitted_packets_sent,
            retransmitted_bytes_sent: stats.retransmitted_bytes_sent,
            frames_sent: video.then_some(stats.frames_sent),
            nack_count: stats.nack_count,
            pli_count: video.then_some(stats.pli_count),
            fir_count: video.then_some(stats.fir_count),
        };
        self.add(id, Stats::OutboundRtp(outbound));
    }

    /// What the other side says of a stream we send; its id.
    fn remote_inbound(&mut self, sender: &SendStream, local_id: &str, kind: &'static str) -> Option<String> {
        let remote = sender.remote_stats()?;
        let clock_rate = sender.codecs().first().map_or(90_000, |codec| codec.clock_rate.max(1));
        let id = format!("RI{}", sender.ssrc());
        let stats = RemoteInboundRtpStats {
            header: self.header(&id),
            ssrc: sender.ssrc(),
            kind,
            transport_id: TRANSPORT.to_owned(),
            local_id: local_id.to_owned(),
            packets_lost: remote.packets_lost.into(),
            jitter: f64::from(remote.jitter) / f64::from(clock_rate),
            fraction_lost: f64::from(remote.fraction_lost) / 256.0,
            round_trip_time: remote.round_trip_time.map(|rtt| rtt.as_secs_f64()),
            total_round_trip_time: remote.total_round_trip_time.as_secs_f64(),
            round_trip_time_measurements: remote.round_trip_time_measurements,
        };
        self.add(id.clone(), Stats::RemoteInboundRtp(stats));
        Some(id)
    }

    /// Adds the codec with this payload type; its id.
    fn codec(&mut self, id: TransceiverId, kind: &str, payload_type: u8) -> Option<String> {
        let codec = self.pc.receive_codecs(id).iter().find(|codec| codec.payload_type == payload_type)?;
        let codec_id = format!("CI{payload_type}");
        let stats = CodecStats {
            header: self.header(&codec_id),
            payload_type,
            transport_id: TRANSPORT.to_owned(),
            mime_type: format!("{kind}/{}", codec.name),
            clock_rate: codec.clock_rate,
            channels: (codec.channels > 1).then_some(codec.channels),
            sdp_fmtp_line: (!codec.format_parameters.is_empty()).then(|| codec.format_parameters.clone()),
        };
        self.add(codec_id.clone(), Stats::Codec(stats));
        Some(codec_id)
    }

    fn channels(&mut self) {
        for channel in self.pc.data_channels() {
            let Some(counted) = self.pc.channel_stats(channel.handle()) else { continue };
            let id = format!("D{}", channel.handle().to_bits());
            let stats = DataChannelStats {
                header: self.header(&id),
                label: channel.label().to_owned(),
                protocol: channel.protocol().to_owned(),
                data_channel_identifier: channel.stream_id(),
                state: channel.ready_state().as_str(),
                messages_sent: counted.messages_sent,
                bytes_sent: counted.bytes_sent,
                messages_received: counted.messages_received,
                bytes_received: counted.bytes_received,
            };
            self.report.insert(id, Stats::DataChannel(stats));
        }
    }
}

fn pair_id(id: sendrecv_ice::PairId) -> String {
    format!("CP{}", id.number())
}

/// The same candidate has the same id in every report.
fn candidate_id(side: char, candidate: &Candidate) -> String {
    format!("{side}{}-{}-{}", candidate.kind, candidate.address, candidate.port)
}

fn address_text(address: &CandidateAddress) -> Option<String> {
    match address {
        CandidateAddress::Ip(ip) => Some(ip.to_string()),
        CandidateAddress::Name(_) => None,
    }
}

const fn pair_state(state: PairState) -> &'static str {
    match state {
        PairState::Frozen => "frozen",
        PairState::Waiting => "waiting",
        PairState::InProgress => "in-progress",
        PairState::Succeeded => "succeeded",
        PairState::Failed => "failed",
    }
}

pub(crate) const fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Udp => "udp",
        Protocol::Tcp => "tcp",
        Protocol::Tls => "tls",
    }
}

const fn kind_name(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
    }
}

const fn group_name(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::Secp256r1 => "P-256",
        NamedGroup::Secp384r1 => "P-384",
        NamedGroup::X25519 => "X25519",
        NamedGroup::X25519MlKem768 => "X25519MLKEM768",
    }
}

const fn srtp_name(profile: SrtpProfile) -> &'static str {
    match profile {
        SrtpProfile::Aes128CmSha1_80 => "AES_CM_128_HMAC_SHA1_80",
        SrtpProfile::Aes128CmSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        SrtpProfile::AeadAes128Gcm => "AEAD_AES_128_GCM",
        SrtpProfile::AeadAes256Gcm => "AEAD_AES_256_GCM",
    }
}
