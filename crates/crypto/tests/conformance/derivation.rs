//! HKDF and the TLS 1.2 PRF.

use crate::vectors::{bytes, document, is_valid, load};
use sendrecv_crypto::{CryptoError, CryptoProvider, HashAlgorithm, hkdf, tls12};

type Provider = &'static dyn CryptoProvider;

pub(crate) fn hkdf_agrees_with_rfc5869(provider: Provider) {
    for case in load("crypto/hkdf_rfc5869.json") {
        let hash = if case["hash"] == "sha1" { HashAlgorithm::Sha1 } else { HashAlgorithm::Sha256 };
        let key = hkdf::extract(provider, hash, &bytes(&case, "salt"), &bytes(&case, "ikm")).unwrap();
        assert_eq!(key.expose(), bytes(&case, "prk"));
        let mut out = bytes(&case, "okm");
        out.fill(0);
        hkdf::expand(provider, hash, key.expose(), &bytes(&case, "info"), &mut out).unwrap();
        assert_eq!(out, bytes(&case, "okm"));
    }
}

pub(crate) fn hkdf_agrees_with_wycheproof(provider: Provider) {
    for (name, hash) in [("sha256", HashAlgorithm::Sha256), ("sha384", HashAlgorithm::Sha384)] {
        for case in load(&format!("wycheproof/hkdf_{name}.json")) {
            let key = hkdf::extract(provider, hash, &bytes(&case, "salt"), &bytes(&case, "ikm")).unwrap();
            let mut out = vec![0; usize::try_from(case["size"].as_u64().unwrap()).unwrap()];
            let expanded = hkdf::expand(provider, hash, key.expose(), &bytes(&case, "info"), &mut out);
            assert_eq!(expanded.is_ok(), is_valid(&case), "{case}");
            assert!(expanded.is_err() || out == bytes(&case, "okm"), "{case}");
        }
    }
}

pub(crate) fn hkdf_labels_agree_with_rfc8448(provider: Provider) {
    for case in load("crypto/tls13_rfc8448.json") {
        if case.get("IKM").is_some() {
            let secret =
                hkdf::extract(provider, HashAlgorithm::Sha256, &bytes(&case, "salt"), &bytes(&case, "IKM"));
            assert_eq!(secret.unwrap().expose(), bytes(&case, "secret"), "{case}");
        }
        for (info, expanded) in
            [("info", "expanded"), ("key info", "key expanded"), ("iv info", "iv expanded")]
        {
            if case.get(info).is_some() {
                check_label(provider, &bytes(&case, "PRK"), &bytes(&case, info), &bytes(&case, expanded));
            }
        }
    }
}

/// Takes the HkdfLabel structure of the trace apart, so that ours must put it together again.
fn check_label(provider: Provider, secret: &[u8], info: &[u8], expanded: &[u8]) {
    let (label, context) = info[3..].split_at(usize::from(info[2]));
    let label = label.strip_prefix(b"tls13 ").unwrap();
    let mut out = vec![0; expanded.len()];
    hkdf::expand_label(provider, HashAlgorithm::Sha256, secret, b"tls13 ", label, &context[1..], &mut out)
        .unwrap();
    assert_eq!(out, expanded);
}

pub(crate) fn hkdf_refuses_what_its_fields_cannot_hold(provider: Provider) {
    let expand = |label: &[u8], context: &[u8], len| {
        let mut out = vec![0; len];
        hkdf::expand_label(provider, HashAlgorithm::Sha256, b"secret", b"dtls13", label, context, &mut out)
    };
    assert_eq!(expand(&[b'x'; 249], &[0; 255], 255 * 32), Ok(()));
    assert_eq!(expand(&[b'x'; 250], &[], 1), Err(CryptoError::Unsupported));
    assert_eq!(expand(&[], &[0; 256], 1), Err(CryptoError::Unsupported));
    assert_eq!(expand(&[], &[], 255 * 32 + 1), Err(CryptoError::Unsupported));
}

pub(crate) fn the_tls12_prf_agrees_with_published_vectors(provider: Provider) {
    let document = document("crypto/tls12_prf.json");
    let hash = |name: &str| if name == "sha384" { HashAlgorithm::Sha384 } else { HashAlgorithm::Sha256 };
    for case in document["prf"].as_array().unwrap() {
        let label = case["label"].as_str().unwrap().as_bytes();
        let seed = bytes(case, "seed");
        let (head, tail) = seed.split_at(5);
        let mut out = vec![0; bytes(case, "output").len()];
        let hash = hash(case["hash"].as_str().unwrap());
        tls12::prf(provider, hash, &bytes(case, "secret"), label, &[head, tail], &mut out).unwrap();
        assert_eq!(out, bytes(case, "output"));
    }
    for case in document["derived"].as_array().unwrap() {
        let (client, server) = (bytes(case, "client_random"), bytes(case, "server_random"));
        let mut out = [0; 60];
        let hash = hash(case["hash"].as_str().unwrap());
        let secret = bytes(case, "master_secret");
        tls12::prf(provider, hash, &secret, b"EXTRACTOR-dtls_srtp", &[&client, &server], &mut out).unwrap();
        assert_eq!(out.as_slice(), bytes(case, "exporter_dtls_srtp_60"));
    }
}
