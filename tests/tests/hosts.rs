//! Peers on real sockets of this machine, under both hosts, in every combination.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use sendrecv::{
    Configuration, DataChannelId, DataChannelInit, Event, IceCandidate, Message, OfferOptions,
    PeerConnection, PeerConnectionState, SessionDescription,
};
use sendrecv_core::Instant;
use sendrecv_net::{Application, BindOptions, HostOptions};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::runtime::Runtime;

/// What the test hears of a peer.
#[derive(Debug)]
enum News {
    Candidate(Option<IceCandidate>),
    State(PeerConnectionState),
    Open(DataChannelId),
    Message(Message),
    ChannelClosed,
}

/// Tells the test what happens, and on the answering side sends every message back.
struct Teller {
    news: Sender<News>,
    echoes: bool,
}

impl Application for Teller {
    fn on_event(&mut self, pc: &mut PeerConnection, now: Instant, event: Event) {
        let news = match event {
            Event::IceCandidate(candidate) => News::Candidate(candidate),
            Event::ConnectionStateChange(state) => News::State(state),
            Event::DataChannelOpen(channel) => News::Open(channel),
            Event::DataChannelClose(_) => News::ChannelClosed,
            Event::DataChannelMessage { channel, message } if self.echoes => {
                return pc.send(now, channel, message).unwrap();
            }
            Event::DataChannelMessage { message, .. } => News::Message(message),
            _ => return,
        };
        // The test may have ended.
        let _ = self.news.send(news);
    }
}

#[derive(Clone, Copy, Debug)]
enum Host {
    Tokio,
    Blocking,
}

enum Handle {
    Tokio(Runtime, sendrecv_tokio::Handle<Teller>),
    Blocking(sendrecv_blocking::Handle<Teller>),
}

struct Peer {
    handle: Handle,
    news: Receiver<News>,
}

impl Peer {
    fn start(host: Host, echoes: bool) -> Self {
        let (sender, news) = channel();
        let teller = Teller { news: sender, echoes };
        let bind = BindOptions { addresses: vec![[127, 0, 0, 1].into()], ..BindOptions::default() };
        let options = HostOptions { bind, ..HostOptions::default() };
        let configuration = Configuration::default();
        let handle = match host {
            Host::Tokio => {
                let runtime = Runtime::new().unwrap();
                let _inside = runtime.enter();
                let handle = sendrecv_tokio::spawn(configuration, options, teller).unwrap();
                drop(_inside);
                Handle::Tokio(runtime, handle)
            }
            Host::Blocking => {
                Handle::Blocking(sendrecv_blocking::spawn(configuration, options, teller).unwrap())
            }
        };
        Self { handle, news }
    }

    fn with<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut PeerConnection, Instant) -> R + Send + 'static,
    ) -> R {
        match &self.handle {
            Handle::Tokio(runtime, handle) => {
                runtime.block_on(handle.with(|pc, _, now| job(pc, now))).unwrap()
            }
            Handle::Blocking(handle) => handle.with(|pc, _, now| job(pc, now)).unwrap(),
        }
    }

    fn close(&self) {
        match &self.handle {
            Handle::Tokio(runtime, handle) => runtime.block_on(handle.close()),
            Handle::Blocking(handle) => handle.close(),
        }
    }

    fn addresses(&self) -> Vec<std::net::SocketAddr> {
        match &self.handle {
            Handle::Tokio(_, handle) => handle.local_addresses().to_vec(),
            Handle::Blocking(handle) => handle.local_addresses().to_vec(),
        }
    }

    /// Waits for the first news that `pick` picks; the rest is skipped.
    fn wait_for<T>(&self, what: &str, mut pick: impl FnMut(News) -> Option<T>) -> T {
        loop {
            let news = self.news.recv_timeout(Duration::from_secs(20));
            let news = news.unwrap_or_else(|_| panic!("waited in vain for {what}"));
            if let Some(picked) = pick(news) {
                return picked;
            }
        }
    }

    /// Our description, once all candidates are in it.
    fn gathered(&self) -> SessionDescription {
        self.wait_for("candidates", |news| matches!(news, News::Candidate(None)).then_some(()));
        self.with(|pc, _| pc.local_description().unwrap())
    }
}

