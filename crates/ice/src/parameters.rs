//! The credentials and options the two sides signal to each other (RFC 8839, sections 5.3 to 5.6).

use crate::candidate::is_ice_char;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use sendrecv_core::Rng;

/// One side's username fragment, password and options, for one generation.
#[derive(Clone, PartialEq, Eq)]
pub struct IceParameters {
    /// The username fragment: 4 to 256 characters.
    pub ufrag: String,
    /// The password: 22 to 256 characters.
    pub pwd: String,
    /// Whether this side is an ICE-lite implementation.
    pub lite: bool,
    /// The words of `a=ice-options`, e.g. `trickle`, `ice2`, `renomination`.
    pub options: Vec<String>,
}

impl IceParameters {
    /// Parameters of a full agent without options.
    pub fn new(ufrag: &str, pwd: &str) -> Self {
        Self { ufrag: ufrag.to_owned(), pwd: pwd.to_owned(), lite: false, options: Vec::new() }
    }

    /// Whether `option` is among the options.
    pub fn has_option(&self, option: &str) -> bool {
        self.options.iter().any(|present| present == option)
    }

    /// Whether lengths and characters are as RFC 8839 section 5.4 wants them.
    pub(crate) fn is_valid(&self) -> bool {
        let valid =
            |text: &str, min: usize| (min..=256).contains(&text.len()) && text.bytes().all(is_ice_char);
        valid(&self.ufrag, 4) && valid(&self.pwd, 22)
    }

    /// Fresh local parameters: a ufrag of `prefix` and 48 random bits, a password of 144 random bits.
    pub(crate) fn generate(prefix: &UfragPrefix, lite: bool, options: Vec<String>, rng: &mut Rng) -> Self {
        Self {
            ufrag: format!("{}{}", prefix.0, random_text(8, rng)),
            pwd: random_text(24, rng),
            lite,
            options,
        }
    }
}

impl fmt::Debug for IceParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ufrag, lite, options, pwd: _ } = self;
        write!(f, "IceParameters {{ ufrag: {ufrag:?}, lite: {lite}, options: {options:?}, .. }}")
    }
}

/// `count` random ice-chars of six bits each.
fn random_text(count: usize, rng: &mut Rng) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..count)
        .filter_map(|_| ALPHABET.get(usize::from(rng.bytes::<1>().first().copied().unwrap_or(0) & 63)))
        .map(|byte| char::from(*byte))
        .collect()
}

/// What every local ufrag starts with, so that a proxy in front of several hosts can route by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UfragPrefix(String);

impl UfragPrefix {
    /// Longest prefix, in characters.
    pub const MAX_LEN: usize = 200;

    /// A prefix of letters, digits, `+` and `/`; `None` when it has other characters or more than 200 of them.
    pub fn new(prefix: &str) -> Option<Self> {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        (prefix.len() <= Self::MAX_LEN && prefix.bytes().all(valid)).then(|| Self(prefix.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendrecv_core::Seed;

    #[test]
    fn generated_parameters_are_valid_and_differ() {
        let mut rng = Seed::from_u64(1).rng();
        let prefix = UfragPrefix::new("eu1+").unwrap();
        let one = IceParameters::generate(&prefix, false, Vec::new(), &mut rng);
        let two = IceParameters::generate(&prefix, false, Vec::new(), &mut rng);
        assert!(
            one.is_valid() && one.ufrag.starts_with("eu1+") && one.ufrag.len() == 12 && one.pwd.len() == 24
        );
        assert_ne!(one, two);
    }

    #[test]
    fn a_prefix_has_ice_chars_only() {
        assert!(UfragPrefix::new("a:b").is_none());
        assert!(UfragPrefix::new(&"x".repeat(201)).is_none());
    }

    #[test]
    fn the_password_does_not_print() {
        let parameters = IceParameters::new("abcd", "secretsecretsecretsecret");
        assert!(!format!("{parameters:?}").contains("secret"));
    }

    #[test]
    fn short_and_odd_parameters_are_invalid() {
        assert!(!IceParameters::new("abc", "0123456789012345678901").is_valid());
        assert!(!IceParameters::new("abcd", "012345678901234567890").is_valid());
        assert!(!IceParameters::new("ab:cd", "0123456789012345678901").is_valid());
        assert!(IceParameters::new("abcd", "0123456789012345678901").is_valid());
    }
}
