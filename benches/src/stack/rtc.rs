//! rtc (the sans-IO core of webrtc-rs) with ring, bare and with its default interceptors.

use super::{Carries, Peer, Wire, address};
use bytes::{Bytes, BytesMut};
use rtc::data_channel::RTCDataChannelId;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::configuration::interceptor_registry::{Registry, register_default_interceptors};
use rtc::peer_connection::configuration::media_engine::{MIME_TYPE_VP8, MediaEngine};
use rtc::peer_connection::configuration::setting_engine::SettingEngineBuilder;
use rtc::peer_connection::event::{RTCDataChannelEvent, RTCPeerConnectionEvent};
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::state::RTCPeerConnectionState;
use rtc::peer_connection::transport::{CandidateConfig, CandidateHostConfig, RTCDtlsRole, RTCIceCandidate};
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::rtp_transceiver::RTCRtpSenderId;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::sansio::Protocol;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const SSRC: u32 = 0x5eed;
const PAYLOAD_TYPE: u8 = 96;

/// One peer connection, with default interceptors (NACK, reports, transport-wide feedback) or with none.
pub struct Rtc<const INTERCEPTORS: bool> {
    pc: RTCPeerConnection,
    side: usize,
    carries: Carries,
    channel: Option<RTCDataChannelId>,
    sender: Option<RTCRtpSenderId>,
    sequence: u16,
    connected: bool,
    received: u64,
    packets: Vec<(u32, Bytes)>,
    relaying: bool,
}

/// Without interceptors: no NACK, no reports, no feedback.
pub type RtcRing = Rtc<false>;
/// With the default interceptors.
pub type RtcRingWithInterceptors = Rtc<true>;

fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

fn vp8() -> RTCRtpCodecParameters {
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: MIME_TYPE_VP8.to_owned(),
            clock_rate: 90_000,
            channels: 0,
            sdp_fmtp_line: String::new(),
            rtcp_feedback: vec![],
        },
        payload_type: PAYLOAD_TYPE,
        ..Default::default()
    }
}

fn track() -> MediaStreamTrack {
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(SSRC), ..Default::default() },
        codec: vp8().rtp_codec,
        ..Default::default()
    };
    MediaStreamTrack::new("stream".into(), "camera".into(), "camera".into(), RtpCodecKind::Video, vec![encoding])
}

impl<const INTERCEPTORS: bool> Rtc<INTERCEPTORS> {
    fn new(side: usize, carries: Carries) -> Self {
        let role = if side == 0 { RTCDtlsRole::Server } else { RTCDtlsRole::Client };
        let mut media = MediaEngine::default();
        media.register_codec(vp8(), RtpCodecKind::Video).expect("a codec");
        let mut builder = RTCPeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().build())
            .with_setting_engine(SettingEngineBuilder::new().with_answering_dtls_role(role).build());
        if INTERCEPTORS {
            let registry = register_default_interceptors(Registry::new(), &mut media).expect("interceptors");
            builder = builder.with_interceptor_registry(registry);
        }
        let mut pc = builder.with_media_engine(media).build(epoch()).expect("a configuration");
        let base_config = CandidateConfig {
            network: "udp".to_owned(),
            address: address(side).ip().to_string(),
            port: address(side).port(),
            component: 1,
            ..Default::default()
        };
        let candidate = CandidateHostConfig { base_config, ..Default::default() }.new_candidate_host();
        let candidate = RTCIceCandidate::from(&candidate.expect("a candidate")).to_json().expect("a line");
        pc.add_local_candidate(candidate).expect("a candidate");
        Self {
            pc,
            side,
            carries,
            channel: None,
            sender: None,
            sequence: 0,
            connected: false,
            received: 0,
            packets: Vec::new(),
            relaying: false,
        }
    }

    fn read(&mut self, now: Duration, wire: &mut Wire) {
        wire.drain(|datagram| {
            let transport = TransportContext {
                local_addr: address(self.side),
                peer_addr: address(1 - self.side),
                ecn: None,
                transport_protocol: TransportProtocol::UDP,
            };
            let message = BytesMut::from(&datagram[..]);
            // Errors are of single datagrams.
            let _ = self.pc.handle_read(TaggedBytesMut { now: epoch() + now, transport, message });
        });
        while let Some(message) = self.pc.poll_read() {
            match message.message {
                RTCMessage::DataChannelMessage(..) => self.received += 1,
                RTCMessage::RtpPacket(_, packet) => {
                    self.received += 1;
                    if self.relaying {
                        self.packets.push((packet.header.timestamp, packet.payload));
                    }
                }
                _ => {}
            }
        }
    }

    fn write(&mut self, now: Duration, timestamp: u32, payload: Bytes) {
        self.sequence = self.sequence.wrapping_add(1);
        let header = rtc::rtp::header::Header {
            version: 2,
            payload_type: PAYLOAD_TYPE,
            sequence_number: self.sequence,
            timestamp,
            ssrc: SSRC,
            ..Default::default()
        };
        let mut sender = self.pc.rtp_sender(self.sender.expect("a track")).expect("a sender");
        sender.write_rtp(epoch() + now, rtc::rtp::packet::Packet { header, payload }).expect("a healthy sender");
    }
}

