//! dimpl 0.9, with AWS-LC and with RustCrypto.

use super::{Pair, Stack};
use dimpl::crypto::NamedGroup as Group;
use dimpl::crypto::{aws_lc_rs, rust_crypto};
use dimpl::{Config, Dtls, DtlsCertificate, Output};
use sendrecv_crypto::NamedGroup;
use sendrecv_dtls::Version;
use std::sync::Arc;
use std::time::Instant;

struct Dimpl {
    client: Dtls,
    server: Dtls,
    out: Vec<u8>,
    wire: Vec<u8>,
}

pub(crate) fn stacks(version: Version, group: NamedGroup) -> Vec<Stack> {
    let providers = [
        ("dimpl-aws-lc-rs", aws_lc_rs::default_provider()),
        ("dimpl-rustcrypto", rust_crypto::default_provider()),
    ];
    let group = if group == NamedGroup::X25519 { Group::X25519 } else { Group::Secp256r1 };
    providers
        .into_iter()
        .map(|(name, provider)| {
            let config =
                Config::builder().with_crypto_provider(provider).kx_groups(&[group]).use_server_cookie(false);
            let config = Arc::new(config.build().expect("valid"));
            let certificate = || dimpl::certificate::generate_self_signed_certificate().expect("a key");
            let certificates = [certificate(), certificate()];
            Stack::new(name, move || connect(version, &config, &certificates))
        })
        .collect()
}

fn connect(
    version: Version,
    config: &Arc<Config>,
    certificates: &[DtlsCertificate; 2],
) -> (Box<dyn Pair>, usize) {
    let now = Instant::now();
    let make = |certificate: &DtlsCertificate, active| {
        let (config, certificate) = (config.clone(), certificate.clone());
        let mut dtls = match version {
            Version::Dtls12 => Dtls::new_12(config, certificate, now),
            Version::Dtls13 => Dtls::new_13(config, certificate, now),
        };
        dtls.set_active(active);
        dtls.handle_timeout(now).expect("new");
        dtls
    };
    let [client, server] = certificates;
    let mut pair = Dimpl {
        client: make(client, true),
        server: make(server, false),
        out: vec![0; 2048],
        wire: vec![0; 2048],
    };
    let (mut datagrams, mut connected) = (0, 0);
    for _ in 0..8 {
        let Dimpl { client, server, out, .. } = &mut pair;
        datagrams += flow(client, server, out, &mut connected);
        datagrams += flow(server, client, out, &mut connected);
    }
    assert_eq!(connected, 2);
    (Box::new(pair), datagrams)
}

fn flow(from: &mut Dtls, to: &mut Dtls, out: &mut [u8], connected: &mut usize) -> usize {
    let mut datagrams = 0;
    loop {
        match from.poll_output(out) {
            Output::Packet(packet) => {
                datagrams += 1;
                to.handle_packet(packet).expect("of the peer");
            }
            Output::Connected => *connected += 1,
            Output::Timeout(_) => return datagrams,
            _ => {}
        }
    }
}

impl Pair for Dimpl {
    fn carry(&mut self, payload: &[u8]) -> usize {
        self.client.send_application_data(payload).expect("connected");
        let mut len = 0;
        loop {
            match self.client.poll_output(&mut self.wire) {
                Output::Packet(packet) => self.server.handle_packet(packet).expect("authentic"),
                Output::Timeout(_) => break,
                _ => {}
            }
        }
        loop {
            match self.server.poll_output(&mut self.out) {
                Output::ApplicationData(data) => len += data.len(),
                Output::Timeout(_) => return len,
                _ => {}
            }
        }
    }
}
