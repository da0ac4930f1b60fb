//! Two peers of one program find each other over real sockets and say hello, without an async runtime: `cargo run -p
//! sendrecv-blocking --example two_peers`.
#![allow(clippy::print_stdout)]

#[path = "../../net/examples/greeter/mod.rs"]
mod greeter;

use greeter::{Greeter, answer, offer};
use sendrecv::{Configuration, IceCandidate};
use sendrecv_blocking::{Handle, HostOptions, spawn};
use std::error::Error;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

type Candidates = Receiver<Option<IceCandidate>>;

fn start(name: &str, heard: &Sender<String>) -> Result<(Handle<Greeter>, Candidates), Box<dyn Error>> {
    let ((candidates, signalled), heard) = (channel(), heard.clone());
    // The other end of a channel may be gone: then nobody is interested.
    let signal = move |candidate| drop(candidates.send(candidate));
    let greeter = Greeter::new(name, signal, move |text| drop(heard.send(text)));
    Ok((spawn(Configuration::default(), HostOptions::default(), greeter)?, signalled))
}

/// The signalling channel: hands one peer's candidates to the other.
fn trickle(candidates: Candidates, to: Handle<Greeter>) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new().spawn(move || {
        for candidate in candidates {
            let init = candidate.map(|candidate| candidate.to_init());
            let _ = to.with(move |pc, _, now| pc.add_ice_candidate(now, init));
        }
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let (heard, sayings) = channel();
    let (alice, from_alice) = start("alice", &heard)?;
    let (bob, from_bob) = start("bob", &heard)?;

    let offer = alice.with(|pc, _, now| offer(pc, now))??;
    let answer = bob.with(|pc, _, now| answer(pc, now, offer))??;
    alice.with(|pc, _, now| pc.set_remote_description(now, answer))??;
    trickle(from_alice, bob.clone())?;
    trickle(from_bob, alice.clone())?;

    for saying in sayings.iter().take(2) {
        println!("{saying}");
    }
    alice.close();
    bob.close();
    Ok(())
}
