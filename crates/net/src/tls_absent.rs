//! What stands for TLS when this crate was built without its feature `tls`.

use std::io;

/// Who vouches for TURN servers over TLS: nobody, without the feature `tls`.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TlsRoots {}

impl TlsRoots {
    pub(crate) const fn prepare(&self) {}
}

/// The keys of one stream: there is no such thing.
pub(crate) enum Session {}

impl Session {
    pub(crate) fn new(_: &TlsRoots, _: &str) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "built without TLS"))
    }

    pub(crate) const fn is_handshaking(&self) -> bool {
        match *self {}
    }

    pub(crate) const fn seal(&mut self, _: &[u8]) -> io::Result<()> {
        match *self {}
    }

    pub(crate) const fn end(&mut self) {
        match *self {}
    }

    pub(crate) const fn drain(&mut self, _: &mut Vec<u8>) {
        match *self {}
    }

    pub(crate) const fn open(&mut self, _: &[u8], _: &mut Vec<u8>) -> io::Result<bool> {
        match *self {}
    }
}
