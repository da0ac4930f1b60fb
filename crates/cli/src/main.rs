//! The `sendrecv` program: a demonstration server (the default), a scriptable peer, and replay of recorded sessions.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // a program has a clock, threads and hash maps
#![allow(clippy::as_conversions, clippy::indexing_slicing)] // nothing here handles a peer's bytes

mod arguments;
mod echo;
mod peer;
mod replay;
mod serve;
mod source;

use arguments::{Arguments, Command};
use clap::Parser;
use sendrecv_net::{BindOptions, Loopback};
use std::net::IpAddr;
use std::process::ExitCode;

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let outcome = match Arguments::parse().into_command() {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Peer(arguments) => peer::run(&arguments),
        Command::Replay { file } => replay::run(&file),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("sendrecv: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Every interface, loopback included: the other side is often on this machine. Or just these addresses.
fn bind_options(addresses: &[IpAddr]) -> BindOptions {
    let mut options = BindOptions { loopback: Loopback::Always, ..BindOptions::default() };
    if !addresses.is_empty() {
        options.addresses = addresses.to_vec();
    }
    options
}
