//! What an embedder plugs into a host.

use sendrecv::{Event, PeerConnection, ReceivedRtp};
use sendrecv_core::Instant;

/// What runs beside a peer connection inside its driver: it hears every event, with the connection at hand to react.
///
/// It is called on the driver's own task or thread, between packets: what takes long belongs elsewhere.
pub trait Application: Send + 'static {
    /// Something happened. Commands given to `pc` here take effect before anything is sent.
    fn on_event(&mut self, pc: &mut PeerConnection, now: Instant, event: Event);

    /// An RTP packet arrived: authenticated, decrypted, and still in the host's receive buffer.
    fn on_rtp(&mut self, _pc: &mut PeerConnection, _now: Instant, _packet: ReceivedRtp<'_>) {}

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called next, e.g. for the next frame of a source.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// It is `now`.
    fn handle_timeout(&mut self, _pc: &mut PeerConnection, _now: Instant) {}
}

/// The application that hands every event on, e.g. into a channel: `OnEvent(move |event| sender.send(event))`.
#[derive(Debug)]
pub struct OnEvent<F>(pub F);

impl<F: FnMut(Event) + Send + 'static> Application for OnEvent<F> {
    fn on_event(&mut self, _: &mut PeerConnection, _: Instant, event: Event) {
        (self.0)(event);
    }
}
