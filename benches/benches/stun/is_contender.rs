//! `is`, the ICE agent of str0m, with its default HMAC.

use crate::{BATCH, PASSWORD, PRIORITY, TIE_BREAKER, USERNAME};
use is::stun::{StunMessage, TransId};
use is::{DefaultSha1HmacProvider, Sha1HmacProvider};
use sendrecv_benches::Contender;
use std::hint::black_box;

/// HMAC-SHA1 as `is` asks for it.
pub fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    DefaultSha1HmacProvider.sha1_hmac(key, parts)
}

pub fn parse(check: &[u8]) -> Contender<'static> {
    let check = check.to_vec();
    Contender::new("is", move || {
        for _ in 0..BATCH {
            let message = StunMessage::parse(black_box(&check)).expect("well-formed");
            assert!(message.verify(PASSWORD.as_bytes(), hmac));
            black_box((
                message.split_username(),
                message.prio(),
                message.ice_controlling(),
                message.use_candidate(),
            ));
        }
        BATCH
    })
}

pub fn build() -> Contender<'static> {
    let mut slab = [0; 256];
    Contender::new("is", move || {
        for _ in 0..BATCH {
            let id = TransId::new();
            let message = StunMessage::binding_request(USERNAME, id, true, TIE_BREAKER, PRIORITY, true);
            let length = message.to_bytes(Some(PASSWORD.as_bytes()), &mut slab, hmac).expect("room");
            black_box(&slab[..length]);
        }
        BATCH
    })
}
