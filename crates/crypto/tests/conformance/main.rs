//! What every crypto provider must do, run against each provider that is compiled in.
#![allow(clippy::as_conversions, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod agreement;
mod derivation;
mod keyed;
mod signatures;
mod vectors;

/// One module of tests per provider.
macro_rules! suite {
    ($name:ident: $($module:ident::$test:ident),* $(,)?) => {
        mod $name {
            $(#[test]
            fn $test() {
                crate::$module::$test(sendrecv_crypto::$name());
            })*
        }
    };
}

macro_rules! suite_for {
    ($name:ident $(, $module:ident::$test:ident)* $(,)?) => {
        suite! { $name:
            $($module::$test,)*
            keyed::aes_gcm_agrees_with_wycheproof,
            keyed::chacha20_poly1305_agrees_with_wycheproof,
            keyed::hmac_agrees_with_wycheproof,
            keyed::hmac_verifies_truncated_tags_but_not_short_ones,
            keyed::hashes_agree_with_known_answers,
            keyed::a_forked_hash_goes_its_own_way,
            keyed::aes_and_its_counter_mode_agree_with_rfc3711,
            keyed::counter_mode_takes_any_length,
            keyed::the_chacha20_mask_is_the_keystream_block,
            keyed::what_is_sealed_opens_unless_touched,
            keyed::parts_are_hashed_as_one,
            keyed::keys_of_wrong_length_are_refused,
            derivation::hkdf_agrees_with_rfc5869,
            derivation::hkdf_agrees_with_wycheproof,
            derivation::hkdf_labels_agree_with_rfc8448,
            derivation::hkdf_refuses_what_its_fields_cannot_hold,
            derivation::the_tls12_prf_agrees_with_published_vectors,
            agreement::p256_agrees_with_wycheproof,
            agreement::p384_agrees_with_wycheproof,
            agreement::x25519_agrees_with_wycheproof,
            agreement::both_sides_of_every_group_agree,
            agreement::every_group_refuses_malformed_shares,
            agreement::the_hybrid_refuses_an_encapsulation_key_out_of_range,
            agreement::private_shares_out_of_range_are_refused,
            signatures::ecdsa_p256_agrees_with_wycheproof,
            signatures::ecdsa_p384_agrees_with_wycheproof,
            signatures::rsa_pkcs1_agrees_with_wycheproof,
            signatures::rsa_pss_agrees_with_wycheproof,
            signatures::rsa_takes_every_hash,
            signatures::a_generated_key_signs_exports_and_imports,
            signatures::keys_made_by_openssl_sign_and_verify,
            signatures::ecdsa_takes_the_hash_of_the_scheme_and_the_curve_of_the_key,
            signatures::a_key_signs_only_with_its_own_schemes,
            signatures::compressed_points_are_refused,
        }
    };
}

/// What providers beside that must do, whose every byte comes from the seed.
macro_rules! deterministic_suite_for {
    ($name:ident) => {
        suite_for! { $name,
            agreement::equal_seeds_give_equal_shares,
            agreement::every_provider_draws_the_same_shares,
            signatures::p256_signing_is_that_of_rfc6979,
            signatures::every_provider_makes_the_same_p256_signatures,
            signatures::a_key_signs_the_same_again,
        }
    };
}

deterministic_suite_for!(rustcrypto);
#[cfg(feature = "aws-lc-rs")]
deterministic_suite_for!(aws_lc_rs);
#[cfg(feature = "aws-lc-rs")]
suite_for! { aws_lc_rs_own_entropy,
    agreement::equal_seeds_give_other_shares,
    agreement::its_shares_agree_with_those_of_the_others,
    signatures::a_key_signs_differently_again,
}
