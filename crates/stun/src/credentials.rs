//! User names, passwords and the keys made from them (RFC 8489, section 9; RFC 8265).

use crate::attribute::PasswordAlgorithm;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use sendrecv_crypto::{CryptoError, CryptoProvider, HashAlgorithm, Secret};

/// A user name and its password.
///
/// Whether they are short-term (known to both sides for one session, as in ICE) or long-term (an account, as in TURN)
/// is the business of who uses them: [`short_term_key`] or [`long_term_key`] makes the key.
#[derive(Clone)]
pub struct Credentials {
    username: String,
    password: Secret,
}

impl Credentials {
    /// These credentials. The password is prepared by [`opaque_string`]; the user name is taken as it is, because
    /// peers compare it byte by byte.
    pub fn new(username: impl Into<String>, password: &str) -> Self {
        Self { username: username.into(), password: opaque_string(password) }
    }

    /// The user name.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password, prepared.
    pub const fn password(&self) -> &Secret {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Prepares a password or realm as the OpaqueString profile says (RFC 8265, section 4.2), as far as that goes without
/// Unicode tables: spaces of all scripts become the ASCII space, and everything else passes unchanged.
///
/// Normalisation (NFC, or the NFKC of RFC 4013's SASLprep) is left to the caller: ASCII is unaffected, and text typed
/// on common systems is composed already.
pub fn opaque_string(text: &str) -> Secret {
    let mut prepared = Vec::with_capacity(text.len());
    for character in text.chars() {
        let mapped = if is_space(character) { ' ' } else { character };
        prepared.extend_from_slice(mapped.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Secret::new(prepared)
}

/// Unicode's category Zs.
const fn is_space(character: char) -> bool {
    matches!(
        character,
        ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// The HMAC key of a short-term credential: the prepared password itself (RFC 8489, section 9.1.1).
pub fn short_term_key(password: &str) -> Secret {
    opaque_string(password)
}

/// The HMAC key of a long-term credential: a hash over user name, realm and password (RFC 8489, sections 9.2.2 and
/// 18.5.1).
pub fn long_term_key(
    provider: &dyn CryptoProvider,
    algorithm: PasswordAlgorithm,
    credentials: &Credentials,
    realm: &str,
) -> Result<Secret, CryptoError> {
    let mut hash = provider.hash(match algorithm {
        PasswordAlgorithm::Md5 => HashAlgorithm::Md5,
        PasswordAlgorithm::Sha256 => HashAlgorithm::Sha256,
    })?;
    hash.update(credentials.username.as_bytes());
    hash.update(b":");
    hash.update(opaque_string(trim(realm)).expose());
    hash.update(b":");
    hash.update(credentials.password.expose());
    Ok(Secret::from(hash.digest().as_bytes()))
}

/// The value of USERHASH: SHA-256 over user name and realm (RFC 8489, section 14.4).
pub fn user_hash(
    provider: &dyn CryptoProvider,
    username: &str,
    realm: &str,
) -> Result<[u8; 32], CryptoError> {
    let mut hash = provider.hash(HashAlgorithm::Sha256)?;
    hash.update(username.as_bytes());
    hash.update(b":");
    hash.update(opaque_string(trim(realm)).expose());
    hash.digest().as_bytes().try_into().map_err(|_| CryptoError::Unsupported)
}

/// Without the quotes and trailing NULs that some servers put around a realm.
fn trim(realm: &str) -> &str {
    realm.trim_end_matches('\0').trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn exotic_spaces_become_plain_ones() {
        assert_eq!(opaque_string("a\u{a0}b\u{3000}c d").expose(), b"a b c d");
        assert_eq!(opaque_string("pässword").expose(), "pässword".as_bytes());
    }

    #[test]
    fn passwords_do_not_print() {
        assert!(!format!("{:?}", Credentials::new("user", "secret")).contains("secret"));
    }
}
