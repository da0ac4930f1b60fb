//! Hello messages and the choice of the version, in both roles.

pub(crate) mod client;
pub(crate) mod cookie;
pub(crate) mod server;

use crate::wire::DecodeError;
use crate::wire::extension::{self, Extensions, UseSrtp};
use crate::wire::fragment::HandshakeType;
use crate::{Failure, SrtpProfile};

/// Makes a decoding error of a message into a failure.
pub(crate) fn decode_error(kind: HandshakeType) -> impl Fn(DecodeError) -> Failure {
    move |error| Failure::Decode(kind, error)
}

/// The profile a server has chosen, if any: one of ours, exactly one, and without a master key identifier.
pub(crate) fn chosen_srtp_profile(
    extensions: &Extensions<'_>,
    offered: &[SrtpProfile],
    kind: HandshakeType,
) -> Result<Option<SrtpProfile>, Failure> {
    let Some(content) = extensions.get(extension::USE_SRTP) else {
        return Ok(None);
    };
    let use_srtp = UseSrtp::parse(content).map_err(decode_error(kind))?;
    let mut codes = use_srtp.codes();
    let profile = codes.next().and_then(SrtpProfile::from_code).filter(|profile| offered.contains(profile));
    match (profile, codes.next()) {
        (Some(profile), None) if use_srtp.mki.is_empty() => Ok(Some(profile)),
        _ => Err(Failure::IllegalParameter(kind)),
    }
}
