//! What the examples of both hosts have in common: a peer that greets, and how two are described to each other.

use sendrecv::{
    DataChannelInit, Event, IceCandidate, Message, OfferOptions, PeerConnection, SessionDescription,
    UsageError,
};
use sendrecv_core::Instant;
use sendrecv_net::Application;

/// Signals its candidates, greets on every channel that opens, and reports the first message it hears.
pub(crate) struct Greeter {
    name: String,
    signal: Box<dyn FnMut(Option<IceCandidate>) + Send>,
    report: Box<dyn FnMut(String) + Send>,
}

impl Greeter {
    pub(crate) fn new(
        name: impl Into<String>,
        signal: impl FnMut(Option<IceCandidate>) + Send + 'static,
        report: impl FnMut(String) + Send + 'static,
    ) -> Self {
        Self { name: name.into(), signal: Box::new(signal), report: Box::new(report) }
    }
}

impl Application for Greeter {
    fn on_event(&mut self, pc: &mut PeerConnection, now: Instant, event: Event) {
        match event {
            Event::IceCandidate(candidate) => (self.signal)(candidate),
            Event::DataChannelOpen(channel) => {
                let greeting = format!("hello from {}", self.name);
                let _ = pc.send(now, channel, Message::Text(greeting.into()));
            }
            Event::DataChannelMessage { message, .. } => {
                let text = String::from_utf8_lossy(message.bytes());
                (self.report)(format!("{} heard: {text}", self.name));
            }
            _ => {}
        }
    }
}

/// The first step: one peer opens a channel and describes itself.
pub(crate) fn offer(pc: &mut PeerConnection, now: Instant) -> Result<SessionDescription, UsageError> {
    pc.create_data_channel(now, "greetings", DataChannelInit::default())?;
    let offer = pc.create_offer(OfferOptions::default())?;
    pc.set_local_description(now, Some(offer.clone()))?;
    Ok(offer)
}

/// The second: the other takes that in and describes itself. (The third: the first takes in the answer.)
pub(crate) fn answer(
    pc: &mut PeerConnection,
    now: Instant,
    offer: SessionDescription,
) -> Result<SessionDescription, UsageError> {
    pc.set_remote_description(now, offer)?;
    let answer = pc.create_answer()?;
    pc.set_local_description(now, Some(answer.clone()))?;
    Ok(answer)
}
