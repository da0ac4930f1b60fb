//! The client's side of the long-term credential mechanism (RFC 8489, section 9.2).
//!
//! ```text
//! client                                 server
//!   | ---- request, bare ------------------> |
//!   | <--- 401, REALM, NONCE, algorithms --- |
//!   | ---- request, USERNAME, …, HMAC -----> |
//!   | <--- success, HMAC ------------------- |
//!   | ---- another, HMAC ------------------> |
//!   | <--- 438, a new NONCE ---------------- |
//! ```

use crate::attribute::{
    AttributeType, ErrorCode, Nonce, PasswordAlgorithm, PasswordAlgorithms, Realm, UserHash, Username,
};
use crate::credentials::{Credentials, long_term_key, user_hash};
use crate::{Integrity, IntegrityKey, Message, MessageBuffer, MessageBuilder, VerifyError};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use sendrecv_core::NoSpace;
use sendrecv_crypto::{CryptoError, CryptoProvider};

/// Longest REALM and NONCE taken from a server, together, in bytes. RFC 8489 would allow 763 for each; then a request
/// with both might not fit into a datagram.
const MAX_TEXT_LEN: usize = 763;

/// Longest PASSWORD-ALGORITHMS taken from a server, in bytes.
const MAX_ALGORITHMS_LEN: usize = 256;

/// What a server says about itself at the head of its nonces, protected against tampering by the HMAC over the nonce
/// (RFC 8489, section 9.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecurityFeatures {
    /// It offers PASSWORD-ALGORITHMS. A message that has this bit without that attribute was tampered with.
    pub password_algorithms: bool,
    /// It wants USERHASH instead of USERNAME.
    pub username_anonymity: bool,
}

impl SecurityFeatures {
    const PREFIX: &str = "obMatJos2";

    /// Reads the nonce cookie; `None` when the nonce has none, as with servers older than RFC 8489.
    pub fn of(nonce: &str) -> Option<Self> {
        let [first, _, _, _, ..] = nonce.strip_prefix(Self::PREFIX)?.as_bytes() else { return None };
        // Four base64 characters are 24 bits; the two assigned ones are the top bits of the first character.
        let bits = base64_digit(*first)?;
        Some(Self { password_algorithms: bits & 0x20 != 0, username_anonymity: bits & 0x10 != 0 })
    }

    /// The nonce cookie that announces these features: 13 characters for the head of a nonce.
    pub const fn cookie(self) -> &'static str {
        match (self.password_algorithms, self.username_anonymity) {
            (false, false) => "obMatJos2AAAA",
            (false, true) => "obMatJos2QAAA",
            (true, false) => "obMatJos2gAAA",
            (true, true) => "obMatJos2wAAA",
        }
    }
}

const fn base64_digit(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// Why a 401 or 438 cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeError {
    /// REALM or NONCE is missing or too long.
    Malformed,
    /// The nonce announces PASSWORD-ALGORITHMS, which is missing: somebody removed it.
    BidDown,
    /// The server offers no password algorithm that we know.
    NoCommonAlgorithm,
    /// The server refused these very credentials.
    CredentialsRefused,
    /// The crypto provider lacks what the credentials need.
    Crypto(CryptoError),
}

