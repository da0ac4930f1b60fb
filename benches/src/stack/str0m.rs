//! str0m with aws-lc-rs.

use super::{Carries, Peer, Wire, address};
use bytes::Bytes;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use str0m::channel::ChannelId;
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpPacket;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// One `Rtc` in RTP mode.
pub struct Str0mAwsLc {
    rtc: Rtc,
    side: usize,
    carries: Carries,
    channel: Option<ChannelId>,
    mid: Option<Mid>,
    payload_type: Option<Pt>,
    sequence: u64,
    connected: bool,
    received: u64,
    deadline: Option<Duration>,
    packets: Vec<RtpPacket>,
    relaying: bool,
}

/// The epoch: str0m wants the standard library's instants.
fn epoch() -> Instant {
    static EPOCH: OnceLock<Instant> = OnceLock::new();
    *EPOCH.get_or_init(Instant::now)
}

impl Str0mAwsLc {
    fn new(side: usize, carries: Carries) -> Self {
        let provider = Arc::new(str0m::crypto::from_feature_flags());
        let config = RtcConfig::new().set_crypto_provider(provider).set_rtp_mode(true);
        // Its default is 128 KiB; what is in flight is limited by the bench.
        let config = config.set_sctp_max_buffered_amount(64 << 20);
        let mut rtc = config.build(epoch());
        let candidate = |side| Candidate::host(address(side), "udp").expect("a candidate");
        rtc.add_local_candidate(candidate(side));
        rtc.add_remote_candidate(candidate(1 - side));
        Self {
            rtc,
            side,
            carries,
            channel: None,
            mid: None,
            payload_type: None,
            sequence: 0,
            connected: false,
            received: 0,
            deadline: Some(Duration::ZERO),
            packets: Vec::new(),
            relaying: false,
        }
    }

    fn poll(&mut self, out: &mut Wire) {
        loop {
            match self.rtc.poll_output().expect("a healthy peer") {
                Output::Transmit(transmit) => out.push(&transmit.contents),
                Output::Timeout(at) => {
                    self.deadline = Some(at.saturating_duration_since(epoch()));
                    return;
                }
                Output::Event(event) => self.on_event(event),
            }
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::ChannelOpen(id, _) => self.channel = Some(id),
            Event::ChannelData(_) => self.received += 1,
            Event::RtpPacket(packet) => {
                self.received += 1;
                if self.relaying {
                    self.packets.push(packet);
                }
            }
            _ => {}
        }
    }

    fn write(&mut self, now: Duration, time: u32, payload: Arc<[u8]>) {
        let (mid, pt) = (self.mid.expect("a track"), self.payload_type.expect("VP8"));
        self.sequence += 1;
        let packet = str0m::rtp::RtpWrite::new(pt, self.sequence.into(), time, epoch() + now, payload).nackable(true);
        let mut api = self.rtc.direct_api();
        api.stream_tx_by_mid(mid, None).expect("a stream").write_rtp(packet);
    }
}

impl Peer for Str0mAwsLc {
    fn pair(carries: Carries) -> [Self; 2] {
        let (mut a, mut b) = (Self::new(0, carries), Self::new(1, carries));
        let mut change = a.rtc.sdp_api();
        match carries {
            Carries::Data => {
                change.add_channel("bench".into());
            }
            Carries::Video => {
                a.mid = Some(change.add_media(MediaKind::Video, Direction::SendOnly, None, None, None));
            }
        }
        let (offer, pending) = change.apply().expect("an offer");
        let answer = b.rtc.sdp_api().accept_offer(offer).expect("an answer");
        a.rtc.sdp_api().accept_answer(pending, answer).expect("a session");
        if a.mid.is_some() {
            let vp8 = a.rtc.codec_config().find(|codec| codec.spec().codec == str0m::format::Codec::Vp8);
            a.payload_type = Some(vp8.expect("VP8").pt());
        }
        [a, b]
    }

    fn receive(&mut self, now: Duration, wire: &mut Wire, out: &mut Wire) {
        wire.drain(|datagram| {
            let receive = Receive::new(Protocol::Udp, address(1 - self.side), address(self.side), datagram);
            let input = Input::Receive(epoch() + now, receive.expect("a datagram"));
            self.rtc.handle_input(input).expect("a healthy peer");
            self.poll(out);
        });
    }

    fn relay(&mut self, now: Duration, wire: &mut Wire, out: &mut Wire, to: &mut [Self]) {
        self.relaying = true;
        self.receive(now, wire, out);
        for packet in self.packets.drain(..) {
            for peer in to.iter_mut() {
                peer.write(now, packet.header.timestamp, Arc::clone(&packet.payload));
            }
        }
    }

    fn transmit(&mut self, _: Duration, out: &mut Wire) {
        self.poll(out);
    }

    fn deadline(&mut self) -> Option<Duration> {
        self.deadline
    }

    fn timeout(&mut self, now: Duration) {
        self.rtc.handle_input(Input::Timeout(epoch() + now)).expect("a healthy peer");
    }

    fn send(&mut self, _: Duration, message: &Bytes) -> bool {
        let Some(id) = self.channel else { return false };
        let mut channel = self.rtc.channel(id).expect("a channel");
        channel.write(true, message).expect("a healthy channel")
    }

    fn send_packet(&mut self, now: Duration, payload: &Bytes) {
        self.write(now, (self.sequence as u32).wrapping_mul(90), Arc::from(&payload[..]));
    }

    fn is_ready(&mut self) -> bool {
        match self.carries {
            Carries::Data => self.channel.is_some(),
            Carries::Video => self.connected,
        }
    }

    fn received(&self) -> u64 {
        self.received
    }
}
