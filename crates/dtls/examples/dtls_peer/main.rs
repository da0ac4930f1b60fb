//! A DTLS peer over a UDP socket, to shake hands with other implementations.
//!
//! ```text
//! dtls_peer client|server ADDRESS --expect "sha-256 AA:BB…"
//!     [--certificate FILE --key FILE]   DER and PKCS#8 DER; otherwise made from the seed
//!     [--version 1.2|1.3] [--suite c02b] [--group 0018,0017] [--srtp 0007] [--mtu 1200] [--cookie] [--no-ems]
//!     [--shares 2]    how many key shares a client of 1.3 sends at once
//!     [--id HEX]      the connection ID that it wants to receive, "-" for an empty one
//!     [--seed 1] [--seconds 8] [--fingerprint]   (the last only prints the own fingerprint)
//!     [--talk]        does what it is told on standard input
//! ```
//!
//! Prints what was agreed and 60 bytes of DTLS-SRTP keying material, sends a line, prints the line that comes back, and
//! closes. With `--talk` it does what it is told instead, line by line: `send TEXT`, `update` (the key), `request N` and
//! `offer N` (connection IDs), `spare` (go over to a spare one), `ids`, `stats`, `close`.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::print_stdout)]

mod host;

use host::Host;
use sendrecv_core::{Instant, Seed};
use sendrecv_crypto::{HashAlgorithm, NamedGroup, default_provider};
use sendrecv_dtls::{
    Certificate, CipherSuite, Config, ConnectionId, Dtls, Fingerprint, Role, SrtpProfile, Version,
};
use std::error::Error;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The command line: `--name value` pairs and bare flags.
struct Options(Vec<String>);

impl Options {
    fn flag(&self, name: &str) -> bool {
        self.0.iter().any(|argument| argument == name)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|argument| argument == name)?;
        self.0.get(at.checked_add(1)?).map(String::as_str)
    }

    fn code(&self, name: &str) -> Result<Option<u16>> {
        Ok(self.value(name).map(|code| u16::from_str_radix(code, 16)).transpose()?)
    }

    fn number(&self, name: &str, default: u64) -> Result<u64> {
        Ok(self.value(name).map_or(Ok(default), str::parse)?)
    }
}

/// Bytes from hexadecimal digits; none from "-".
fn from_hex(text: &str) -> Result<Vec<u8>> {
    let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
    Ok(digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&String::from_iter(pair), 16))
        .collect::<std::result::Result<_, _>>()?)
}

fn certificate(options: &Options, seed: &Seed) -> Result<Certificate> {
    let provider = default_provider();
    if let (Some(certificate), Some(key)) = (options.value("--certificate"), options.value("--key")) {
        return Ok(Certificate::from_der(provider, &std::fs::read(certificate)?, &std::fs::read(key)?)?);
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
    Ok(Certificate::generate(provider, seed, now, 31)?)
}

fn config(options: &Options, certificate: Certificate) -> Result<Config> {
    let mut config = Config::new(default_provider(), Arc::new(certificate));
    if let Some(version) = options.value("--version") {
        let version = if version == "1.2" { Version::Dtls12 } else { Version::Dtls13 };
        (config.min_version, config.max_version) = (version, version);
    }
    if let Some(code) = options.code("--suite")? {
        config.cipher_suites = vec![CipherSuite::from_code(code).ok_or("unknown suite")?];
    }
    if let Some(codes) = options.value("--group") {
        let group = |code| Ok(NamedGroup::from_code(u16::from_str_radix(code, 16)?).ok_or("unknown group")?);
        config.groups = codes.split(',').map(group).collect::<Result<_>>()?;
    }
    if let Some(code) = options.code("--srtp")? {
        config.srtp_profiles = vec![SrtpProfile::from_code(code).ok_or("unknown SRTP profile")?];
    }
    if let Some(id) = options.value("--id") {
        config.connection_id = ConnectionId::new(&from_hex(id)?);
    }
    config.key_shares = usize::try_from(options.number("--shares", 2)?)?;
    config.mtu = usize::try_from(options.number("--mtu", 1200)?)?;
    config.cookie = options.flag("--cookie");
    config.require_extended_master_secret = !options.flag("--no-ems");
    Ok(config)
}

fn main() -> Result<()> {
    let options = Options(std::env::args().skip(1).collect());
    let seed = Seed::from_u64(options.number("--seed", u64::from(std::process::id()))?);
    let certificate = certificate(&options, &seed)?;
    println!("fingerprint {}", certificate.fingerprint(default_provider(), HashAlgorithm::Sha256)?);
    if options.flag("--fingerprint") {
        return Ok(());
    }
    let [role, address, ..] = options.0.as_slice() else {
        return Err("usage: dtls_peer client|server ADDRESS --expect FINGERPRINT".into());
    };
    let address: SocketAddr = address.parse()?;
    let (role, socket, peer) = match role.as_str() {
        "client" => (Role::Client, UdpSocket::bind((address.ip(), 0))?, Some(address)),
        _ => (Role::Server, UdpSocket::bind(address)?, None),
    };
    println!("bound to {}", socket.local_addr()?);
    let expected: Fingerprint = options.value("--expect").ok_or("--expect is missing")?.parse()?;
    let dtls = Dtls::new(config(&options, certificate)?, role, &seed, Instant::ZERO);
    Host::new(socket, peer, dtls, vec![expected], options.flag("--talk"))
        .run(Duration::from_secs(options.number("--seconds", 8)?))
}
