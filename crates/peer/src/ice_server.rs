//! `RTCIceServer`: STUN and TURN servers as applications name them.

use alloc::string::String;
use alloc::vec::Vec;
use sendrecv_ice::{ServerKind, ServerUrl, UrlError};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// One entry of `iceServers`.
///
/// In JSON `urls` may be a string or a list of strings, as in browsers.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceServer {
    /// `stun:`, `stuns:`, `turn:` and `turns:` URLs (RFC 7064, RFC 7065) of one server or of equal ones.
    #[serde(deserialize_with = "one_or_many")]
    pub urls: Vec<String>,
    /// The user name for TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password for TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Why a server is not usable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IceServerError {
    /// There is no URL (`SyntaxError`).
    #[error("an ICE server needs at least one URL")]
    NoUrls,
    /// A URL does not parse, or names a transport that does not exist (`SyntaxError`).
    #[error("ICE server {url:?}: {error}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        error: UrlError,
    },
    /// A TURN server without user name or password (`InvalidAccessError`).
    #[error("TURN server {url:?} needs username and credential")]
    NoCredentials {
        /// The URL.
        url: String,
    },
    /// User name or password is longer than STUN can carry: 508 bytes (`SyntaxError`).
    #[error("TURN server {url:?}: username or credential is longer than 508 bytes")]
    CredentialsTooLong {
        /// The URL.
        url: String,
    },
}

impl IceServerError {
    /// The name of the `DOMException` that a browser throws.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoUrls | Self::Url { .. } | Self::CredentialsTooLong { .. } => "SyntaxError",
            Self::NoCredentials { .. } => "InvalidAccessError",
        }
    }
}

/// Longest USERNAME (RFC 8489, section 14.3), bytes.
const MAX_CREDENTIAL: usize = 508;

impl IceServer {
    /// A STUN server.
    pub fn stun(url: &str) -> Self {
        Self { urls: [url.into()].into(), username: None, credential: None }
    }

    /// A TURN server.
    pub fn turn(url: &str, username: &str, credential: &str) -> Self {
        Self {
            urls: [url.into()].into(),
            username: Some(username.into()),
            credential: Some(credential.into()),
        }
    }

    /// Checks what W3C webrtc-pc, section 4.4.1.6, has checked.
    ///
    /// # Errors
    /// [`IceServerError`] names the URL and what is wrong.
    pub fn validate(&self) -> Result<(), IceServerError> {
        self.parse().map(|_| ())
    }

    /// The server as ICE wants it: an entry per URL.
    pub(crate) fn parse(&self) -> Result<Vec<sendrecv_ice::IceServer>, IceServerError> {
        if self.urls.is_empty() {
            return Err(IceServerError::NoUrls);
        }
        self.urls.iter().map(|url| self.parse_url(url)).collect()
    }

    fn parse_url(&self, url: &str) -> Result<sendrecv_ice::IceServer, IceServerError> {
        let parsed: ServerUrl =
            url.parse().map_err(|error| IceServerError::Url { url: url.into(), error })?;
        if parsed.kind == ServerKind::Stun {
            return Ok(sendrecv_ice::IceServer::stun(parsed));
        }
        match (&self.username, &self.credential) {
            (Some(username), Some(credential)) if username.len().max(credential.len()) > MAX_CREDENTIAL => {
                Err(IceServerError::CredentialsTooLong { url: url.into() })
            }
            (Some(username), Some(credential)) => {
                Ok(sendrecv_ice::IceServer::turn(parsed, username, credential))
            }
            _ => Err(IceServerError::NoCredentials { url: url.into() }),
        }
    }
}

impl core::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Reads a string or a list; what is not self-describing (a recording) always holds a list.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    if !deserializer.is_human_readable() {
        return Vec::deserialize(deserializer);
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(url) => [url].into(),
        OneOrMany::Many(urls) => urls,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_may_be_one_or_many() {
        let one: IceServer = serde_json::from_str(r#"{"urls":"stun:stun.example.org"}"#).unwrap();
        let many: IceServer = serde_json::from_str(r#"{"urls":["stun:stun.example.org"]}"#).unwrap();
        assert_eq!(one, many);
    }

    #[test]
    fn every_refusal_has_the_browsers_name() {
        let name = |server: &IceServer| server.validate().unwrap_err().name();
        assert_eq!(name(&IceServer::default()), "SyntaxError");
        assert_eq!(name(&IceServer::stun("http://example.org")), "SyntaxError");
        assert_eq!(name(&IceServer::stun("turn:example.org")), "InvalidAccessError");
        assert_eq!(name(&IceServer::turn("turn:example.org", &"x".repeat(509), "y")), "SyntaxError");
        assert_eq!(IceServer::turn("turns:example.org?transport=tcp", "me", "secret").validate(), Ok(()));
    }

    #[test]
    fn credentials_do_not_print() {
        assert!(!alloc::format!("{:?}", IceServer::turn("turn:a", "me", "hunter2")).contains("hunter2"));
    }
}