impl<const INTERCEPTORS: bool> Peer for Rtc<INTERCEPTORS> {
    fn pair(carries: Carries) -> [Self; 2] {
        let now = epoch();
        let (mut a, mut b) = (Self::new(0, carries), Self::new(1, carries));
        match carries {
            Carries::Data => {
                a.pc.create_data_channel("bench", None).expect("a channel");
            }
            Carries::Video => a.sender = Some(a.pc.add_track(track()).expect("a track")),
        }
        let offer = a.pc.create_offer(None).expect("an offer");
        a.pc.set_local_description(now, offer.clone()).expect("our offer");
        b.pc.set_remote_description(now, offer).expect("their offer");
        let answer = b.pc.create_answer(None).expect("an answer");
        b.pc.set_local_description(now, answer.clone()).expect("our answer");
        a.pc.set_remote_description(now, answer).expect("their answer");
        [a, b]
    }

    fn receive(&mut self, now: Duration, wire: &mut Wire, _: &mut Wire) {
        self.read(now, wire);
    }

    fn relay(&mut self, now: Duration, wire: &mut Wire, _: &mut Wire, to: &mut [Self]) {
        self.relaying = true;
        self.read(now, wire);
        for (timestamp, payload) in self.packets.drain(..) {
            to.iter_mut().for_each(|peer| peer.write(now, timestamp, payload.clone()));
        }
    }

    fn transmit(&mut self, _: Duration, out: &mut Wire) {
        while let Some(datagram) = self.pc.poll_write() {
            out.push(&datagram.message);
        }
        while let Some(event) = self.pc.poll_event() {
            match event {
                RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => {
                    self.connected = state == RTCPeerConnectionState::Connected;
                }
                RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnOpen(id)) => self.channel = Some(id),
                _ => {}
            }
        }
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.pc.poll_timeout().map(|at| at.saturating_duration_since(epoch()))
    }

    fn timeout(&mut self, now: Duration) {
        self.pc.handle_timeout(epoch() + now).expect("a healthy peer");
    }

    fn send(&mut self, now: Duration, message: &Bytes) -> bool {
        let Some(mut channel) = self.channel.and_then(|id| self.pc.data_channel(id)) else { return false };
        channel.send(epoch() + now, BytesMut::from(&message[..])).is_ok()
    }

    fn send_packet(&mut self, now: Duration, payload: &Bytes) {
        self.write(now, u32::from(self.sequence).wrapping_mul(90), payload.clone());
    }

    fn is_ready(&mut self) -> bool {
        match self.carries {
            Carries::Data => self.channel.is_some() && self.connected,
            Carries::Video => self.connected,
        }
    }

    fn received(&self) -> u64 {
        self.received
    }
}
