//! Two peers of one program find each other over real sockets and say hello: `cargo run -p sendrecv-tokio --example
//! two_peers`.
#![allow(clippy::print_stdout)]

use sendrecv::{Configuration, DataChannelInit, Event, IceCandidate, Message, OfferOptions, PeerConnection};
use sendrecv_core::Instant;
use sendrecv_tokio::{Application, Handle, HostOptions, spawn};
use std::error::Error;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Signals its candidates, greets on every channel that opens, and reports the first message.
struct Greeter {
    name: &'static str,
    candidates: UnboundedSender<Option<IceCandidate>>,
    heard: UnboundedSender<String>,
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

type Candidates = UnboundedReceiver<Option<IceCandidate>>;

fn start(
    name: &'static str,
    heard: &UnboundedSender<String>,
) -> Result<(Handle<Greeter>, Candidates), Box<dyn Error>> {
    let (candidates, signalled) = unbounded_channel();
    let greeter = Greeter { name, candidates, heard: heard.clone() };
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

    let offer = alice.with(|pc, _, now| {
        pc.create_data_channel(now, "greetings", DataChannelInit::default())?;
        let offer = pc.create_offer(OfferOptions::default())?;
        pc.set_local_description(now, Some(offer.clone()))?;
        Ok::<_, sendrecv::UsageError>(offer)
    });
    let offer = offer.await??;
    let answer = bob.with(|pc, _, now| {
        pc.set_remote_description(now, offer)?;
        let answer = pc.create_answer()?;
        pc.set_local_description(now, Some(answer.clone()))?;
        Ok::<_, sendrecv::UsageError>(answer)
    });
    let answer = answer.await??;
    alice.with(|pc, _, now| pc.set_remote_description(now, answer)).await??;
    tokio::spawn(trickle(from_alice, bob.clone()));
    tokio::spawn(trickle(from_bob, alice.clone()));

    for _ in 0..2 {
        println!("{}", sayings.recv().await.ok_or("both peers are gone")?);
    }
    alice.close().await;
    bob.close().await;
    Ok(())
}
