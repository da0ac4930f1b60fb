//! Multicast DNS, as much of it as asking for an address and answering for names takes (RFC 6762).

mod group;
mod message;
mod query;
mod responder;

pub(crate) use query::query;
pub(crate) use responder::Announced;
