//! A peer on real sockets of this machine, under either host.

use sendrecv::{
    Configuration, DataChannelId, DataChannelInit, Event, IceCandidate, Message, OfferOptions,
    PeerConnection, PeerConnectionState, SessionDescription,
};
use sendrecv_core::Instant;
use sendrecv_net::{Application, BindOptions, HostOptions};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::runtime::Runtime;

/// What the test hears of a peer.
#[derive(Debug)]
pub enum News {
    /// A candidate; `None` after the last.
    Candidate(Option<IceCandidate>),
    /// A server gave no candidate: the code of the error.
    CandidateError(u16),
    /// The connection's state.
    State(PeerConnectionState),
    /// A channel that was opened.
    Open(DataChannelId),
    /// A message, on the side that does not echo.
    Message(Message),
    /// A channel has ended.
    ChannelClosed,
}

/// Tells the test what happens, and on the answering side sends every message back.
#[derive(Debug)]
pub struct Teller {
    news: Sender<News>,
    echoes: bool,
}

impl Teller {
    fn new(echoes: bool) -> (Self, Receiver<News>) {
        let (sender, news) = channel();
        (Self { news: sender, echoes }, news)
    }
}

impl Application for Teller {
    fn on_event(&mut self, pc: &mut PeerConnection, now: Instant, event: Event) {
        let news = match event {
            Event::IceCandidate(candidate) => News::Candidate(candidate),
            Event::IceCandidateError(error) => News::CandidateError(error.error_code),
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

/// The hosts there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// A task on tokio.
    Tokio,
    /// A thread.
    Blocking,
}

/// A peer's handle.
#[derive(Debug)]
pub enum Handle {
    /// The task's, with the runtime it runs on.
    Tokio(Arc<Runtime>, sendrecv_tokio::Handle<Teller>),
    /// The thread's.
    Blocking(sendrecv_blocking::Handle<Teller>),
}

/// A peer under one of the hosts.
#[derive(Debug)]
pub struct HostedPeer {
    /// Its handle.
    pub handle: Handle,
    news: Receiver<News>,
}

impl HostedPeer {
    /// A peer on loopback that sends messages back if it `echoes`.
    pub fn start(host: Host, echoes: bool) -> Self {
        Self::start_with(host, echoes, Configuration::default(), HostOptions::default())
    }

    /// A peer on loopback with a configuration and options of its own.
    pub fn start_with(host: Host, echoes: bool, configuration: Configuration, options: HostOptions) -> Self {
        let bind = BindOptions { addresses: vec![[127, 0, 0, 1].into()], ..options.bind };
        Self::start_anywhere(host, echoes, configuration, HostOptions { bind, ..options })
    }

    /// A peer on the addresses that its options say.
    pub fn start_anywhere(
        host: Host,
        echoes: bool,
        configuration: Configuration,
        options: HostOptions,
    ) -> Self {
        let (teller, news) = Teller::new(echoes);
        let handle = match host {
            Host::Tokio => {
                let runtime = Arc::new(Runtime::new().unwrap());
                let _inside = runtime.enter();
                let handle = sendrecv_tokio::spawn(configuration, options, teller).unwrap();
                Handle::Tokio(Arc::clone(&runtime), handle)
            }
            Host::Blocking => {
                Handle::Blocking(sendrecv_blocking::spawn(configuration, options, teller).unwrap())
            }
        };
        Self { handle, news }
    }

    /// Runs `job` beside the connection.
    pub fn with<R: Send + 'static>(
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

    /// Closes the peer.
    pub fn close(&self) {
        match &self.handle {
            Handle::Tokio(runtime, handle) => runtime.block_on(handle.close()),
            Handle::Blocking(handle) => handle.close(),
        }
    }

    /// The addresses of its sockets.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match &self.handle {
            Handle::Tokio(_, handle) => handle.local_addresses(),
            Handle::Blocking(handle) => handle.local_addresses(),
        }
    }

    /// Waits for the first news that `pick` picks; the rest is skipped.
    ///
    /// # Panics
    /// When none comes in time.
    pub fn wait_for<T>(&self, what: &str, mut pick: impl FnMut(News) -> Option<T>) -> T {
        loop {
            let news = self.news.recv_timeout(Duration::from_secs(20));
            let news = news.unwrap_or_else(|_| panic!("waited in vain for {what}"));
            if let Some(picked) = pick(news) {
                return picked;
            }
        }
    }

    /// Our description, once all candidates are in it.
    pub fn gathered(&self) -> SessionDescription {
        self.wait_for("candidates", |news| matches!(news, News::Candidate(None)).then_some(()));
        self.with(|pc, _| pc.local_description().unwrap())
    }

