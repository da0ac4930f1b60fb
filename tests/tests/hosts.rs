//! Peers on real sockets of this machine, under both hosts, in every combination.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use sendrecv::{Configuration, DataChannelId, Event, PeerConnection, PeerConnectionState};
use sendrecv_core::Instant;
use sendrecv_net::{Application, BindOptions, HostOptions};
use sendrecv_tests::{Handle, Host, HostedPeer, News};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

/// Connects an offering peer with a data channel to an echoing one.
fn connect(offering: Host, answering: Host) -> (HostedPeer, HostedPeer, DataChannelId) {
    let (a, b) = (HostedPeer::start(offering, false), HostedPeer::start(answering, true));
    let channel = a.connect_to(&b);
    (a, b, channel)
}

fn exchange(offering: Host, answering: Host) {
    let (a, b, channel) = connect(offering, answering);
    a.exchange(channel, 300);
    let addresses = [a.addresses(), b.addresses()].concat();
    a.close();
    b.wait_for("the end of the channel", |news| matches!(news, News::ChannelClosed).then_some(()));
    b.close();
    for address in addresses {
        UdpSocket::bind(address).expect("a closed peer has released its sockets");
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
    let blocking = HostedPeer::start(Host::Blocking, false);
    blocking.close();
    blocking.close();
    let Handle::Blocking(handle) = &blocking.handle else { panic!() };
    assert_eq!(handle.with(|_, _, _| ()), Err(sendrecv_blocking::Closed));
    let tokio = HostedPeer::start(Host::Tokio, false);
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

const UNREAD: &[u8] = b"unread for a while";
const DATAGRAMS: usize = 200;

/// Sleeps on the host's own thread, and notices how much of what came meanwhile was read before its deadline is.
struct Sleeper {
    deadline: Option<Instant>,
    read: UnboundedSender<usize>,
}

impl Sleeper {
    fn sleep(&mut self, host: SocketAddr, now: Instant) {
        self.deadline = Some(now + Duration::from_millis(10));
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..DATAGRAMS {
            socket.send_to(UNREAD, host).unwrap();
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

impl Application for Sleeper {
    fn on_event(&mut self, _: &mut PeerConnection, _: Instant, _: Event) {}

    fn poll_timeout(&self) -> Option<Instant> {
        self.deadline
    }

    fn handle_timeout(&mut self, pc: &mut PeerConnection, _: Instant) {
        self.deadline = None;
        let log = pc.take_recording().unwrap().encode();
        self.read.send(log.windows(UNREAD.len()).filter(|bytes| *bytes == UNREAD).count()).unwrap();
    }
}

#[test]
fn a_host_that_is_late_reads_everything_before_it_looks_at_deadlines() {
    let bind = BindOptions { addresses: vec![[127, 0, 0, 1].into()], ..BindOptions::default() };
    let options = HostOptions { bind, record: true, ..HostOptions::default() };
    let (read, mut counts) = unbounded_channel();
    let sleeper = || Sleeper { deadline: None, read: read.clone() };
    let thread = sendrecv_blocking::spawn(Configuration::default(), options.clone(), sleeper()).unwrap();
    let address = thread.local_addresses()[0];
    thread.with(move |_, sleeper, now| sleeper.sleep(address, now)).unwrap();
    assert_eq!(counts.blocking_recv(), Some(DATAGRAMS), "the thread");

    for mut runtime in [Builder::new_multi_thread(), Builder::new_current_thread()] {
        runtime.enable_all().build().unwrap().block_on(async {
            let task = sendrecv_tokio::spawn(Configuration::default(), options.clone(), sleeper()).unwrap();
            let address = task.local_addresses()[0];
            task.with(move |_, sleeper, now| sleeper.sleep(address, now)).await.unwrap();
            assert_eq!(counts.recv().await, Some(DATAGRAMS), "the task");
        });
    }
}
