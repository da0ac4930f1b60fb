//! The task that drives a host.

use crate::reactor::{TokioReactor, poll};
use sendrecv_core::Instant;
use sendrecv_net::{Application, Command, Host};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Sleep;

/// Commands obeyed before everything else gets its turn.
const COMMANDS_PER_TURN: usize = 64;

pub(crate) struct Task<A: Application> {
    host: Host<A, TokioReactor>,
    inbox: UnboundedReceiver<Command<A>>,
    sleep: Pin<Box<Sleep>>,
    /// What `sleep` is set to.
    armed: Option<Instant>,
}

impl<A: Application> Task<A> {
    pub(crate) fn new(host: Host<A, TokioReactor>, inbox: UnboundedReceiver<Command<A>>) -> Self {
        let sleep = Box::pin(tokio::time::sleep(std::time::Duration::MAX));
        Self { host, inbox, sleep, armed: None }
    }

    pub(crate) async fn run(mut self) {
        while !self.host.work() {
            self.arm();
            self.wait().await;
            for _ in 0..COMMANDS_PER_TURN {
                let Ok(command) = self.inbox.try_recv() else { break };
                self.host.obey(command);
            }
            if self.host.is_behind() {
                // The runtime looks at its sockets when nobody has anything to do, or somebody says that it should.
                tokio::task::yield_now().await;
            }
        }
        tracing::debug!("host ended");
    }

    /// Waits until there is something to do.
    async fn wait(&mut self) {
        let is_armed = self.armed.is_some();
        tokio::select! {
            biased;
            // Before the deadline: that is missed by hosts that have too much to read.
            () = poll_fn(|context| poll_sockets(&mut self.host, context)) => {}
            command = self.inbox.recv() => command.into_iter().for_each(|command| self.host.obey(command)),
            () = self.sleep.as_mut(), if is_armed => self.armed = None,
        }
    }

    /// Sets the timer, if the deadline changed.
    fn arm(&mut self) {
        let deadline = self.host.deadline();
        if deadline == self.armed {
            return;
        }
        // A deadline beyond what the system can name is none.
        let at = deadline.and_then(|at| self.host.clock().to_system(at));
        self.armed = deadline.filter(|_| at.is_some());
        if let Some(at) = at {
            self.sleep.as_mut().reset(at.into());
        }
    }
}

fn poll_sockets<A: Application>(host: &mut Host<A, TokioReactor>, context: &mut Context<'_>) -> Poll<()> {
    let mut any = false;
    host.each_socket(|io, ready| any |= poll(io, ready, context));
    if any || host.is_busy() { Poll::Ready(()) } else { Poll::Pending }
}
