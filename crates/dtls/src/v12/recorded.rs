//! Handshakes recorded between two OpenSSL peers, opened with the secrets they logged.

use super::keys::MasterSecret;
use crate::exporter::Exporter;
use crate::handshake::reassembly::Reassembly;
use crate::handshake::transcript::Transcript12;
use crate::peer::IdentifiedPeer;
use crate::record::Incoming;
use crate::record::v12::Opener12;
use crate::wire::certificate_verify::DigitallySigned;
use crate::wire::client_hello::ClientHello;
use crate::wire::fragment::{Fragment, HandshakeType};
use crate::wire::key_exchange::ServerKeyExchange;
use crate::wire::record::ContentType;
use crate::wire::server_hello::ServerHello;
use crate::{CipherSuite, Fingerprint, Role, Version, wire};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use sendrecv_core::Reader;
use sendrecv_crypto::{CryptoProvider, Secret, default_provider};

struct Recording(serde_json::Value);

impl Recording {
    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().unwrap()
    }

    fn master(&self) -> Secret {
        let line = self.text("keylog").lines().find(|line| line.starts_with("CLIENT_RANDOM")).unwrap();
        Secret::new(hex::decode(line.split(' ').nth(2).unwrap()).unwrap())
    }

    fn fingerprint(&self, side: &str) -> Fingerprint {
        let value = self.0["certificate_fingerprints"][side].as_str().unwrap();
        format!("sha-256 {value}").parse().unwrap()
    }

    fn datagrams(&self) -> Vec<(Role, Vec<u8>)> {
        let side =
            |datagram: &serde_json::Value| if datagram["dir"] == "c2s" { Role::Client } else { Role::Server };
        let datagrams = self.0["datagrams"].as_array().unwrap().iter();
        datagrams
            .map(|datagram| (side(datagram), hex::decode(datagram["hex"].as_str().unwrap()).unwrap()))
            .collect()
    }
}

/// Follows a recording as somebody who knows the master secret.
struct Observer {
    recording: Recording,
    inboxes: [Reassembly; 2],
    transcript: Transcript12,
    randoms: [[u8; 32]; 2],
    suite: Option<CipherSuite>,
    openers: Option<[Opener12; 2]>,
    peers: [Option<IdentifiedPeer>; 2],
    finished: usize,
    app_data: Vec<String>,
}

const fn index(side: Role) -> usize {
    match side {
        Role::Client => 0,
        Role::Server => 1,
    }
}

