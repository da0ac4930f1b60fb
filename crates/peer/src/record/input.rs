//! What can enter a connection, as data.

use crate::candidate::IceCandidateInit;
use crate::configuration::Configuration;
use crate::connection::{MediaPacket, PeerConnection};
use crate::encoding::RtpEncodingParameters;
use crate::error::UsageError;
use crate::event::{NameId, StreamId};
use crate::jsep::{OfferOptions, SessionDescription, TrackKind, TransceiverId, TransceiverInit};
use crate::layer::Layer;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use sendrecv_core::{Ecn, Instant, Path, Protocol};
use sendrecv_ice::{LocalSocket, TcpType, Transport, Unreachable};
use sendrecv_media::{CodecParameters, KeptPacket, Payload, ToneTiming};
use sendrecv_rtp::extension::{ExtensionKind, ExtensionMap};
use sendrecv_sctp::channel::{ChannelId, DataChannelInit, Message};
use sendrecv_sdp::{Codec, Direction, Parameters, RtcpFeedback};
use serde::{Deserialize, Serialize};

/// One call of a [`PeerConnection`] that can change it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Input {
    Datagram {
        now: Instant,
        path: Path,
        ecn: Ecn,
        bytes: Vec<u8>,
    },
    Timeout {
        now: Instant,
    },
    /// `poll_transmit`, with a hash of what came out.
    Transmit {
        now: Instant,
        capacity: usize,
        output: Option<u64>,
    },
    SetConfiguration {
        now: Instant,
        configuration: Configuration,
    },
    CreateOffer {
        options: OfferOptions,
    },
    CreateAnswer,
    SetLocalDescription {
        now: Instant,
        description: SessionDescription,
    },
    SetRemoteDescription {
        now: Instant,
        description: SessionDescription,
    },
    AddIceCandidate {
        now: Instant,
        candidate: Option<IceCandidateInit>,
    },
    RestartIce {
        now: Instant,
    },
    Close {
        now: Instant,
    },
    AddLocalSocket {
        now: Instant,
        socket: Socket,
    },
    RemoveLocalSocket {
        now: Instant,
        protocol: Protocol,
        address: SocketAddr,
    },
    NameResolved {
        now: Instant,
        id: u32,
        addresses: Vec<IpAddr>,
    },
    StreamOpened {
        now: Instant,
        id: u32,
        local: SocketAddr,
    },
    StreamFailed {
        now: Instant,
        id: u32,
    },
    StreamClosed {
        now: Instant,
        path: Path,
    },
    Unreachable {
        now: Instant,
        path: Path,
        reason: u8,
    },
    CreateDataChannel {
        now: Instant,
        label: String,
        init: DataChannelInit,
    },
    Send {
        now: Instant,
        channel: u64,
        text: bool,
        bytes: Vec<u8>,
    },
    SetBufferedAmountLowThreshold {
        now: Instant,
        channel: u64,
        bytes: usize,
    },
    CloseDataChannel {
        now: Instant,
        channel: u64,
    },
    AddTrack {
        now: Instant,
        kind: TrackKind,
        track: String,
        streams: Vec<String>,
    },
    RemoveTrack {
        now: Instant,
        transceiver: TransceiverId,
    },
    AddTransceiver {
        now: Instant,
        kind: TrackKind,
        direction: String,
        track: Option<String>,
        streams: Vec<String>,
        /// Of the encodings: `rid` and `active`, which decide what is sent.
        encodings: Vec<(Option<String>, bool)>,
    },
    ReplaceTrack {
        now: Instant,
        transceiver: TransceiverId,
        track: Option<String>,
    },
    SetDirection {
        now: Instant,
        transceiver: TransceiverId,
        direction: String,
    },
    SetCodecPreferences {
        now: Instant,
        transceiver: TransceiverId,
        codecs: Vec<RecordedCodec>,
    },
    StopTransceiver {
        now: Instant,
        transceiver: TransceiverId,
    },
    SendRtp {
        now: Instant,
        transceiver: TransceiverId,
        rid: Option<String>,
        packet: Packet,
    },
    ForwardRtp {
        now: Instant,
        transceiver: TransceiverId,
        rid: Option<String>,
        packet: Forwarded,
    },
    RequestKeyframe {
        now: Instant,
        transceiver: TransceiverId,
        rid: Option<String>,
    },
    SetStreams {
        now: Instant,
        transceiver: TransceiverId,
        streams: Vec<String>,
    },
    InsertDtmf {
        now: Instant,
        transceiver: TransceiverId,
        tones: String,
        duration: Duration,
        inter_tone_gap: Duration,
    },
    /// `set_parameters`, of which only this decides what is sent.
    SetActive {
        now: Instant,
        transceiver: TransceiverId,
        /// Of each encoding.
        active: Vec<bool>,
    },
    SendEarly {
        now: Instant,
        channel: u64,
        text: bool,
        bytes: Vec<u8>,
    },
}

