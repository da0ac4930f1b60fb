//! Requests on the wire (RFC 8656, sections 7.1, 8.1, 10.1 and 12.1).

use crate::config::{Families, TurnConfig};
use crate::requests::Request;
use core::net::SocketAddr;
use sendrecv_core::{NoSpace, PacketBuf};
use sendrecv_stun::attribute::{
    AdditionalAddressFamily, AddressFamily, ChannelNumber, Lifetime, RequestedAddressFamily,
    RequestedTransport, Software, XorPeerAddress,
};
use sendrecv_stun::{LongTermAuth, MessageBuilder, Method};

/// The method that asks for it.
pub(super) const fn method(request: Request) -> Method {
    match request {
        Request::Allocate => Method::ALLOCATE,
        Request::Refresh | Request::Release => Method::REFRESH,
        Request::Permit(_) => Method::CREATE_PERMISSION,
        Request::Bind(..) => Method::CHANNEL_BIND,
    }
}

/// Writes the attributes of a request, authentication included.
pub(super) fn write_request(
    config: &TurnConfig,
    auth: &LongTermAuth,
    request: Request,
    message: &mut MessageBuilder<'_, PacketBuf<'_>>,
) -> Result<(), NoSpace> {
    let lifetime = Lifetime(u32::try_from(config.lifetime.as_secs()).unwrap_or(u32::MAX).max(1));
    if let (Request::Allocate | Request::Refresh, Some(software)) = (request, &config.software) {
        message.attribute(&Software(software))?;
    }
    match request {
        Request::Allocate => {
            message.attribute(&RequestedTransport::UDP)?.attribute(&lifetime)?;
            match config.families {
                Families::Any => (),
                Families::Only(family) => {
                    message.attribute(&RequestedAddressFamily(family))?;
                }
                Families::Both => {
                    message.attribute(&AdditionalAddressFamily(AddressFamily::V6))?;
                }
            }
        }
        Request::Refresh => {
            message.attribute(&lifetime)?;
        }
        Request::Release => {
            message.attribute(&Lifetime(0))?;
        }
        Request::Permit(peer) => {
            message.attribute(&XorPeerAddress(SocketAddr::new(peer, 0)))?;
        }
        Request::Bind(peer, channel) => {
            message.attribute(&ChannelNumber(channel.number()))?.attribute(&XorPeerAddress(peer))?;
        }
    }
    auth.authenticate(message)?;
    message.fingerprint()?;
    Ok(())
}