impl Observer {
    fn provider() -> &'static dyn CryptoProvider {
        default_provider()
    }

    fn master(&self) -> MasterSecret {
        MasterSecret::from_log(self.suite.unwrap().hash(), self.recording.master())
    }

    fn on_datagram(&mut self, side: Role, datagram: &mut [u8]) {
        let mut at = 0;
        while at < datagram.len() {
            let incoming = Incoming::parse(&datagram[at..], 0).unwrap();
            let record = &mut datagram[at..at + incoming.len()];
            at += incoming.len();
            let Incoming::Classic(header, _) = incoming else { panic!("DTLS 1.3 in a recording of 1.2") };
            let (content_type, content, epoch) = if header.epoch == 0 {
                (header.content_type, 13..record.len(), 0)
            } else {
                let opened = self.openers.as_mut().unwrap()[index(side)].open(&header, 0, record).unwrap();
                (opened.content_type, opened.content, 1)
            };
            let content = record[content].to_vec();
            match content_type {
                ContentType::Handshake => self.on_handshake(side, epoch, &content),
                ContentType::ApplicationData => self.app_data.push(String::from_utf8(content).unwrap()),
                _ => (),
            }
        }
    }

    fn on_handshake(&mut self, side: Role, epoch: u64, content: &[u8]) {
        let mut reader = Reader::new(content);
        while !reader.is_empty() {
            let fragment = Fragment::parse(&mut reader).unwrap();
            self.inboxes[index(side)].insert(&fragment, epoch).unwrap();
        }
        while let Some(message) = self.inboxes[index(side)].take() {
            self.on_message(side, message.kind, &message.body);
            let hello_with_cookie = message.kind == HandshakeType::CLIENT_HELLO && message.seq > 0;
            if hello_with_cookie {
                self.transcript = Transcript12::default();
            }
            if message.kind != HandshakeType::HELLO_VERIFY_REQUEST {
                self.transcript.add_message(&message);
            }
        }
    }

    fn on_message(&mut self, side: Role, kind: HandshakeType, body: &[u8]) {
        match kind {
            HandshakeType::CLIENT_HELLO => self.randoms[0] = *ClientHello::parse(body).unwrap().random,
            HandshakeType::SERVER_HELLO => self.on_server_hello(&ServerHello::parse(body).unwrap()),
            HandshakeType::CERTIFICATE => {
                let name = if side == Role::Client { "client" } else { "server" };
                let certificate = wire::certificate::parse(Version::Dtls12, body).unwrap().unwrap();
                let fingerprint = self.recording.fingerprint(name);
                let peer = IdentifiedPeer::identify(Self::provider(), certificate, &[fingerprint]).unwrap();
                self.peers[index(side)] = Some(peer);
            }
            HandshakeType::SERVER_KEY_EXCHANGE => {
                let exchange = ServerKeyExchange::parse(body).unwrap();
                let content = [&self.randoms.concat(), exchange.parameters].concat();
                self.verify(side, kind, &content, &exchange.signed);
            }
            HandshakeType::CERTIFICATE_VERIFY => {
                let content = self.transcript.bytes().to_vec();
                self.verify(side, kind, &content, &DigitallySigned::parse(body).unwrap());
            }
            HandshakeType::FINISHED => {
                let digest = self.transcript.digest(Self::provider(), self.suite.unwrap().hash()).unwrap();
                assert_eq!(self.master().finished(Self::provider(), side, &digest).unwrap(), body);
                self.finished += 1;
            }
            _ => (),
        }
    }

    fn on_server_hello(&mut self, hello: &ServerHello<'_>) {
        self.randoms[1] = *hello.random;
        let suite = CipherSuite::from_code(hello.suite).unwrap();
        self.suite = Some(suite);
        let [client, server] = &self.randoms;
        let block = self.master().key_block(Self::provider(), suite, client, server).unwrap();
        let (client, server) = block.ours_and_theirs(Role::Client);
        self.openers = Some(
            [client, server]
                .map(|keys| Opener12::new(Self::provider(), suite.aead(), keys.key, keys.iv).unwrap()),
        );
    }

    fn verify(&mut self, side: Role, kind: HandshakeType, content: &[u8], signed: &DigitallySigned<'_>) {
        let peer = self.peers[index(side)].take().unwrap();
        assert!(peer.verify(Self::provider(), Version::Dtls12, kind, content, signed).is_ok(), "{kind}");
    }

    fn check_end(self) {
        assert_eq!(self.finished, 2);
        let expected: Vec<&str> = self.recording.0["app_data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_str().unwrap())
            .collect();
        assert_eq!(self.app_data, expected);
        let keying = hex::decode(self.recording.text("keying_material_client")).unwrap();
        let [client_random, server_random] = self.randoms;
        let hash = self.suite.unwrap().hash();
        let exporter = Exporter::V12 { hash, master: self.recording.master(), client_random, server_random };
        let mut out = alloc::vec![0; keying.len()];
        exporter.export(Self::provider(), "EXTRACTOR-dtls_srtp", None, &mut out).unwrap();
        assert_eq!(out, keying);
    }
}

fn follow(json: &str) {
    let recording = Recording(serde_json::from_str(json).unwrap());
    let datagrams = recording.datagrams();
    let mut observer = Observer {
        recording,
        inboxes: Default::default(),
        transcript: Transcript12::default(),
        randoms: [[0; 32]; 2],
        suite: None,
        openers: None,
        peers: [None, None],
        finished: 0,
        app_data: Vec::new(),
    };
    for (side, mut datagram) in datagrams {
        observer.on_datagram(side, &mut datagram);
    }
    observer.check_end();
}

macro_rules! recording {
    ($file:literal) => {
        include_str!(concat!("../../../../tests/vectors/dtls/openssl12/", $file, ".json"))
    };
}

#[test]
fn ecdsa_aes128_with_a_cookie() {
    follow(recording!("ecdsa-aes128gcm-cookie"));
}

#[test]
fn ecdsa_aes128_on_p256() {
    follow(recording!("ecdsa-aes128gcm-p256-cm80"));
}

#[test]
fn ecdsa_aes128_on_x25519() {
    follow(recording!("ecdsa-aes128gcm-x25519-gcm128"));
}

#[test]
fn ecdsa_aes256_on_p384() {
    follow(recording!("ecdsa-aes256gcm-p384-gcm256"));
}

#[test]
fn ecdsa_chacha20_on_x25519() {
    follow(recording!("ecdsa-chacha20-x25519-cm80"));
}

#[test]
fn rsa_aes128_in_fragments() {
    follow(recording!("rsa-aes128gcm-mtu300-fragments"));
}

#[test]
fn rsa_aes128_on_x25519() {
    follow(recording!("rsa-aes128gcm-x25519-cm80"));
}
