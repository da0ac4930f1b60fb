//! The thread that drives a host.

use crate::end::EndOnDrop;
use crate::reactor::MioReactor;
use mio::{Events, Poll, Token, Waker};
use sendrecv_net::{Application, Closed, Command, Host, HostError, HostOptions, Outbox, ServerRef};
use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// What the waker's events are called; sockets have small numbers.
const WAKER: Token = Token(usize::MAX);

/// Binds the sockets and starts the thread; `end` is dropped when it has ended.
pub(crate) fn start<A: Application>(
    options: HostOptions,
    alone: bool,
    end: EndOnDrop,
) -> Result<ServerRef<A>, HostError> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKER)?;
    let (commands, inbox) = channel();
    let outbox = Outbox::new(move |command| {
        commands.send(command).map_err(|_| Closed)?;
        if let Err(error) = waker.wake() {
            // The command waits for the next packet or deadline.
            tracing::warn!(%error, "the host's thread could not be woken");
        }
        Ok(())
    });
    let reactor = MioReactor(poll.registry().try_clone()?);
    let (server, host) = ServerRef::open(options, reactor, outbox, alone)?;
    let worker = Worker { host, poll, inbox, end };
    thread::Builder::new().name("sendrecv host".to_owned()).spawn(|| worker.run())?;
    Ok(server)
}

/// Fields are dropped in this order: those who wait for the end find the sockets gone.
struct Worker<A: Application> {
    host: Host<A, MioReactor>,
    poll: Poll,
    inbox: Receiver<Command<A>>,
    #[expect(dead_code, reason = "it is there to be dropped")]
    end: EndOnDrop,
}

impl<A: Application> Worker<A> {
    fn run(mut self) {
        match self.drive() {
            Ok(()) => tracing::debug!("host ended"),
            Err(error) => tracing::error!(%error, "host ended: the system's poll failed"),
        }
    }

    fn drive(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        while !self.host.work() {
            match self.poll.poll(&mut events, self.host.time_left()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &events {
                if let Some(ready) = self.host.ready(event.token().0) {
                    // An error is a readiness too: reading or writing fetches and clears it.
                    ready.readable |= event.is_readable() || event.is_error();
                    ready.writable |= event.is_writable() || event.is_error();
                }
            }
            while let Ok(command) = self.inbox.try_recv() {
                self.host.obey(command);
            }
        }
        Ok(())
    }
}
