//! webrtc-dtls 0.12, DTLS 1.2 only: asynchronous, on a runtime of this thread.

use super::{Pair, Stack};
use async_trait::async_trait;
use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, mpsc};
use webrtc_dtls::config::{ClientAuthType, Config, ExtendedMasterSecretType};
use webrtc_dtls::conn::DTLSConn;
use webrtc_dtls::crypto::Certificate;
use webrtc_util::{Conn, Error};

/// A wire in memory.
struct Wire {
    to: mpsc::UnboundedSender<Vec<u8>>,
    from: Mutex<mpsc::UnboundedReceiver<Vec<u8>>>,
    datagrams: Arc<AtomicUsize>,
}

#[async_trait]
impl Conn for Wire {
    async fn connect(&self, _: SocketAddr) -> Result<(), Error> {
        Ok(())
    }

    async fn recv(&self, buf: &mut [u8]) -> Result<usize, Error> {
        let datagram = self.from.lock().await.recv().await.ok_or(Error::ErrBufferClosed)?;
        buf[..datagram.len()].copy_from_slice(&datagram);
        Ok(datagram.len())
    }

    async fn recv_from(&self, buf: &mut [u8]) -> Result<(usize, SocketAddr), Error> {
        Ok((self.recv(buf).await?, ([127, 0, 0, 1], 1).into()))
    }

    async fn send(&self, buf: &[u8]) -> Result<usize, Error> {
        self.datagrams.fetch_add(1, Relaxed);
        self.to.send(buf.to_vec()).map_err(|_| Error::ErrBufferClosed)?;
        Ok(buf.len())
    }

    async fn send_to(&self, buf: &[u8], _: SocketAddr) -> Result<usize, Error> {
        self.send(buf).await
    }

    fn local_addr(&self) -> Result<SocketAddr, Error> {
        Ok(([127, 0, 0, 1], 1).into())
    }

    fn remote_addr(&self) -> Option<SocketAddr> {
        Some(([127, 0, 0, 1], 2).into())
    }

    async fn close(&self) -> Result<(), Error> {
        Ok(())
    }

    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}

struct Webrtc {
    runtime: Arc<Runtime>,
    client: DTLSConn,
    server: DTLSConn,
}

pub(crate) fn stack() -> Stack {
    let runtime = Arc::new(Builder::new_current_thread().enable_time().build().expect("a runtime"));
    let configs = [config(), config()];
    Stack::new("webrtc-dtls", move || connect(&runtime, &configs))
}

fn config() -> Config {
    Config {
        certificates: vec![Certificate::generate_self_signed(vec!["peer".to_owned()]).expect("a key")],
        insecure_skip_verify: true,
        extended_master_secret: ExtendedMasterSecretType::Require,
        client_auth: ClientAuthType::RequireAnyClientCert,
        ..Config::default()
    }
}

fn connect(runtime: &Arc<Runtime>, [client, server]: &[Config; 2]) -> (Box<dyn Pair>, usize) {
    let ((to_server, at_server), (to_client, at_client)) =
        (mpsc::unbounded_channel(), mpsc::unbounded_channel());
    let datagrams = Arc::new(AtomicUsize::new(0));
    let wire = |to, from| Arc::new(Wire { to, from: Mutex::new(from), datagrams: datagrams.clone() });
    let (a, b) = (wire(to_server, at_client), wire(to_client, at_server));
    let (client, server) = runtime.block_on(async {
        tokio::join!(
            DTLSConn::new(a, client.clone(), true, None),
            DTLSConn::new(b, server.clone(), false, None)
        )
    });
    let (client, server) = (client.expect("connected"), server.expect("connected"));
    let datagrams = datagrams.load(Relaxed);
    (Box::new(Webrtc { runtime: runtime.clone(), client, server }), datagrams)
}

impl Pair for Webrtc {
    fn carry(&mut self, payload: &[u8]) -> usize {
        let mut out = [0; 2048];
        self.runtime.block_on(async {
            self.client.write(payload, None).await.expect("connected");
            self.server.read(&mut out, None).await.expect("authentic")
        })
    }
}

impl Drop for Webrtc {
    fn drop(&mut self) {
        self.runtime.block_on(async {
            let _ = tokio::join!(self.client.close(), self.server.close());
        });
    }
}
