//! A server whose peers share one UDP socket, and clients with a socket each, without an async runtime: `cargo run -p sendrecv-blocking --example
//! many_peers`.
#![allow(clippy::print_stdout)]

#[path = "../../net/examples/greeter/mod.rs"]
mod greeter;

use greeter::{Greeter, answer, offer};
use sendrecv::Configuration;
use sendrecv_blocking::{BindOptions, Handle, HostOptions, Server, spawn};
use std::error::Error;
use std::sync::mpsc::{Sender, channel};

const CLIENTS: usize = 50;

/// The server's candidate is known at once, so it is in the description: nothing has to be signalled later.
fn greeter(name: String, heard: &Sender<String>) -> Greeter {
    let heard = heard.clone();
    Greeter::new(name, |_| {}, move |text| drop(heard.send(text)))
}

/// What a server does for everybody who comes with an offer.
fn welcome(
    server: &Server<Greeter>,
    client: &Handle<Greeter>,
    greeter: Greeter,
) -> Result<Handle<Greeter>, Box<dyn Error>> {
    let offer = client.with(|pc, _, now| offer(pc, now))??;
    let peer = server.spawn(Configuration::default(), greeter)?;
    peer.with(|pc, _, now| answer(pc, now, offer))??;
    let answer = peer.with(|pc, _, _| pc.local_description())?.ok_or("no description")?;
    client.with(|pc, _, now| pc.set_remote_description(now, answer))??;
    Ok(peer)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (heard, sayings) = channel();
    let bind = BindOptions { addresses: vec![[127, 0, 0, 1].into()], ..BindOptions::default() };
    let options = HostOptions { bind, ..HostOptions::default() };
    let server = Server::bind(options.clone())?;
    let mut everybody = Vec::new();
    for number in 0..CLIENTS {
        let client =
            spawn(Configuration::default(), options.clone(), greeter(format!("client {number}"), &heard))?;
        let peer = welcome(&server, &client, greeter(format!("peer {number}"), &heard))?;
        everybody.push((client, peer));
    }
    for saying in sayings.iter().take(2 * CLIENTS) {
        println!("{saying}");
    }
    println!("{CLIENTS} peers on {:?}", server.local_addresses());
    server.close();
    Ok(())
}
