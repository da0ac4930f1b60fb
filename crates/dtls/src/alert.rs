//! Alerts (RFC 8446, section 6; RFC 5246, section 7.2).
//!
//! ```text
//! | level: 1 warning, 2 fatal | description |
//! ```

use core::fmt;
use sendrecv_core::{Reader, Truncated};

macro_rules! alerts {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// What an alert says (TLS Alerts registry).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AlertDescription {
            $($(#[$doc])* $name,)*
            /// A code this crate has no name for.
            Other(u8),
        }

        impl AlertDescription {
            /// The registry's code.
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(code) => code,
                }
            }

            /// The alert with this code.
            pub const fn from_code(code: u8) -> Self {
                match code {
                    $($code => Self::$name,)*
                    code => Self::Other(code),
                }
            }
        }

        impl fmt::Display for AlertDescription {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str($text),)*
                    Self::Other(code) => write!(f, "alert {code}"),
                }
            }
        }
    };
}

alerts! {
    /// The sender will send nothing more.
    CloseNotify = 0, "close_notify";
    /// A message came when it should not.
    UnexpectedMessage = 10, "unexpected_message";
    /// No acceptable set of parameters.
    HandshakeFailure = 40, "handshake_failure";
    /// The certificate is corrupt or does not verify, or its fingerprint is not the signalled one.
    BadCertificate = 42, "bad_certificate";
    /// The certificate's kind is not supported.
    UnsupportedCertificate = 43, "unsupported_certificate";
    /// A field is out of range or contradicts another.
    IllegalParameter = 47, "illegal_parameter";
    /// A message could not be decoded.
    DecodeError = 50, "decode_error";
    /// A signature or Finished does not verify.
    DecryptError = 51, "decrypt_error";
    /// DTLS 1.3: too many requests for connection IDs.
    TooManyCidsRequested = 52, "too_many_cids_requested";
    /// The offered versions are not supported.
    ProtocolVersion = 70, "protocol_version";
    /// The peer's parameters are not secure enough.
    InsufficientSecurity = 71, "insufficient_security";
    /// Something failed on the sender's side.
    InternalError = 80, "internal_error";
    /// DTLS 1.2: the handshake is given up by its user.
    UserCanceled = 90, "user_canceled";
    /// DTLS 1.2: the answer to an attempt to renegotiate (a warning).
    NoRenegotiation = 100, "no_renegotiation";
    /// A mandatory extension is missing.
    MissingExtension = 109, "missing_extension";
    /// An extension nobody asked for.
    UnsupportedExtension = 110, "unsupported_extension";
    /// DTLS 1.3: a client certificate is needed.
    CertificateRequired = 116, "certificate_required";
}

/// An alert as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Whether the connection is over. Levels other than warning count as fatal.
    pub fatal: bool,
    /// What happened.
    pub description: AlertDescription,
}

impl Alert {
    /// A fatal alert.
    pub const fn fatal(description: AlertDescription) -> Self {
        Self { fatal: true, description }
    }

    /// A warning.
    pub const fn warning(description: AlertDescription) -> Self {
        Self { fatal: false, description }
    }

    /// Reads the two bytes of an alert record; more is an error in DTLS, where alerts are not fragmented.
    pub fn parse(content: &[u8]) -> Result<Self, Truncated> {
        let mut reader = Reader::new(content);
        let (level, code) = (reader.u8()?, reader.u8()?);
        if !reader.is_empty() {
            return Err(Truncated);
        }
        Ok(Self { fatal: level != 1, description: AlertDescription::from_code(code) })
    }

    /// The two bytes of an alert record.
    pub const fn encode(self) -> [u8; 2] {
        [if self.fatal { 2 } else { 1 }, self.description.code()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_survives_the_round_trip() {
        for code in 0..=255 {
            for fatal in [false, true] {
                let alert = Alert { fatal, description: AlertDescription::from_code(code) };
                assert_eq!(Alert::parse(&alert.encode()), Ok(alert));
                assert_eq!(alert.description.code(), code);
            }
        }
    }

    #[test]
    fn an_alert_is_exactly_two_bytes() {
        assert_eq!(Alert::parse(&[2]), Err(Truncated));
        assert_eq!(Alert::parse(&[2, 40, 2]), Err(Truncated));
    }
}