/// [`LocalSocket`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Socket {
    address: SocketAddr,
    /// 0: UDP; else the kind of TCP.
    transport: u8,
    advertised: Option<SocketAddr>,
    name: Option<String>,
    network_id: Option<u16>,
    network_cost: u16,
    dont_fragment: bool,
}

/// [`Codec`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RecordedCodec {
    payload_type: u8,
    name: String,
    clock_rate: u32,
    channels: Option<u8>,
    fmtp: String,
    feedback: Vec<String>,
}

/// [`MediaPacket`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Packet {
    payload_type: u8,
    marker: bool,
    timestamp: u32,
    extensions: Vec<(String, Vec<u8>)>,
    payload: Vec<u8>,
}

/// [`KeptPacket`].
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Forwarded {
    name: String,
    clock_rate: u32,
    channels: u8,
    format_parameters: String,
    /// Ids and URIs of header extensions.
    extensions: Vec<(u8, String)>,
    sequence: u64,
    bytes: Vec<u8>,
}

/// Why nothing arrives, in the order of their numbers here.
const REASONS: [Unreachable; 3] = [Unreachable::NoRoute, Unreachable::Refused, Unreachable::Soft];

const TRANSPORTS: [Transport; 4] = [
    Transport::Udp,
    Transport::Tcp(TcpType::Active),
    Transport::Tcp(TcpType::Passive),
    Transport::Tcp(TcpType::SimultaneousOpen),
];

impl Input {
    pub(crate) fn add_local_socket(now: Instant, socket: &LocalSocket) -> Self {
        let transport = TRANSPORTS.iter().position(|transport| *transport == socket.transport);
        let socket = Socket {
            address: socket.address,
            transport: transport.and_then(|position| u8::try_from(position).ok()).unwrap_or(0),
            advertised: socket.advertised,
            name: socket.name.clone(),
            network_id: socket.network_id,
            network_cost: socket.network_cost,
            dont_fragment: socket.dont_fragment,
        };
        Self::AddLocalSocket { now, socket }
    }

    pub(crate) fn unreachable(now: Instant, path: Path, reason: Unreachable) -> Self {
        let position = REASONS.iter().position(|known| *known == reason);
        let reason = position.and_then(|position| u8::try_from(position).ok()).unwrap_or(0);
        Self::Unreachable { now, path, reason }
    }

    pub(crate) fn create_data_channel(now: Instant, label: &str, init: &DataChannelInit) -> Self {
        Self::CreateDataChannel { now, label: label.to_owned(), init: init.clone() }
    }

    pub(crate) fn channel(id: ChannelId) -> u64 {
        id.to_bits()
    }

    pub(crate) fn send(now: Instant, id: ChannelId, message: &Message) -> Self {
        let text = matches!(message, Message::Text(_));
        Self::Send { now, channel: id.to_bits(), text, bytes: message.bytes().to_vec() }
    }

    pub(crate) fn send_early(now: Instant, id: ChannelId, message: &Message) -> Self {
        let text = matches!(message, Message::Text(_));
        Self::SendEarly { now, channel: id.to_bits(), text, bytes: message.bytes().to_vec() }
    }

