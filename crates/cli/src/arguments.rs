//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;

/// A WebRTC stack written from scratch: demonstration server, scriptable peer, replay of recorded sessions.
///
/// Without a command it serves the demonstration page.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

impl Arguments {
    /// The command asked for; `serve` when none was named.
    pub(crate) fn into_command(self) -> Command {
        self.command.unwrap_or(Command::Serve(self.serve))
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a page on which a browser talks to this stack: data channels, throughput, audio and video, statistics.
    Serve(Serve),
    /// Be a peer driven by JSON lines: one command per line on standard input, one answer per line on standard output.
    #[command(after_long_help = PEER_HELP)]
    Peer(Peer),
    /// Play a session recorded with `peer --record` again and compare every byte it sends.
    Replay {
        /// The recording.
        file: PathBuf,
    },
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address to serve the page on. Browsers grant a page camera and microphone on localhost or over HTTPS only.
    #[arg(long, default_value = "127.0.0.1", value_name = "IP")]
    pub(crate) address: IpAddr,
    /// Port to serve the page on; 0 lets the system choose.
    #[arg(long, short, default_value_t = 8080)]
    pub(crate) port: u16,
    /// STUN or TURN server for both sides, e.g. `stun:stun.example.org` or `turn:user:secret@turn.example.org?transport=tcp`.
    /// May be given several times.
    #[arg(long = "ice-server", value_name = "URL")]
    pub(crate) ice_servers: Vec<String>,
}

/// Options of `peer`.
#[derive(Debug, Args)]
pub(crate) struct Peer {
    /// Which host drives the peer.
    #[arg(long, value_enum, default_value_t = Host::Tokio)]
    pub(crate) host: Host,
    /// Record everything that enters the peer connection into this file, for `replay`. The file holds the session's
    /// secrets.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Use only this local address; may be given several times. Without it: every interface, loopback included.
    #[arg(long = "bind", value_name = "IP")]
    pub(crate) bind: Vec<IpAddr>,
    /// Connect over TCP as well (ICE-TCP), in both directions.
    #[arg(long)]
    pub(crate) ice_tcp: bool,
    /// Signal names in place of addresses, which multicast DNS resolves on the local network.
    #[arg(long)]
    pub(crate) hide_addresses: bool,
    /// Trust the certificates in this PEM file, beside the system's, to vouch for TURN servers over TLS.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_root: Option<PathBuf>,
}

/// The runtime that drives a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Host {
    /// The tokio runtime.
    Tokio,
    /// Plain threads, no runtime.
    Blocking,
}

const PEER_HELP: &str = "\
Commands (each answered by one line; errors as {\"error\":…}):
  {\"do\":\"configure\",…}                  RTCConfiguration: iceServers, iceTransportPolicy, …; also
                                        \"dtls\":{\"max\":\"1.2\"}, \"snap\":b, \"sped\":b, \"simulcast\":b
                                        (accept it), \"congestionControl\":b. Before anything else.
  {\"do\":\"offer\",\"audio\":b,\"video\":b,\"channel\":l}  -> {\"type\":\"offer\",\"sdp\":…}, candidates gathered;
                                        \"source\":\"synthetic\" (default), \"echo\", or {\"ivf\":file}
  {\"do\":\"answer\",\"sdp\":…,\"audio\":b,\"video\":b}   -> {\"type\":\"answer\",\"sdp\":…}
  {\"do\":\"accept\",\"sdp\":…}               takes the answer to our offer
  {\"do\":\"candidate\",\"candidate\":{…}}    RTCIceCandidateInit, or null at the end
  {\"do\":\"channel\",\"label\":l,\"init\":{…}} opens a channel (RTCDataChannelInit); \"echo\":true echoes on it
  {\"do\":\"send\",\"channel\":l,\"text\":s}    or \"bytes\":n, or \"count\":n,\"sizes\":[…]
  {\"do\":\"close_channel\",\"channel\":l}
  {\"do\":\"layer\",\"rid\":r}                of simulcast streams, the one to echo; at first the first that comes
  {\"do\":\"state\"}                        states, channels, messages, frames and packets received
  {\"do\":\"stats\"}                        W3C statistics
  {\"do\":\"restart\"}                      -> an offer with new ICE credentials
  {\"do\":\"close\"}                        closes the peer connection
  {\"do\":\"quit\"}                         closes and ends
Channels that the other side opens are echoed, and so is its media.";
