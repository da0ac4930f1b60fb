//! Two peers of one program find each other over real sockets and say hello, without an async runtime: `cargo run -p
//! sendrecv-blocking --example two_peers`.
#![allow(clippy::print_stdout)]

use sendrecv::{Configuration, DataChannelInit, Event, IceCandidate, Message, OfferOptions, PeerConnection};
use sendrecv_blocking::{Application, Handle, HostOptions, spawn};
use sendrecv_core::Instant;
use std::error::Error;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// Signals its candidates, greets on every channel that opens, and reports the first message.
struct Greeter {
    name: &'static str,
    candidates: Sender<Option<IceCandidate>>,
    heard: Sender<String>,
}

impl Application for Greeter {
    fn on_event(&mut self, pc: &mut PeerConnection, now: Instant, event: Event) {
        match event {
            Event::IceCandidate(candidate) => drop(self.candidates.send(candidate)),
            Event::DataChannelOpen(channel) => {
                let greeting = format!("hello from {}", self.name);
                let _ = pc.send(now, channel, Message::Text(greeting.into()));
            }
            Event::DataChannelMessage { message, .. } => {
                let text = String::from_utf8_lossy(message.bytes()).into_owned();
                let _ = self.heard.send(format!("{} heard: {text}", self.name));
            }
            _ => {}
        }
    }
}

type Candidates = Receiver<Option<IceCandidate>>;

fn start(
    name: &'static str,
    heard: &Sender<String>,
) -> Result<(Handle<Greeter>, Candidates), Box<dyn Error>> {
    let (candidates, signalled) = channel();
    let greeter = Greeter { name, candidates, heard: heard.clone() };
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

    let offer = alice.with(|pc, _, now| {
        pc.create_data_channel(now, "greetings", DataChannelInit::default())?;
        let offer = pc.create_offer(OfferOptions::default())?;
        pc.set_local_description(now, Some(offer.clone()))?;
        Ok::<_, sendrecv::UsageError>(offer)
    })??;
    let answer = bob.with(|pc, _, now| {
        pc.set_remote_description(now, offer)?;
        let answer = pc.create_answer()?;
        pc.set_local_description(now, Some(answer.clone()))?;
        Ok::<_, sendrecv::UsageError>(answer)
    })??;
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
