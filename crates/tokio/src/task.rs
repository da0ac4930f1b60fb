//! The task that drives one peer.

use crate::sockets::Sockets;
use sendrecv_core::Instant;
use sendrecv_net::{Answer, Application, Driver, HostClock, Job, Slab};
use std::net::SocketAddr;
use std::pin::Pin;
use tokio::sync::mpsc;
use tokio::time::Sleep;

/// What reaches the task from outside.
pub(crate) enum Command<A> {
    Run(Job<A>),
    Take(Answer),
    Close,
}

/// Why the task woke up.
enum Wake<A> {
    Command(Option<Command<A>>),
    Readable(usize),
    Writable,
    Due,
}

/// Reads from one socket before everything else gets its turn.
const READS_PER_TURN: usize = 8;

pub(crate) struct Task<A> {
    driver: Driver<A>,
    clock: HostClock,
    sockets: Sockets,
    slab: Slab,
    inbox: mpsc::UnboundedReceiver<Command<A>>,
    sleep: Pin<Box<Sleep>>,
    /// What `sleep` is set to.
    armed: Option<Instant>,
    /// The socket that has no room for what is to be sent.
    full: Option<SocketAddr>,
}

impl<A: Application> Task<A> {
    pub(crate) fn new(
        driver: Driver<A>,
        sockets: Sockets,
        inbox: mpsc::UnboundedReceiver<Command<A>>,
    ) -> Self {
        let sleep = Box::pin(tokio::time::sleep(std::time::Duration::MAX));
        let slab = Slab::default();
        let clock = driver.clock();
        Self { driver, clock, sockets, slab, inbox, sleep, armed: None, full: None }
    }

    pub(crate) async fn run(mut self) {
        while !self.turn() {
            match self.wake().await {
                Wake::Command(command) => self.obey(command),
                Wake::Readable(index) => self.read(index),
                Wake::Writable => self.full = None,
                Wake::Due => self.driver.handle_timeout(),
            }
        }
        tracing::debug!("peer closed");
    }

    /// Events, then packets; then whether the peer is over.
    fn turn(&mut self) -> bool {
        let sockets = &self.sockets;
        let may_send = self.full.is_none();
        self.full =
            self.driver.turn(may_send, |transmit, path, content| sockets.send(transmit, path, content));
        self.arm();
        self.driver.is_over()
    }

    async fn wake(&mut self) -> Wake<A> {
        let is_armed = self.armed.is_some();
        tokio::select! {
            command = self.inbox.recv() => Wake::Command(command),
            index = self.sockets.readable() => Wake::Readable(index),
            () = self.sockets.writable(self.full), if self.full.is_some() => Wake::Writable,
            () = self.sleep.as_mut(), if is_armed => {
                self.armed = None;
                Wake::Due
            }
        }
    }

    /// `None`: the last handle is gone.
    fn obey(&mut self, command: Option<Command<A>>) {
        match command {
            Some(Command::Run(job)) => self.driver.run(job),
            Some(Command::Take(answer)) => self.driver.take(answer),
            Some(Command::Close) | None => self.driver.close(),
        }
    }

    fn read(&mut self, index: usize) {
        for _ in 0..READS_PER_TURN {
            if !self.sockets.receive(index, &mut self.slab) {
                break;
            }
            for received in self.slab.datagrams() {
                self.driver.receive(received);
            }
        }
    }

    /// Sets the timer, if the deadline changed.
    fn arm(&mut self) {
        let deadline = self.driver.deadline();
        if deadline == self.armed {
            return;
        }
        // A deadline beyond what the system can name is none.
        let at = deadline.and_then(|at| self.clock.to_system(at));
        self.armed = deadline.filter(|_| at.is_some());
        if let Some(at) = at {
            self.sleep.as_mut().reset(at.into());
        }
    }
}
