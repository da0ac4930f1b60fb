//! Encrypting header extension elements (RFC 6904).
//!
//! ```text
//! | ID | len | data      | ID | len | data      | padding |
//!            |<-- if -->|            |<-- if -->|            encrypted, if ID is in the agreed set
//! ```
//! The keystream runs along the whole extension; where an element's data lies decides which part of it is used.

use crate::cipher::counter_block;
use crate::keys::{Label, MasterKey, derive, left_aligned};
use crate::{ExtensionIds, SrtpProfile};
use alloc::boxed::Box;
use sendrecv_crypto::{CryptoError, CryptoProvider, StreamCipher};

/// The cipher for extension elements: AES-CM in every profile (RFC 7714, section 8.3), with keys and salts as long as
/// the profile's own (RFC 6904, section 3).
pub(crate) struct ExtensionCipher {
    stream: Box<dyn StreamCipher>,
    salt: u128,
    ids: ExtensionIds,
}

impl ExtensionCipher {
    pub(crate) fn new(
        provider: &dyn CryptoProvider,
        profile: SrtpProfile,
        master: &MasterKey,
        ids: ExtensionIds,
    ) -> Result<Self, CryptoError> {
        let key = derive(provider, master, Label::ExtensionEncryption, profile.key_len())?;
        let salt = derive(provider, master, Label::ExtensionSalt, profile.salt_len())?;
        Ok(Self { stream: provider.aes_ctr(&key)?, salt: left_aligned(&salt), ids })
    }

    /// Encrypts or decrypts the chosen elements of `extension`, whose form `profile` tells.
    pub(crate) fn apply(&self, (ssrc, index): (u32, u64), profile: u16, extension: &mut [u8]) {
        let Some(form) = Form::of(profile) else { return };
        let first_block = u128::from_be_bytes(counter_block(self.salt, ssrc, index));
        let mut position = 0_usize;
        while let Some(element) = extension.get(position..).and_then(|rest| form.element(rest)) {
            let start = position.saturating_add(element.head_len);
            let end = start.saturating_add(element.len);
            let Some(data) = extension.get_mut(start..end) else { return };
            if self.ids.contains(element.id) {
                self.xor(first_block, start, data);
            }
            position = end;
        }
    }

    /// XORs into `data` the keystream from byte `start` on.
    fn xor(&self, first_block: u128, start: usize, data: &mut [u8]) {
        let blocks = u128::try_from(start / BLOCK).unwrap_or(0);
        let skipped = start % BLOCK;
        let mut keystream = [0; BLOCK + MAX_ELEMENT];
        let used = keystream.get_mut(..skipped.saturating_add(data.len())).unwrap_or_default();
        self.stream.apply(&first_block.wrapping_add(blocks).to_be_bytes(), used);
        for (byte, key) in data.iter_mut().zip(used.iter().skip(skipped)) {
            *byte ^= key;
        }
    }
}

const BLOCK: usize = 16;
/// No form's length field can say more.
const MAX_ELEMENT: usize = 255;

/// The two forms of RFC 8285.
#[derive(Clone, Copy)]
enum Form {
    OneByte,
    TwoByte,
}

struct Element {
    id: u8,
    head_len: usize,
    len: usize,
}

impl Form {
    const fn of(profile: u16) -> Option<Self> {
        match profile {
            0xbede => Some(Self::OneByte),
            0x1000..=0x100f => Some(Self::TwoByte),
            _ => None,
        }
    }

    /// The element at the start of `rest`; padding counts as an element without data.
    fn element(self, rest: &[u8]) -> Option<Element> {
        match (self, rest) {
            (_, [0, ..]) => Some(Element { id: 0, head_len: 1, len: 0 }),
            // Id 15 ends the processing of the one-byte form.
            (Self::OneByte, [0xf0..=0xff, ..]) => None,
            (Self::OneByte, [head, ..]) => {
                let len = usize::from(head & 0x0f).saturating_add(1);
                Some(Element { id: head >> 4, head_len: 1, len })
            }
            (Self::TwoByte, [id, len, ..]) => Some(Element { id: *id, head_len: 2, len: usize::from(*len) }),
            (_, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;
    use sendrecv_crypto::default_provider;
    use serde_json::Value;

    fn cipher(key: &[u8], salt: &[u8], ids: ExtensionIds) -> ExtensionCipher {
        ExtensionCipher { stream: default_provider().aes_ctr(key).unwrap(), salt: left_aligned(salt), ids }
    }

    #[test]
    fn the_example_of_rfc6904_comes_out() {
        let text = include_str!("../../../tests/vectors/srtp/srtp_rfc3711_rfc6188_rfc6904.json");
        let case = &serde_json::from_str::<Value>(text).unwrap()["hdr_ext_encryption"];
        let bytes = |field: &str| hex::decode(case[field].as_str().unwrap()).unwrap();
        let ids = [1, 3, 4].into_iter().collect();
        let mut extension = bytes("plaintext");
        let cipher = cipher(&bytes("key"), &bytes("salt"), ids);
        cipher.apply((0xcafe_babe, 4660), 0xbede, &mut extension);
        assert_eq!(extension, bytes("ciphertext"));
        cipher.apply((0xcafe_babe, 4660), 0xbede, &mut extension);
        assert_eq!(extension, bytes("plaintext"));
    }

    #[test]
    fn only_the_data_of_chosen_elements_changes() {
        let cipher = cipher(&[1; 16], &[2; 14], [200].into_iter().collect());
        let plain = [200, 2, 7, 7, 0, 9, 1, 5, 200, 0];
        let mut extension = plain;
        cipher.apply((1, 2), 0x1000, &mut extension);
        assert_ne!(extension[2..4], plain[2..4]);
        assert_eq!((&extension[..2], &extension[4..]), (&plain[..2], &plain[4..]));
        let mut other = plain;
        cipher.apply((1, 2), 0xabcd, &mut other);
        assert_eq!(other, plain, "a profile of neither form is left alone");
    }

    proptest! {
        #[test]
        fn any_bytes_survive_a_round_trip(
            plain in prop::collection::vec(any::<u8>(), 0..600),
            two_byte: bool,
            chosen in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let cipher = cipher(&[3; 16], &[4; 14], chosen.into_iter().collect());
            let profile = if two_byte { 0x1000 } else { 0xbede };
            let mut extension: Vec<u8> = plain.clone();
            cipher.apply((1, 2), profile, &mut extension);
            cipher.apply((1, 2), profile, &mut extension);
            prop_assert_eq!(extension, plain);
        }
    }
}