    pub(crate) fn add_track(now: Instant, kind: TrackKind, track: &str, streams: &[&str]) -> Self {
        Self::AddTrack { now, kind, track: track.to_owned(), streams: owned(streams) }
    }

    pub(crate) fn add_transceiver(now: Instant, kind: TrackKind, init: &TransceiverInit) -> Self {
        let TransceiverInit { direction, track, streams, send_encodings } = init;
        Self::AddTransceiver {
            now,
            kind,
            direction: direction.as_str().to_owned(),
            track: track.clone(),
            streams: streams.clone(),
            encodings: send_encodings.iter().map(|own| (own.rid.clone(), own.active)).collect(),
        }
    }

    pub(crate) fn replace_track(now: Instant, transceiver: TransceiverId, track: Option<&str>) -> Self {
        Self::ReplaceTrack { now, transceiver, track: track.map(ToOwned::to_owned) }
    }

    pub(crate) fn set_streams(now: Instant, transceiver: TransceiverId, streams: &[&str]) -> Self {
        Self::SetStreams { now, transceiver, streams: owned(streams) }
    }

    pub(crate) fn set_direction(now: Instant, transceiver: TransceiverId, direction: Direction) -> Self {
        Self::SetDirection { now, transceiver, direction: direction.as_str().to_owned() }
    }

    pub(crate) fn set_codec_preferences(now: Instant, transceiver: TransceiverId, codecs: &[Codec]) -> Self {
        Self::SetCodecPreferences { now, transceiver, codecs: codecs.iter().map(RecordedCodec::of).collect() }
    }

    pub(crate) fn insert_dtmf(
        now: Instant,
        transceiver: TransceiverId,
        tones: &str,
        timing: ToneTiming,
    ) -> Self {
        let ToneTiming { duration, inter_tone_gap } = timing;
        Self::InsertDtmf { now, transceiver, tones: tones.to_owned(), duration, inter_tone_gap }
    }

    pub(crate) fn send_rtp(now: Instant, to: Layer<'_>, packet: &MediaPacket<'_>) -> Self {
        let extensions =
            packet.extensions.iter().map(|(kind, data)| (kind.uri().to_owned(), data.to_vec())).collect();
        let packet = Packet {
            payload_type: packet.payload_type,
            marker: packet.marker,
            timestamp: packet.timestamp,
            extensions,
            payload: match packet.payload {
                Payload::Pieces(pieces) => pieces.concat(),
                Payload::Shared(bytes) => bytes.to_vec(),
            },
        };
        Self::SendRtp { now, transceiver: to.transceiver, rid: to.rid.map(ToOwned::to_owned), packet }
    }

    pub(crate) fn forward(now: Instant, to: Layer<'_>, packet: &KeptPacket) -> Self {
        let Layer { transceiver, rid } = to;
        Self::ForwardRtp { now, transceiver, rid: rid.map(ToOwned::to_owned), packet: Forwarded::of(packet) }
    }