impl fmt::Display for ChallengeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("the challenge lacks REALM or NONCE"),
            Self::BidDown => f.write_str("PASSWORD-ALGORITHMS was removed from the challenge"),
            Self::NoCommonAlgorithm => f.write_str("no password algorithm in common with the server"),
            Self::CredentialsRefused => f.write_str("the server refused the credentials"),
            Self::Crypto(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ChallengeError {}

impl From<CryptoError> for ChallengeError {
    fn from(error: CryptoError) -> Self {
        Self::Crypto(error)
    }
}

/// One account at one server: remembers the server's challenge, and authenticates requests by it.
pub struct LongTermAuth {
    provider: &'static dyn CryptoProvider,
    credentials: Credentials,
    session: Option<Session>,
    generation: u32,
}

/// What the server's last challenge said, and what follows from it.
struct Session {
    realm: String,
    nonce: String,
    /// PASSWORD-ALGORITHMS as it came: it must go back unchanged.
    offered: Vec<u8>,
    algorithm: Option<PasswordAlgorithm>,
    user_hash: Option<[u8; 32]>,
    key: IntegrityKey,
}

impl LongTermAuth {
    /// An account at a server that has not challenged us yet: requests go out bare.
    pub const fn new(provider: &'static dyn CryptoProvider, credentials: Credentials) -> Self {
        Self { provider, credentials, session: None, generation: 0 }
    }

    /// Counts challenges and changes of credentials. Remember it with each request, for
    /// [`challenge`](Self::challenge); requests of generation 0 are bare.
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The credentials in use.
    pub const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Uses other credentials from now on. Realm and nonce are kept, so the next request needs no new challenge.
    pub fn set_credentials(&mut self, credentials: Credentials) -> Result<(), CryptoError> {
        let renewed = match &self.session {
            Some(session) => {
                let key = integrity_key(self.provider, &credentials, session.algorithm, &session.realm)?;
                let hash = match session.user_hash {
                    Some(_) => Some(user_hash(self.provider, credentials.username(), &session.realm)?),
                    None => None,
                };
                Some((key, hash))
            }
            None => None,
        };
        if let (Some(session), Some((key, hash))) = (&mut self.session, renewed) {
            (session.key, session.user_hash) = (key, hash);
            self.generation = self.generation.saturating_add(1);
        }
        self.credentials = credentials;
        Ok(())
    }

    /// Appends what authenticates a request, the integrity attribute last; nothing before the first challenge.
    pub fn authenticate<B: MessageBuffer>(&self, builder: &mut MessageBuilder<'_, B>) -> Result<(), NoSpace> {
        let Some(session) = &self.session else { return Ok(()) };
        match session.user_hash {
            Some(hash) => builder.attribute(&UserHash(hash))?,
            None => builder.attribute(&Username(self.credentials.username()))?,
        };
        builder.attribute(&Realm(&session.realm))?;
        builder.attribute(&Nonce(&session.nonce))?;
        if let Some(algorithm) = session.algorithm {
            builder.raw(AttributeType::PASSWORD_ALGORITHMS, &session.offered)?;
            builder.attribute(&algorithm)?;
        }
        builder.integrity(&session.key)?;
        Ok(())
    }

    /// Takes in a 401 or 438 that answers a request of the given [`generation`](Self::generation). After `Ok` the
    /// request is to be sent again, as a new transaction; after `Err` it must not.
    pub fn challenge(&mut self, response: &Message<'_>, generation: u32) -> Result<(), ChallengeError> {
        let (Some(Realm(realm)), Some(Nonce(nonce))) = (self.realm_of(response), response.attribute()) else {
            return Err(ChallengeError::Malformed);
        };
        let stale =
            response.attribute().is_some_and(|error: ErrorCode<'_>| error.code == ErrorCode::STALE_NONCE);
        if !stale && generation > 0 && generation == self.generation && self.is_realm(realm) {
            return Err(ChallengeError::CredentialsRefused);
        }
        let session = self.answer(response, realm, nonce)?;
        self.session = Some(session);
        self.generation = self.generation.saturating_add(1);
        Ok(())
    }

    /// Checks a response to an authenticated request. The responses that a server cannot sign, 401 and 438, are
    /// [`challenge`](Self::challenge)'s business.
    ///
    /// A response whose nonce announces PASSWORD-ALGORITHMS without bringing them is refused, as bidding down.
    pub fn verify(&self, response: &Message<'_>) -> Result<(), VerifyError> {
        let announced = response.attribute().and_then(|Nonce(nonce)| SecurityFeatures::of(nonce));
        if announced.is_some_and(|features| features.password_algorithms)
            && !response.has(AttributeType::PASSWORD_ALGORITHMS)
        {
            return Err(VerifyError::Mismatch);
        }
        match &self.session {
            Some(session) => response.verify_integrity(&session.key),
            None => Ok(()),
        }
    }

    /// The response's realm; a 438 may leave it out, then it is still the old one.
    fn realm_of<'a>(&'a self, response: &Message<'a>) -> Option<Realm<'a>> {
        response.attribute().or_else(|| self.session.as_ref().map(|session| Realm(&session.realm)))
    }

    fn is_realm(&self, realm: &str) -> bool {
        self.session.as_ref().is_some_and(|session| session.realm == realm)
    }

    fn answer(&self, response: &Message<'_>, realm: &str, nonce: &str) -> Result<Session, ChallengeError> {
        if realm.len() + nonce.len() > MAX_TEXT_LEN {
            return Err(ChallengeError::Malformed);
        }
        let offered = response.attribute::<PasswordAlgorithms<'_>>();
        let features = SecurityFeatures::of(nonce).unwrap_or_default();
        if features.password_algorithms && offered.is_none() {
            return Err(ChallengeError::BidDown);
        }
        let algorithm = offered.map(|offered| choose(&offered)).transpose()?;
        let user_hash = if features.username_anonymity {
            Some(user_hash(self.provider, self.credentials.username(), realm)?)
        } else {
            None
        };
        Ok(Session {
            realm: realm.into(),
            nonce: nonce.into(),
            offered: offered.map(|offered| offered.as_wire().to_vec()).unwrap_or_default(),
            algorithm,
            user_hash,
            key: integrity_key(self.provider, &self.credentials, algorithm, realm)?,
        })
    }
}

impl fmt::Debug for LongTermAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LongTermAuth")
            .field("credentials", &self.credentials)
            .field("realm", &self.session.as_ref().map(|session| &session.realm))
            .field("nonce", &self.session.as_ref().map(|session| &session.nonce))
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// SHA-256 when it is offered at all (RFC 8656, section 6), else the first that we know.
fn choose(offered: &PasswordAlgorithms<'_>) -> Result<PasswordAlgorithm, ChallengeError> {
    if offered.as_wire().len() > MAX_ALGORITHMS_LEN {
        return Err(ChallengeError::Malformed);
    }
    offered.iter().max().ok_or(ChallengeError::NoCommonAlgorithm)
}

/// A server that sent PASSWORD-ALGORITHMS gets MESSAGE-INTEGRITY-SHA256, an older one MESSAGE-INTEGRITY.
fn integrity_key(
    provider: &dyn CryptoProvider,
    credentials: &Credentials,
    algorithm: Option<PasswordAlgorithm>,
    realm: &str,
) -> Result<IntegrityKey, CryptoError> {
    let key = long_term_key(provider, algorithm.unwrap_or(PasswordAlgorithm::Md5), credentials, realm)?;
    let integrity = if algorithm.is_some() { Integrity::Sha256 } else { Integrity::Sha1 };
    IntegrityKey::new(provider, key.expose(), integrity)
}

#[cfg(test)]
mod tests;
