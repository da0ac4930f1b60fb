//! Two peers of one program find each other over real sockets and say hello: `cargo run -p sendrecv-tokio --example
//! two_peers`.
#![allow(clippy::print_stdout)]

#[path = "../../net/examples/greeter/mod.rs"]
mod greeter;

use greeter::{Greeter, answer, offer};
use sendrecv::{Configuration, IceCandidate};
use sendrecv_tokio::{Handle, HostOptions, spawn};
use std::error::Error;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

type Candidates = UnboundedReceiver<Option<IceCandidate>>;

fn start(
    name: &str,
    heard: &UnboundedSender<String>,
) -> Result<(Handle<Greeter>, Candidates), Box<dyn Error>> {
    let ((candidates, signalled), heard) = (unbounded_channel(), heard.clone());
    // The other end of a channel may be gone: then nobody is interested.
    let signal = move |candidate| drop(candidates.send(candidate));
    let greeter = Greeter::new(name, signal, move |text| drop(heard.send(text)));
    Ok((spawn(Configuration::default(), HostOptions::default(), greeter)?, signalled))
}

/// The signalling channel: hands one peer's candidates to the other.
async fn trickle(mut candidates: Candidates, to: Handle<Greeter>) {
    while let Some(candidate) = candidates.recv().await {
        let init = candidate.map(|candidate| candidate.to_init());
        let _ = to.with(move |pc, _, now| pc.add_ice_candidate(now, init)).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (heard, mut sayings) = unbounded_channel();
    let (alice, from_alice) = start("alice", &heard)?;
    let (bob, from_bob) = start("bob", &heard)?;

    let offer = alice.with(|pc, _, now| offer(pc, now)).await??;
    let answer = bob.with(|pc, _, now| answer(pc, now, offer)).await??;
    alice.with(|pc, _, now| pc.set_remote_description(now, answer)).await??;
    tokio::spawn(trickle(from_alice, bob.clone()));
    tokio::spawn(trickle(from_bob, alice.clone()));

    for _ in 0..2 {
        println!("{}", sayings.recv().await.unwrap_or_default());
    }
    alice.close().await;
    bob.close().await;
    Ok(())
}
