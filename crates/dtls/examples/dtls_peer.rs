//! A DTLS peer over a UDP socket, to shake hands with other implementations.
//!
//! ```text
//! dtls_peer client|server ADDRESS --expect "sha-256 AA:BB…"
//!     [--certificate FILE --key FILE]   DER and PKCS#8 DER; otherwise made from the seed
//!     [--version 1.2|1.3] [--suite c02b] [--group 0018,0017] [--srtp 0007] [--mtu 1200] [--cookie] [--no-ems]
//!     [--seed 1] [--seconds 8] [--fingerprint]   (the last only prints the own fingerprint)
//! ```
//!
//! Prints what was agreed and 60 bytes of DTLS-SRTP keying material, sends a line, prints the line that comes back, and
//! closes.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::print_stdout)]

use sendrecv_core::{Instant, Machine, PacketBuf, Seed, Writer};
use sendrecv_crypto::{HashAlgorithm, NamedGroup, default_provider};
use sendrecv_dtls::{
    Certificate, CipherSuite, Config, Dtls, Event, Fingerprint, HEADROOM, Role, SrtpProfile, TAILROOM,
    Version,
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
    config.mtu = usize::try_from(options.number("--mtu", 1200)?)?;
    config.cookie = options.flag("--cookie");
    config.require_extended_master_secret = !options.flag("--no-ems");
    Ok(config)
}

/// A socket with one connection on it.
struct Host {
    socket: UdpSocket,
    peer: Option<SocketAddr>,
    dtls: Dtls,
    start: std::time::Instant,
    done: bool,
}

impl Host {
    fn now(&self) -> Instant {
        Instant::from_micros(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    fn drain(&mut self) -> Result<()> {
        while let Some(event) = self.dtls.poll_event() {
            self.on_event(event)?;
        }
        let Some(peer) = self.peer else {
            return Ok(());
        };
        let (now, mut slab) = (self.now(), [0; 2048]);
        loop {
            let mut out = PacketBuf::new(&mut slab, 0, 0);
            if self.dtls.poll_transmit(now, &mut out).is_none() {
                return Ok(());
            }
            self.socket.send_to(out.bytes(), peer)?;
        }
    }

    fn on_event(&mut self, event: Event) -> Result<()> {
        match event {
            Event::FingerprintNeeded => println!("fingerprint needed"),
            Event::Closed(reason) => {
                println!("closed: {reason}");
                self.done = true;
            }
            Event::Connected(info) => {
                let srtp = info.srtp_profile.map_or(0, SrtpProfile::code);
                let (suite, group) = (info.cipher_suite.code(), info.group.code());
                println!("connected {:?} suite={suite:04x} group={group:04x} srtp={srtp:04x}", info.version);
                let mut material = [0; 60];
                self.dtls.export_keying_material("EXTRACTOR-dtls_srtp", None, &mut material)?;
                println!(
                    "exporter {}",
                    material.iter().map(|byte| format!("{byte:02X}")).collect::<String>()
                );
                self.send(b"hello from sendrecv\n")?;
            }
        }
        Ok(())
    }

    fn send(&mut self, line: &[u8]) -> Result<()> {
        let mut slab = [0; 256];
        let mut packet = PacketBuf::new(&mut slab, HEADROOM, TAILROOM);
        packet.put(line)?;
        // What the handshake still has to send goes first.
        self.drain()?;
        let now = self.now();
        self.dtls.seal(now, &mut packet)?;
        if let Some(peer) = self.peer {
            self.socket.send_to(packet.bytes(), peer)?;
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let wait =
            self.dtls.poll_timeout().map_or(Duration::from_millis(100), |deadline| deadline - self.now());
        let wait = wait.clamp(Duration::from_millis(1), Duration::from_millis(100));
        self.socket.set_read_timeout(Some(wait))?;
        let mut datagram = [0; 2048];
        let Ok((len, from)) = self.socket.recv_from(&mut datagram) else {
            return Ok(());
        };
        self.peer.get_or_insert(from);
        let now = self.now();
        match self.dtls.handle_datagram(now, datagram.get_mut(..len).unwrap_or_default()) {
            Ok(records) => {
                for payload in records {
                    print!("received {}", String::from_utf8_lossy(payload));
                    self.done = true;
                }
            }
            Err(reason) => println!("discarded: {reason}"),
        }
        Ok(())
    }

    fn run(&mut self, limit: Duration) -> Result<()> {
        while !self.done && self.start.elapsed() < limit {
            self.drain()?;
            self.receive()?;
            let now = self.now();
            self.dtls.handle_timeout(now);
        }
        self.drain()?;
        let now = self.now();
        self.dtls.close(now);
        self.drain()?;
        println!("{:?}", self.dtls.stats());
        Ok(())
    }
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
    let start = std::time::Instant::now();
    let dtls = Dtls::new(config(&options, certificate)?, role, &seed, Instant::ZERO);
    let mut host = Host { socket, peer, dtls, start, done: false };
    let now = host.now();
    host.dtls.set_remote_fingerprints(now, vec![expected]);
    host.run(Duration::from_secs(options.number("--seconds", 8)?))
}
