//! What no stack can do without: datagrams are sealed, lie on the wire until all that is underway has left, are opened,
//! and copied into messages that lie in memory until the application takes them.

use super::Wire;
use sendrecv_crypto::{Aead, AeadAlgorithm, CryptoProvider};

/// What a datagram carries of messages where the path takes 1,500 bytes of IP.
const PAYLOAD: usize = 1400;
const NONCE: [u8; 12] = [7; 12];
const AAD: [u8; 13] = [0; 13];
const TAG: usize = 16;

/// Both ends and the wire, with one cipher, and nothing around them.
pub struct CipherAndCopies {
    aead: Box<dyn Aead>,
    message: Vec<u8>,
    wire: Wire,
}

impl CipherAndCopies {
    /// For messages of `len` bytes.
    pub fn new(provider: &dyn CryptoProvider, len: usize) -> Self {
        let aead = provider.aead(AeadAlgorithm::Aes128Gcm, &[7; 16]).expect("a key");
        Self { aead, message: (0..len).map(|index| index as u8).collect(), wire: Wire::default() }
    }

    /// Carries `count` messages, all of which are underway at once; returns how many it were.
    pub fn run(&mut self, count: usize) -> u64 {
        let total = count * self.message.len();
        (0..total).step_by(PAYLOAD).for_each(|start| self.send(start, PAYLOAD.min(total - start)));
        let Self { aead, message, wire } = self;
        let (mut arrived, mut arriving) = (Vec::new(), Vec::with_capacity(message.len()));
        wire.drain(|datagram| {
            let (mut data, tag) = datagram.split_at_mut(datagram.len() - TAG);
            let tag = (&*tag).try_into().expect("its length");
            aead.open(&NONCE, &AAD, data, &tag).expect("intact");
            while !data.is_empty() {
                let (part, rest) = data.split_at_mut(data.len().min(message.len() - arriving.len()));
                arriving.extend_from_slice(part);
                if arriving.len() == message.len() {
                    arrived.push(std::mem::replace(&mut arriving, Vec::with_capacity(message.len())));
                }
                data = rest;
            }
        });
        arrived.len() as u64
    }

    /// Seals the `len` bytes of the messages that begin at `start`, and puts them on the wire.
    fn send(&mut self, start: usize, len: usize) {
        let mut datagram = [0; PAYLOAD + TAG];
        let (mut filled, end) = (0, len + TAG);
        while filled < len {
            let rest = &self.message[(start + filled) % self.message.len()..];
            let part = &rest[..rest.len().min(len - filled)];
            datagram[filled..filled + part.len()].copy_from_slice(part);
            filled += part.len();
        }
        let tag = self.aead.seal(&NONCE, &AAD, &mut datagram[..len]).expect("short");
        datagram[len..end].copy_from_slice(&tag);
        self.wire.push(&datagram[..end]);
    }
}