    /// Makes the call again. Datagrams and polls are the player's own business.
    pub(super) fn apply(self, pc: &mut PeerConnection) -> Result<(), UsageError> {
        match self {
            Self::Timeout { now } => pc.handle_timeout(now),
            Self::SetConfiguration { now, configuration } => pc.set_configuration(now, configuration)?,
            Self::CreateOffer { options } => drop(pc.create_offer(options)?),
            Self::CreateAnswer => drop(pc.create_answer()?),
            Self::SetLocalDescription { now, description } => {
                pc.set_local_description(now, Some(description))?;
            }
            Self::SetRemoteDescription { now, description } => pc.set_remote_description(now, description)?,
            Self::AddIceCandidate { now, candidate } => pc.add_ice_candidate(now, candidate)?,
            Self::RestartIce { now } => pc.restart_ice(now),
            Self::Close { now } => pc.close(now),
            Self::AddLocalSocket { now, socket } => pc.add_local_socket(now, socket.into_socket())?,
            Self::RemoveLocalSocket { now, protocol, address } => {
                pc.remove_local_socket(now, protocol, address)?;
            }
            Self::NameResolved { now, id, addresses } => {
                pc.name_resolved(now, NameId::from_bits(id), &addresses)?;
            }
            Self::StreamOpened { now, id, local } => pc.stream_opened(now, StreamId::from_bits(id), local)?,
            Self::StreamFailed { now, id } => pc.stream_failed(now, StreamId::from_bits(id))?,
            Self::StreamClosed { now, path } => pc.stream_closed(now, path)?,
            Self::Unreachable { now, path, reason } => {
                let reason = REASONS.get(usize::from(reason)).copied().unwrap_or(Unreachable::Soft);
                pc.handle_unreachable(now, path, reason)?;
            }
            Self::Datagram { .. } | Self::Transmit { .. } => {}
            other => other.apply_to_content(pc)?,
        }
        Ok(())
    }

    /// The calls about channels and media.
    fn apply_to_content(self, pc: &mut PeerConnection) -> Result<(), UsageError> {
        let channel = ChannelId::from_bits;
        match self {
            Self::CreateDataChannel { now, label, init } => drop(pc.create_data_channel(now, &label, init)?),
            Self::Send { now, channel: id, text, bytes } => {
                pc.send(now, channel(id), message(text, bytes))?;
            }
            Self::SendEarly { now, channel: id, text, bytes } => {
                pc.send_early(now, channel(id), message(text, bytes))?;
            }
            Self::SetBufferedAmountLowThreshold { now, channel: id, bytes } => {
                pc.set_buffered_amount_low_threshold(now, channel(id), bytes)?;
            }
            Self::CloseDataChannel { now, channel: id } => pc.close_data_channel(now, channel(id))?,
            Self::AddTrack { now, kind, track, streams } => {
                let streams: Vec<&str> = streams.iter().map(String::as_str).collect();
                pc.add_track(now, kind, &track, &streams)?;
            }
            Self::RemoveTrack { now, transceiver } => pc.remove_track(now, transceiver)?,
            Self::AddTransceiver { now, kind, direction, track, streams, encodings } => {
                let encoding = |(rid, active)| RtpEncodingParameters { rid, active, ..Default::default() };
                let send_encodings = encodings.into_iter().map(encoding).collect();
                let direction = parse(&direction);
                pc.add_transceiver(now, kind, TransceiverInit { direction, track, streams, send_encodings })?;
            }
            Self::ReplaceTrack { now, transceiver, track } => {
                pc.replace_track(now, transceiver, track.as_deref())?;
            }
            Self::SetStreams { now, transceiver, streams } => {
                let streams: Vec<&str> = streams.iter().map(String::as_str).collect();
                pc.set_streams(now, transceiver, &streams)?;
            }
            Self::SetDirection { now, transceiver, direction } => {
                pc.set_direction(now, transceiver, parse(&direction))?;
            }
            Self::SetCodecPreferences { now, transceiver, codecs } => {
                let codecs: Vec<Codec> = codecs.into_iter().map(RecordedCodec::into_codec).collect();
                pc.set_codec_preferences(now, transceiver, &codecs)?;
            }
            Self::InsertDtmf { now, transceiver, tones, duration, inter_tone_gap } => {
                pc.insert_dtmf(now, transceiver, &tones, ToneTiming { duration, inter_tone_gap })?;
            }
            Self::SetActive { now, transceiver, active } => pc.set_active(now, transceiver, &active)?,
            Self::StopTransceiver { now, transceiver } => pc.stop_transceiver(now, transceiver)?,
            Self::SendRtp { now, transceiver, rid, packet } => {
                packet.send(pc, now, Layer { transceiver, rid: rid.as_deref() })?;
            }
            Self::ForwardRtp { now, transceiver, rid, packet } => {
                packet.forward(pc, now, Layer { transceiver, rid: rid.as_deref() })?;
            }
            Self::RequestKeyframe { now, transceiver, rid } => {
                pc.request_keyframe(now, Layer { transceiver, rid: rid.as_deref() })?;
            }
            _ => {}
        }
        Ok(())
    }
}

