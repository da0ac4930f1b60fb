//! A server whose peers share one UDP socket, and clients with a socket each: `cargo run -p sendrecv-tokio --example
//! many_peers`.
#![allow(clippy::print_stdout)]

#[path = "../../net/examples/greeter/mod.rs"]
mod greeter;

use greeter::{Greeter, answer, offer};
use sendrecv::Configuration;
use sendrecv_tokio::{BindOptions, Handle, HostOptions, Server, spawn};
use std::error::Error;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const CLIENTS: usize = 50;

/// The server's candidate is known at once, so it is in the description: nothing has to be signalled later.
fn greeter(name: String, heard: &UnboundedSender<String>) -> Greeter {
    let heard = heard.clone();
    Greeter::new(name, |_| {}, move |text| drop(heard.send(text)))
}

/// What a server does for everybody who comes with an offer.
async fn welcome(
    server: &Server<Greeter>,
    client: &Handle<Greeter>,
    greeter: Greeter,
) -> Result<Handle<Greeter>, Box<dyn Error>> {
    let offer = client.with(|pc, _, now| offer(pc, now)).await??;
    let peer = server.spawn(Configuration::default(), greeter)?;
    peer.with(|pc, _, now| answer(pc, now, offer)).await??;
    let answer = peer.with(|pc, _, _| pc.local_description()).await?.ok_or("no description")?;
    client.with(|pc, _, now| pc.set_remote_description(now, answer)).await??;
    Ok(peer)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (heard, mut sayings) = unbounded_channel();
    let bind = BindOptions { addresses: vec![[127, 0, 0, 1].into()], ..BindOptions::default() };
    let options = HostOptions { bind, ..HostOptions::default() };
    let server = Server::bind(options.clone())?;
    let mut everybody = Vec::new();
    for number in 0..CLIENTS {
        let client =
            spawn(Configuration::default(), options.clone(), greeter(format!("client {number}"), &heard))?;
        let peer = welcome(&server, &client, greeter(format!("peer {number}"), &heard)).await?;
        everybody.push((client, peer));
    }
    for _ in 0..2 * CLIENTS {
        println!("{}", sayings.recv().await.unwrap_or_default());
    }
    println!("{CLIENTS} peers on {:?}", server.local_addresses());
    server.close().await;
    Ok(())
}