/// Connects an offering peer with a data channel to an echoing one.
fn connect(offering: Host, answering: Host) -> (Peer, Peer, DataChannelId) {
    let (a, b) = (Peer::start(offering, false), Peer::start(answering, true));
    a.with(|pc, now| {
        pc.create_data_channel(now, "test", DataChannelInit::default()).unwrap();
        let offer = pc.create_offer(OfferOptions::default()).unwrap();
        pc.set_local_description(now, Some(offer)).unwrap();
    });
    let offer = a.gathered();
    b.with(move |pc, now| {
        pc.set_remote_description(now, offer).unwrap();
        pc.set_local_description(now, None).unwrap();
    });
    let answer = b.gathered();
    a.with(move |pc, now| pc.set_remote_description(now, answer).unwrap());
    let channel = a.wait_for("the channel", |news| match news {
        News::Open(channel) => Some(channel),
        _ => None,
    });
    (a, b, channel)
}

/// Message number `i`: text and binary by turns, of mixed sizes up to 64 KiB, empty ones among them.
fn message(i: usize) -> Message {
    let size = [0, 1, 100, 1_200, 5_000, 16_384, 65_536][i % 7];
    let bytes: Vec<u8> = (0..size).map(|at| b'a' + u8::try_from((i + at) % 26).unwrap()).collect();
    if i.is_multiple_of(2) { Message::Text(bytes.into()) } else { Message::Binary(bytes.into()) }
}

fn exchange(offering: Host, answering: Host) {
    let (a, b, channel) = connect(offering, answering);
    let count = 300;
    a.with(move |pc, now| (0..count).for_each(|i| pc.send(now, channel, message(i)).unwrap()));
    for i in 0..count {
        let echo = a.wait_for("an echo", |news| match news {
            News::Message(message) => Some(message),
            _ => None,
        });
        assert!(echo == message(i), "echo {i} is another message");
    }
    let addresses = [a.addresses(), b.addresses()].concat();
    a.close();
    b.wait_for("the end of the channel", |news| matches!(news, News::ChannelClosed).then_some(()));
    b.close();
    for address in addresses {
        std::net::UdpSocket::bind(address).expect("a closed peer has released its sockets");
    }
}

#[test]
fn two_tokio_peers_exchange_messages_and_close() {
    exchange(Host::Tokio, Host::Tokio);
}

#[test]
fn two_blocking_peers_exchange_messages_and_close() {
    exchange(Host::Blocking, Host::Blocking);
}

#[test]
fn peers_of_both_hosts_exchange_messages_and_close() {
    exchange(Host::Tokio, Host::Blocking);
    exchange(Host::Blocking, Host::Tokio);
}

#[test]
fn dropping_the_last_handle_closes_the_peer() {
    for host in [Host::Tokio, Host::Blocking] {
        let (a, b, _) = connect(host, Host::Blocking);
        match a.handle {
            Handle::Tokio(runtime, handle) => {
                drop(handle);
                b.wait_for("the end", |news| matches!(news, News::ChannelClosed).then_some(()));
                drop(runtime);
            }
            Handle::Blocking(handle) => {
                drop(handle);
                b.wait_for("the end", |news| matches!(news, News::ChannelClosed).then_some(()));
            }
        }
    }
}

#[test]
fn a_closed_peer_says_so() {
    let blocking = Peer::start(Host::Blocking, false);
    blocking.close();
    blocking.close();
    let Handle::Blocking(handle) = &blocking.handle else { panic!() };
    assert_eq!(handle.with(|_, _, _| ()), Err(sendrecv_blocking::Closed));
    let tokio = Peer::start(Host::Tokio, false);
    tokio.close();
    tokio.close();
    let Handle::Tokio(runtime, handle) = &tokio.handle else { panic!() };
    assert_eq!(runtime.block_on(handle.with(|_, _, _| ())), Err(sendrecv_tokio::Closed));
}

#[test]
fn connection_states_come_in_order() {
    let (a, b, _) = connect(Host::Blocking, Host::Tokio);
    let connected = |news| matches!(news, News::State(PeerConnectionState::Connected)).then_some(());
    b.wait_for("the connected state", connected);
    a.close();
}
