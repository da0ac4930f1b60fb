//! Our own stack, with either crypto provider.

use super::{Carries, Peer, Wire, address};
use bytes::Bytes;
use sendrecv::{
    Configuration, DataChannelId, DataChannelInit, Event, Inbound, LocalSocket, MediaPacket, Message,
    OfferOptions, Payload, PeerConnection, Settings, TrackKind, TransceiverId,
};
use sendrecv_core::{Ecn, Instant, Path, Seed};
use sendrecv_crypto::CryptoProvider;
use std::cell::RefCell;
use std::marker::PhantomData;
use std::time::Duration;

thread_local! {
    /// Where the stack writes: it is the host's, which needs one however many peers it has.
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; 65_536].into());
}

/// Which provider, as a type, so that a pair can be made of nothing.
pub trait Provider {
    /// The provider.
    fn get() -> &'static dyn CryptoProvider;
}

/// Pure Rust.
pub struct RustCrypto;
/// AWS-LC.
pub struct AwsLc;

impl Provider for RustCrypto {
    fn get() -> &'static dyn CryptoProvider {
        sendrecv_crypto::rustcrypto()
    }
}

impl Provider for AwsLc {
    fn get() -> &'static dyn CryptoProvider {
        sendrecv_crypto::aws_lc_rs()
    }
}

/// One of our peer connections.
pub struct Ours<C> {
    pc: PeerConnection,
    path: Path,
    channel: Option<DataChannelId>,
    track: Option<TransceiverId>,
    payload_type: u8,
    timestamp: u32,
    open: bool,
    carries: Carries,
    received: u64,
    provider: PhantomData<C>,
}

impl<C: Provider> Ours<C> {
    fn new(side: usize, carries: Carries) -> Self {
        let settings = Settings { crypto: C::get(), ..Settings::default() };
        let configuration = Configuration { settings, ..Configuration::default() };
        let seed = Seed::from_u64(side as u64 + 1);
        let mut pc = PeerConnection::new(configuration, seed, Instant::ZERO).expect("a configuration");
        // The wire between the two takes packets of any size, as it does for the others.
        let socket = LocalSocket { dont_fragment: true, ..LocalSocket::udp(address(side)) };
        pc.add_local_socket(Instant::ZERO, socket).expect("a socket");
        Self {
            pc,
            path: Path::udp(address(side), address(1 - side)),
            channel: None,
            track: None,
            payload_type: 0,
            timestamp: 0,
            open: false,
            carries,
            received: 0,
            provider: PhantomData,
        }
    }

    fn events(&mut self) {
        while let Some(event) = self.pc.poll_event() {
            match event {
                Event::DataChannelMessage { .. } => self.received += 1,
                Event::DataChannelOpen(id) => {
                    self.channel = Some(id);
                    self.open = true;
                }
                _ => {}
            }
        }
    }
}

impl<C: Provider> Peer for Ours<C> {
    fn pair(carries: Carries) -> [Self; 2] {
        let now = Instant::ZERO;
        let (mut a, mut b) = (Self::new(0, carries), Self::new(1, carries));
        match carries {
            Carries::Data => {
                a.pc.create_data_channel(now, "bench", DataChannelInit::default()).expect("a channel");
            }
            Carries::Video => {
                a.track = Some(a.pc.add_track(now, TrackKind::Video, "camera", &["stream"]).expect("a track"));
            }
        }
        let offer = a.pc.create_offer(OfferOptions::default()).expect("an offer");
        a.pc.set_local_description(now, Some(offer)).expect("our offer");
        let offer = a.pc.local_description().expect("an offer");
        b.pc.set_remote_description(now, offer).expect("their offer");
        let answer = b.pc.create_answer().expect("an answer");
        b.pc.set_local_description(now, Some(answer)).expect("our answer");
        let answer = b.pc.local_description().expect("an answer");
        a.pc.set_remote_description(now, answer).expect("their answer");
        if let Some(track) = a.track {
            let vp8 = a.pc.send_codecs(track).iter().find(|codec| codec.name == "VP8").expect("VP8");
            a.payload_type = vp8.payload_type;
        }
        [a, b]
    }

    fn receive(&mut self, now: Duration, wire: &mut Wire, _: &mut Wire) {
        let now = instant(now);
        wire.drain(|datagram| {
            if let Ok(Inbound::Rtp(_)) = self.pc.handle_datagram(now, self.path, Ecn::NotEct, datagram) {
                self.received += 1;
            }
        });
        self.events();
    }

    fn relay(&mut self, now: Duration, wire: &mut Wire, _: &mut Wire, to: &mut [Self]) {
        let now = instant(now);
        wire.drain(|datagram| {
            if let Ok(Inbound::Rtp(packet)) = self.pc.handle_datagram(now, self.path, Ecn::NotEct, datagram) {
                self.received += 1;
                let kept = packet.keep();
                for peer in to.iter_mut() {
                    peer.pc.forward_kept(now, peer.track.expect("a track"), &kept).expect("room");
                }
            }
        });
        self.events();
    }

    fn transmit(&mut self, now: Duration, out: &mut Wire) {
        let now = instant(now);
        BUFFER.with_borrow_mut(|buffer| {
            while let Some(datagrams) = self.pc.poll_transmit(now, buffer) {
                let size = datagrams.segment_size.unwrap_or(datagrams.len).max(1);
                buffer[..datagrams.len].chunks(size).for_each(|datagram| out.push(datagram));
            }
        });
        self.events();
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.pc.poll_timeout().map(|at| Duration::from_nanos(at.as_nanos()))
    }

    fn timeout(&mut self, now: Duration) {
        self.pc.handle_timeout(instant(now));
    }

    fn send(&mut self, now: Duration, message: &Bytes) -> bool {
        let Some(channel) = self.channel else { return false };
        self.pc.send(instant(now), channel, Message::Binary(message.clone())).is_ok()
    }

    fn send_packet(&mut self, now: Duration, payload: &Bytes) {
        self.timestamp = self.timestamp.wrapping_add(90);
        let packet = MediaPacket {
            payload_type: self.payload_type,
            marker: false,
            timestamp: self.timestamp,
            extensions: &[],
            payload: Payload::Shared(payload),
        };
        self.pc.send_rtp(instant(now), self.track.expect("a track"), &packet).expect("room");
    }

    fn is_ready(&mut self) -> bool {
        match self.carries {
            Carries::Data => self.open,
            Carries::Video => self.pc.connection_state() == sendrecv::PeerConnectionState::Connected,
        }
    }

    fn received(&self) -> u64 {
        self.received
    }
}

fn instant(now: Duration) -> Instant {
    Instant::ZERO + now
}
