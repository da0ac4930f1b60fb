//! What stands for TLS when this crate was built without its feature `tls`.

use std::io;
use std::net::TcpStream;

/// Who vouches for TURN servers over TLS: nobody, without the feature `tls`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TlsRoots {}

/// The keys of one stream: there is no such thing.
#[derive(Debug)]
pub(crate) enum Session {}

impl Session {
    pub(crate) fn connect(_: &TlsRoots, _: &str, _: &TcpStream) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "built without TLS"))
    }

    pub(crate) fn seal(&self, _: &[u8]) -> io::Result<Vec<u8>> {
        match *self {}
    }

    pub(crate) fn farewell(&self) -> io::Result<Vec<u8>> {
        match *self {}
    }

    pub(crate) fn open(&self, _: &[u8], _: &mut Vec<u8>) -> io::Result<bool> {
        match *self {}
    }
}
