//! The thread that drives one peer.

use crate::sockets::Sockets;
use mio::Waker;
use sendrecv_net::{Answer, Application, Driver, Job, Post, Slab};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SendError, Sender};

/// What reaches the thread from outside.
pub(crate) enum Command<A> {
    Run(Job<A>),
    Take(Answer),
    Close,
}

/// The way to the thread: a queue, and what wakes it up.
pub(crate) struct Outbox<A> {
    sender: Sender<Command<A>>,
    waker: Arc<Waker>,
}

impl<A> Outbox<A> {
    pub(crate) const fn new(sender: Sender<Command<A>>, waker: Arc<Waker>) -> Self {
        Self { sender, waker }
    }

    pub(crate) fn send(&self, command: Command<A>) -> Result<(), SendError<Command<A>>> {
        self.sender.send(command)?;
        if let Err(error) = self.waker.wake() {
            // The command waits for the next packet or deadline.
            tracing::warn!(%error, "the peer's thread could not be woken");
        }
        Ok(())
    }
}

impl<A: Application> Outbox<A> {
    /// The way back for errands.
    pub(crate) fn to_post(&self) -> Post {
        let outbox = self.clone();
        Arc::new(move |answer| {
            // The peer may be closed by now.
            let _ = outbox.send(Command::Take(answer));
        })
    }
}

impl<A> Clone for Outbox<A> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone(), waker: Arc::clone(&self.waker) }
    }
}

/// Reads from one socket before everything else gets its turn.
const READS_PER_TURN: usize = 8;

pub(crate) struct Worker<A> {
    driver: Driver<A>,
    sockets: Sockets,
    slab: Slab,
    inbox: Receiver<Command<A>>,
    /// The socket that has no room for what is to be sent.
    full: Option<SocketAddr>,
}

impl<A: Application> Worker<A> {
    pub(crate) fn new(driver: Driver<A>, sockets: Sockets, inbox: Receiver<Command<A>>) -> Self {
        Self { driver, sockets, slab: Slab::default(), inbox, full: None }
    }

    pub(crate) fn run(mut self) {
        match self.drive() {
            Ok(()) => tracing::debug!("peer closed"),
            Err(error) => tracing::error!(%error, "peer closed: the system's poll failed"),
        }
    }

    fn drive(&mut self) -> io::Result<()> {
        while !self.turn() {
            self.sockets.wait(self.driver.time_left())?;
            self.driver.handle_timeout();
            let driver = &mut self.driver;
            self.sockets.receive(READS_PER_TURN, &mut self.slab, |slab| {
                for received in slab.datagrams() {
                    driver.receive(received);
                }
            });
            while let Ok(command) = self.inbox.try_recv() {
                self.obey(command);
            }
        }
        Ok(())
    }

    /// Events, then packets; then whether the peer is over.
    fn turn(&mut self) -> bool {
        let sockets = &mut self.sockets;
        let may_send = self.full.is_none_or(|local| sockets.is_writable(local));
        self.full =
            self.driver.turn(may_send, |transmit, path, content| sockets.send(transmit, path, content));
        self.driver.is_over()
    }

    fn obey(&mut self, command: Command<A>) {
        match command {
            Command::Run(job) => self.driver.run(job),
            Command::Take(answer) => self.driver.take(answer),
            Command::Close => self.driver.close(),
        }
    }
}