    /// Connects to an echoing peer, with one channel.
    pub fn connect_to(&self, echoing: &Self) -> DataChannelId {
        self.connect_by(echoing, |_| true)
    }

    /// Connects to an echoing peer, with one channel; only the lines of the descriptions that are `wanted` arrive.
    pub fn connect_by(&self, echoing: &Self, wanted: impl Fn(&str) -> bool) -> DataChannelId {
        let pass = |description: SessionDescription| {
            let lines = description.sdp.split_inclusive('\n').filter(|line| wanted(line));
            SessionDescription { sdp: lines.collect(), ..description }
        };
        self.with(|pc, now| {
            pc.create_data_channel(now, "test", DataChannelInit::default()).unwrap();
            let offer = pc.create_offer(OfferOptions::default()).unwrap();
            pc.set_local_description(now, Some(offer)).unwrap();
        });
        let offer = pass(self.gathered());
        echoing.with(move |pc, now| {
            pc.set_remote_description(now, offer).unwrap();
            pc.set_local_description(now, None).unwrap();
        });
        let answer = pass(echoing.gathered());
        self.with(move |pc, now| pc.set_remote_description(now, answer).unwrap());
        self.wait_for("the channel", |news| match news {
            News::Open(channel) => Some(channel),
            _ => None,
        })
    }

    /// Sends `count` messages and waits until the other side has sent them all back, in order.
    ///
    /// # Panics
    /// When it does not.
    pub fn exchange(&self, channel: DataChannelId, count: usize) {
        self.send(channel, count);
        self.expect_echoes(count);
    }

    /// Sends `count` messages.
    pub fn send(&self, channel: DataChannelId, count: usize) {
        self.with(move |pc, now| (0..count).for_each(|i| pc.send(now, channel, message(i)).unwrap()));
    }

    /// Waits until the other side has sent back `count` messages, in order.
    ///
    /// # Panics
    /// When it does not.
    pub fn expect_echoes(&self, count: usize) {
        for i in 0..count {
            let echo = self.wait_for("an echo", |news| match news {
                News::Message(message) => Some(message),
                _ => None,
            });
            assert!(echo == message(i), "echo {i} is another message");
        }
    }
}

/// Message number `i`: text and binary by turns, of mixed sizes up to 64 KiB, empty ones among them.
fn message(i: usize) -> Message {
    let size = [0, 1, 100, 1_200, 5_000, 16_384, 65_536][i % 7];
    let bytes: Vec<u8> = (0..size).map(|at| b'a' + u8::try_from((i + at) % 26).unwrap()).collect();
    if i.is_multiple_of(2) { Message::Text(bytes.into()) } else { Message::Binary(bytes.into()) }
}

/// Many peers on one set of sockets, under one of the hosts.
#[derive(Debug)]
pub enum HostedServer {
    /// A task on tokio.
    Tokio(Arc<Runtime>, sendrecv_tokio::Server<Teller>),
    /// A thread.
    Blocking(sendrecv_blocking::Server<Teller>),
}

impl HostedServer {
    /// A server on loopback.
    pub fn start(host: Host) -> Self {
        let bind = BindOptions { addresses: vec![[127, 0, 0, 1].into()], ..BindOptions::default() };
        let options = HostOptions { bind, ..HostOptions::default() };
        match host {
            Host::Tokio => {
                let runtime = Arc::new(Runtime::new().unwrap());
                let _inside = runtime.enter();
                Self::Tokio(Arc::clone(&runtime), sendrecv_tokio::Server::bind(options).unwrap())
            }
            Host::Blocking => Self::Blocking(sendrecv_blocking::Server::bind(options).unwrap()),
        }
    }

    /// Adds a peer that sends messages back.
    pub fn peer(&self) -> HostedPeer {
        self.peer_with(Configuration::default())
    }

    /// The same with a configuration of its own.
    pub fn peer_with(&self, configuration: Configuration) -> HostedPeer {
        let (teller, news) = Teller::new(true);
        let handle = match self {
            Self::Tokio(runtime, server) => {
                Handle::Tokio(Arc::clone(runtime), server.spawn(configuration, teller).unwrap())
            }
            Self::Blocking(server) => Handle::Blocking(server.spawn(configuration, teller).unwrap()),
        };
        HostedPeer { handle, news }
    }

    /// Closes all peers.
    pub fn close(self) {
        match self {
            Self::Tokio(runtime, server) => runtime.block_on(server.close()),
            Self::Blocking(server) => server.close(),
        }
    }
}
