//! OpenSSL of the system, DTLS 1.2, on BIOs in memory.

use super::{Pair, Stack};
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{ErrorCode, Ssl, SslContext, SslMethod, SslOptions, SslStream, SslVerifyMode};
use openssl::x509::X509;
use sendrecv_crypto::NamedGroup;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;

type Queue = Rc<RefCell<VecDeque<Vec<u8>>>>;

/// One end of a wire in memory.
struct Wire {
    to: Queue,
    from: Queue,
    datagrams: Rc<Cell<usize>>,
}

impl Read for Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let datagram = self.from.borrow_mut().pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        buf[..datagram.len()].copy_from_slice(&datagram);
        Ok(datagram.len())
    }
}

impl Write for Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.datagrams.set(self.datagrams.get() + 1);
        self.to.borrow_mut().push_back(buf.to_vec());
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct OpenSsl {
    client: SslStream<Wire>,
    server: SslStream<Wire>,
}

pub(crate) fn stack(group: NamedGroup) -> Stack {
    let contexts = [context(group), context(group)];
    Stack::new("openssl", move || connect(&contexts))
}

fn certificate() -> (X509, PKey<Private>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("a curve");
    let key = PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key");
    let mut builder = X509::builder().expect("memory");
    builder.set_version(2).expect("a version");
    let serial = BigNum::from_u32(1).and_then(|one| one.to_asn1_integer()).expect("a number");
    builder.set_serial_number(&serial).expect("a number");
    builder.set_not_before(&Asn1Time::days_from_now(0).expect("a time")).expect("a time");
    builder.set_not_after(&Asn1Time::days_from_now(31).expect("a time")).expect("a time");
    builder.set_pubkey(&key).expect("a key");
    builder.sign(&key, MessageDigest::sha256()).expect("a signature");
    (builder.build(), key)
}

fn context(group: NamedGroup) -> SslContext {
    let (certificate, key) = certificate();
    let mut context = SslContext::builder(SslMethod::dtls()).expect("DTLS");
    context.set_certificate(&certificate).expect("a certificate");
    context.set_private_key(&key).expect("a key");
    // The curve of the certificate has to be among them.
    context
        .set_groups_list(if group == NamedGroup::X25519 { "X25519:P-256" } else { "P-256" })
        .expect("a group");
    context.set_cipher_list("ECDHE-ECDSA-AES128-GCM-SHA256").expect("a suite");
    context.set_options(SslOptions::NO_QUERY_MTU | SslOptions::NO_TICKET);
    // As with fingerprints: any certificate, but the signature must verify.
    context.set_verify_callback(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT, |_, _| true);
    context.build()
}

fn connect([client, server]: &[SslContext; 2]) -> (Box<dyn Pair>, usize) {
    let (up, down, datagrams) = (Queue::default(), Queue::default(), Rc::new(Cell::new(0)));
    let end = |context: &SslContext, to: &Queue, from: &Queue| {
        let mut ssl = Ssl::new(context).expect("memory");
        ssl.set_mtu(1200).expect("an MTU");
        let wire = Wire { to: to.clone(), from: from.clone(), datagrams: datagrams.clone() };
        SslStream::new(ssl, wire).expect("memory")
    };
    let mut pair = OpenSsl { client: end(client, &up, &down), server: end(server, &down, &up) };
    let (mut client_done, mut server_done) = (false, false);
    while !(client_done && server_done) {
        client_done = client_done || finished(pair.client.connect());
        server_done = server_done || finished(pair.server.accept());
    }
    let datagrams = datagrams.get();
    (Box::new(pair), datagrams)
}

fn finished(result: Result<(), openssl::ssl::Error>) -> bool {
    match result {
        Ok(()) => true,
        Err(error) if error.code() == ErrorCode::WANT_READ => false,
        Err(error) => panic!("{error}"),
    }
}

impl Pair for OpenSsl {
    fn carry(&mut self, payload: &[u8]) -> usize {
        let mut out = [0; 2048];
        self.client.ssl_write(payload).expect("connected");
        self.server.ssl_read(&mut out).expect("authentic")
    }
}