impl Socket {
    fn into_socket(self) -> LocalSocket {
        LocalSocket {
            address: self.address,
            transport: TRANSPORTS.get(usize::from(self.transport)).copied().unwrap_or(Transport::Udp),
            advertised: self.advertised,
            name: self.name,
            network_id: self.network_id,
            network_cost: self.network_cost,
            dont_fragment: self.dont_fragment,
        }
    }
}

impl RecordedCodec {
    fn of(codec: &Codec) -> Self {
        Self {
            payload_type: codec.payload_type,
            name: codec.name.clone(),
            clock_rate: codec.clock_rate,
            channels: codec.channels,
            fmtp: alloc::string::ToString::to_string(&codec.fmtp),
            feedback: codec.feedback.iter().map(|feedback| feedback.as_str().to_owned()).collect(),
        }
    }

    fn into_codec(self) -> Codec {
        Codec {
            payload_type: self.payload_type,
            name: self.name,
            clock_rate: self.clock_rate,
            channels: self.channels,
            fmtp: Parameters::new(&self.fmtp),
            feedback: self.feedback.iter().map(|feedback| RtcpFeedback::parse(feedback)).collect(),
        }
    }
}

impl Packet {
    fn send(&self, pc: &mut PeerConnection, now: Instant, to: Layer<'_>) -> Result<(), UsageError> {
        let known = |(uri, data): &'_ (String, Vec<u8>)| Some((ExtensionKind::from_uri(uri)?, data.clone()));
        let extensions: Vec<(ExtensionKind, Vec<u8>)> = self.extensions.iter().filter_map(known).collect();
        let extensions: Vec<(ExtensionKind, &[u8])> =
            extensions.iter().map(|(kind, data)| (*kind, data.as_slice())).collect();
        let packet = MediaPacket {
            payload_type: self.payload_type,
            marker: self.marker,
            timestamp: self.timestamp,
            extensions: &extensions,
            payload: Payload::Pieces(&[&self.payload]),
        };
        pc.send_rtp(now, to, &packet)
    }
}

impl Forwarded {
    fn of(packet: &KeptPacket) -> Self {
        let codec = packet.codec();
        let extensions = packet.extensions().iter().map(|(id, kind)| (id, kind.uri().to_owned())).collect();
        Self {
            name: codec.map(|codec| codec.name.clone()).unwrap_or_default(),
            clock_rate: codec.map_or(0, |codec| codec.clock_rate),
            channels: codec.map_or(0, |codec| codec.channels),
            format_parameters: codec.map(|codec| codec.format_parameters.clone()).unwrap_or_default(),
            extensions,
            sequence: packet.sequence(),
            bytes: packet.bytes().to_vec(),
        }
    }

    fn forward(self, pc: &mut PeerConnection, now: Instant, to: Layer<'_>) -> Result<(), UsageError> {
        let codec = CodecParameters {
            channels: self.channels,
            format_parameters: self.format_parameters,
            ..CodecParameters::new(0, &self.name, self.clock_rate)
        };
        let mut extensions = ExtensionMap::new();
        for (id, uri) in &self.extensions {
            if let Some(kind) = ExtensionKind::from_uri(uri) {
                extensions.insert(*id, kind);
            }
        }
        // What was forwarded then was an RTP packet, else nothing was.
        let packet = KeptPacket::new(codec, extensions, self.sequence, self.bytes.into());
        packet.map_or(Ok(()), |packet| pc.forward_kept(now, to, &packet))
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn parse(direction: &str) -> Direction {
    Direction::from_name(direction).unwrap_or_default()
}

fn message(text: bool, bytes: Vec<u8>) -> Message {
    if text { Message::Text(bytes.into()) } else { Message::Binary(bytes.into()) }
}
