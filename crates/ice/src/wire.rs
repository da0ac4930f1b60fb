//! The STUN messages of ICE (RFC 8445, section 7.1).
//!
//! ```text
//! Binding request: USERNAME "theirs:ours", PRIORITY, ICE-CONTROLLING | ICE-CONTROLLED, [USE-CANDIDATE],
//!                  [NOMINATION], [GOOG-NETWORK-INFO], [riders], MESSAGE-INTEGRITY (their password), FINGERPRINT
//! Binding success: XOR-MAPPED-ADDRESS, [riders], MESSAGE-INTEGRITY (the answering side's password), FINGERPRINT
//! Binding error:   ERROR-CODE, [UNKNOWN-ATTRIBUTES], MESSAGE-INTEGRITY, FINGERPRINT
//! ```

use crate::config::Role;
use crate::piggyback::Riders;
use core::net::SocketAddr;
use sendrecv_core::{NoSpace, PacketBuf};
use sendrecv_stun::attribute::{
    AttributeType, ErrorCode, IceControlled, IceControlling, NetworkInfo, Nomination, Priority,
    UnknownAttributes, UseCandidate, Username, XorMappedAddress,
};
use sendrecv_stun::{Class, IntegrityKey, Message, MessageBuilder, Method, TransactionId};

/// The longest check without USERNAME's value and riders: header, USERNAME, PRIORITY, role, USE-CANDIDATE, NOMINATION,
/// GOOG-NETWORK-INFO, MESSAGE-INTEGRITY, FINGERPRINT. An answer is shorter.
pub(crate) const CHECK_LEN: usize = 20 + (4 + 3) + 8 + 12 + 4 + 8 + 8 + 24 + 8;

/// What a check says, kept so that retransmissions say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) priority: u32,
    pub(crate) role: Role,
    pub(crate) tie_breaker: u64,
    pub(crate) use_candidate: bool,
    pub(crate) nomination: Option<u32>,
    pub(crate) network_info: Option<u32>,
}

impl Check {
    /// What a received check says; `None` when PRIORITY or the role is missing.
    pub(crate) fn read(message: &Message<'_>) -> Option<Self> {
        let Priority(priority) = message.attribute()?;
        let controlling =
            message.attribute().map(|IceControlling(tie_breaker)| (Role::Controlling, tie_breaker));
        let controlled =
            || message.attribute().map(|IceControlled(tie_breaker)| (Role::Controlled, tie_breaker));
        let (role, tie_breaker) = controlling.or_else(controlled)?;
        let nomination = message.attribute().map(|Nomination(value)| value);
        Some(Self {
            priority,
            role,
            tie_breaker,
            use_candidate: message.attribute::<UseCandidate>().is_some() || nomination.is_some(),
            nomination,
            network_info: message.attribute().map(|NetworkInfo(value)| value),
        })
    }

    pub(crate) fn write(
        &self,
        out: &mut PacketBuf<'_>,
        id: TransactionId,
        username: &str,
        key: &IntegrityKey,
        riders: Riders<'_>,
    ) -> Result<(), NoSpace> {
        let mut builder = MessageBuilder::new(out, Class::Request, Method::BINDING, id)?;
        builder.attribute(&Username(username))?.attribute(&Priority(self.priority))?;
        match self.role {
            Role::Controlling => builder.attribute(&IceControlling(self.tie_breaker))?,
            Role::Controlled => builder.attribute(&IceControlled(self.tie_breaker))?,
        };
        if self.use_candidate {
            builder.attribute(&UseCandidate)?;
        }
        if let Some(nomination) = self.nomination {
            builder.attribute(&Nomination(nomination))?;
        }
        if let Some(info) = self.network_info {
            builder.attribute(&NetworkInfo(info))?;
        }
        riders.write(&mut builder)?;
        builder.integrity(key)?.fingerprint()?;
        Ok(())
    }
}

/// The answer to a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It worked, and came from this address.
    Success(SocketAddr),
    /// 487: change your role.
    RoleConflict,
    /// 420: this attribute is not understood, though it has to be.
    UnknownAttribute(AttributeType),
}

impl Answer {
    pub(crate) fn write(
        self,
        out: &mut PacketBuf<'_>,
        id: TransactionId,
        key: &IntegrityKey,
        riders: Riders<'_>,
    ) -> Result<(), NoSpace> {
        let class = if matches!(self, Self::Success(_)) { Class::Success } else { Class::Error };
        let mut builder = MessageBuilder::new(out, class, Method::BINDING, id)?;
        match self {
            Self::Success(mapped) => {
                builder.attribute(&XorMappedAddress(mapped))?;
                riders.write(&mut builder)?;
            }
            Self::RoleConflict => {
                builder.attribute(&ErrorCode { code: ErrorCode::ROLE_CONFLICT, reason: "Role Conflict" })?;
            }
            Self::UnknownAttribute(kind) => {
                let code = ErrorCode { code: ErrorCode::UNKNOWN_ATTRIBUTE, reason: "Unknown Attribute" };
                builder.attribute(&code)?.attribute(&UnknownAttributes::from_wire(&kind.0.to_be_bytes()))?;
            }
        }
        builder.integrity(key)?.fingerprint()?;
        Ok(())
    }
}

/// The question to a STUN server: what is my address?
pub(crate) fn write_server_request(out: &mut PacketBuf<'_>, id: TransactionId) -> Result<(), NoSpace> {
    MessageBuilder::new(out, Class::Request, Method::BINDING, id)?.fingerprint()?;
    Ok(())
}

/// A keepalive that nobody answers (RFC 8445, section 11).
pub(crate) fn write_keepalive(out: &mut PacketBuf<'_>, id: TransactionId) -> Result<(), NoSpace> {
    MessageBuilder::new(out, Class::Indication, Method::BINDING, id)?.fingerprint()?;
    Ok(())
}

/// Whether the message proves knowledge of `key`.
pub(crate) fn is_authentic(message: &Message<'_>, key: Option<&IntegrityKey>) -> bool {
    key.is_some_and(|key| message.verify_integrity(key).is_ok())
}
