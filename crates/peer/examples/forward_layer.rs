//! A server forwards one of the three simulcast layers that a camera sends to a viewer, and changes to another, in memory
//! and virtual time: `cargo run -p sendrecv --example forward_layer`.
#![allow(clippy::print_stdout)]

use sendrecv::{
    Configuration, Direction, Event, Inbound, KeptPacket, LayerSelector, LocalSocket, MediaPacket,
    OfferOptions, Payload, PeerConnection, RtpEncodingParameters, Settings, TrackKind, TransceiverId,
    TransceiverInit, UsageError,
};
use sendrecv_core::{Ecn, Instant, Path, Seed};
use std::net::{Ipv4Addr, SocketAddr};

const RIDS: [&str; 3] = ["q", "h", "f"];

/// Two connections and what joins them: camera and server, or server and viewer.
struct Link {
    offerer: PeerConnection,
    answerer: PeerConnection,
}

impl Link {
    fn new(seed: u64) -> Result<Self, UsageError> {
        let settings = Settings { receive_simulcast: true, ..Settings::default() };
        let end = |number: u16| {
            let configuration = Configuration { settings: settings.clone(), ..Configuration::default() };
            let seed = Seed::from_u64(seed).derive_indexed("end", number.into());
            let mut pc = PeerConnection::new(configuration, seed, Instant::ZERO)?;
            pc.add_local_socket(
                Instant::ZERO,
                LocalSocket::udp(SocketAddr::from((Ipv4Addr::LOCALHOST, number))),
            )?;
            Ok::<_, UsageError>(pc)
        };
        Ok(Self { offerer: end(1)?, answerer: end(2)? })
    }

    fn negotiate(&mut self) -> Result<(), UsageError> {
        let now = Instant::ZERO;
        let offer = self.offerer.create_offer(OfferOptions::default())?;
        self.offerer.set_local_description(now, Some(offer))?;
        let Some(offer) = self.offerer.local_description() else { return Ok(()) };
        self.answerer.set_remote_description(now, offer)?;
        self.answerer.set_local_description(now, None)?;
        let Some(answer) = self.answerer.local_description() else { return Ok(()) };
        self.offerer.set_remote_description(now, answer)
    }

    /// Carries datagrams both ways; returns the media that the answerer received.
    fn step(&mut self, now: Instant) -> Vec<KeptPacket> {
        carry(now, &mut self.answerer, &mut self.offerer);
        carry(now, &mut self.offerer, &mut self.answerer)
    }
}

/// Carries what one connection has to send to the other; returns the media in it.
fn carry(now: Instant, from: &mut PeerConnection, to: &mut PeerConnection) -> Vec<KeptPacket> {
    let (mut received, mut slab) = (Vec::new(), vec![0; 65_536]);
    if from.poll_timeout().is_some_and(|at| at <= now) {
        from.handle_timeout(now);
    }
    while let Some(datagrams) = from.poll_transmit(now, &mut slab) {
        let path = Path::udp(datagrams.path.remote, datagrams.path.local);
        let size = datagrams.segment_size.unwrap_or(datagrams.len).max(1);
        for datagram in slab.get(..datagrams.len).unwrap_or_default().chunks(size) {
            let mut datagram = datagram.to_vec();
            if let Ok(Inbound::Rtp(packet)) = to.handle_datagram(now, path, Ecn::NotEct, &mut datagram) {
                received.push(packet.keep());
            }
        }
    }
    received
}

/// The camera's encoders: a frame of each layer, a keyframe where one is asked for.
fn film(now: Instant, pc: &mut PeerConnection, camera: TransceiverId, frame: u32) -> Result<(), UsageError> {
    let mut wanted: Vec<String> = Vec::new();
    while let Some(event) = pc.poll_event() {
        if let Event::KeyframeRequested { rid: Some(rid), .. } = event {
            wanted.push((*rid).into());
        }
    }
    for rid in RIDS {
        let Some(payload_type) = pc.send_codec(camera.layer(rid)).map(|codec| codec.payload_type) else {
            continue;
        };
        // A VP8 descriptor, and the bit that tells keyframes.
        let delta = u8::from(!wanted.iter().any(|own| own == rid));
        let pieces: [&[u8]; 2] = [&[0x10, delta], rid.as_bytes()];
        let (payload, timestamp) = (Payload::Pieces(&pieces), frame.wrapping_mul(3000));
        let packet = MediaPacket { payload_type, marker: true, timestamp, extensions: &[], payload };
        pc.send_rtp(now, camera.layer(rid), &packet)?;
    }
    Ok(())
}

fn main() -> Result<(), UsageError> {
    let (mut ingress, mut egress) = (Link::new(1)?, Link::new(2)?);
    let send_encodings = RIDS.map(RtpEncodingParameters::with_rid).into();
    let init =
        TransceiverInit { direction: Direction::SendOnly, send_encodings, ..TransceiverInit::default() };
    let camera = ingress.offerer.add_transceiver(Instant::ZERO, TrackKind::Video, init)?;
    let screen = egress.offerer.add_track(Instant::ZERO, TrackKind::Video, "screen", &["stream"])?;
    ingress.negotiate()?;
    egress.negotiate()?;
    let Some(source) = ingress.answerer.transceivers().first().map(sendrecv::Transceiver::id) else {
        return Ok(());
    };

    let mut layers = LayerSelector::new("q");
    let mut seen = Vec::new();
    for millis in 0..3000 {
        let now = Instant::from_millis(millis);
        if millis % 33 == 0 {
            film(now, &mut ingress.offerer, camera, u32::try_from(millis / 33).unwrap_or(0))?;
        }
        if millis == 2000 {
            layers.select("f");
        }
        for packet in ingress.step(now) {
            if layers.takes(packet.rid(), packet.is_keyframe()) {
                egress.offerer.forward_kept(now, screen, &packet)?;
            }
        }
        if let Some(rid) = layers.waits_for() {
            // Before its first packet there is nobody to ask.
            let _ = ingress.answerer.request_keyframe(now, source.layer(rid));
        }
        for packet in egress.step(now) {
            let Some(rtp) = packet.packet() else { continue };
            if seen.last().is_none_or(|last: &Vec<u8>| last != rtp.payload().get(2..).unwrap_or_default()) {
                let layer = rtp.payload().get(2..).unwrap_or_default();
                println!(
                    "{millis} ms: packet {} of {:08x} is of layer {}",
                    packet.sequence(),
                    rtp.ssrc(),
                    layer.escape_ascii()
                );
                seen.push(layer.to_vec());
            }
        }
    }
    Ok(())
}
