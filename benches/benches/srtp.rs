//! SRTP alone: packets per second of each profile, protected and unprotected, beside rtc-srtp and beside what the
//! ciphers alone can do (`limit-…`: the same bytes, no headers, no replay window).
//!
//! Every contender copies each packet into a working buffer first: a packet can be protected or received only once.

use aes::cipher::{InnerIvInit, StreamCipher, StreamCipherCoreWrapper};
use aes_gcm::aead::{AeadInOut, KeyInit};
use hmac::Mac;
use sendrecv_benches::{Contender, Metric, Report, compare};
use sendrecv_core::{PacketBuf, Writer};
use sendrecv_crypto::{CryptoProvider, aws_lc_rs, rustcrypto};
use sendrecv_srtp::{MasterKey, Options, Receiver, Sender, SrtpProfile, TAILROOM};
use std::hint::black_box;

const HEADER: usize = 12;
/// Packets per portion: few enough to stay in the second-level cache.
const BATCH: usize = 512;
const ROUNDS: usize = 7;

fn main() {
    let mut report = Report::from_arguments("srtp");
    for (name, profile) in [
        ("gcm128", SrtpProfile::AeadAes128Gcm),
        ("gcm256", SrtpProfile::AeadAes256Gcm),
        ("cm80", SrtpProfile::Aes128CmSha1_80),
    ] {
        for payload in [1200, 160] {
            let plain = packets(payload, 1);
            let mut protect = vec![
                ours_protect(rustcrypto(), profile, &plain, 1),
                ours_protect(aws_lc_rs(), profile, &plain, 1),
            ];
            let mut unprotect = vec![
                ours_unprotect(rustcrypto(), profile, &plain),
                ours_unprotect(aws_lc_rs(), profile, &plain),
            ];
            protect.extend(limits(profile, &plain, true));
            unprotect.extend(limits(profile, &plain, false));
            protect.push(rtc_protect(profile, &plain, 1));
            unprotect.push(rtc_unprotect(profile, &plain));
            compare(&mut report, &format!("{name}/{payload}/protect"), Metric::Packets, 1.0, ROUNDS, protect);
            compare(
                &mut report,
                &format!("{name}/{payload}/unprotect"),
                Metric::Packets,
                1.0,
                ROUNDS,
                unprotect,
            );
        }
    }
    many_sources(&mut report);
    report.finish();
}

/// What the number of SSRCs does to the cost of a packet.
fn many_sources(report: &mut Report) {
    let profile = SrtpProfile::AeadAes128Gcm;
    for sources in [1, 50, 1000, 4000] {
        let plain = packets(1200, sources);
        let contenders = vec![
            ours_protect(rustcrypto(), profile, &plain, sources),
            ours_protect(aws_lc_rs(), profile, &plain, sources),
            rtc_protect(profile, &plain, sources),
        ];
        let case = format!("gcm128/1200/protect/{sources}-sources");
        compare(report, &case, Metric::Packets, 1.0, ROUNDS, contenders);
    }
}

/// A batch of packets of `sources` in turn, each with consecutive sequence numbers.
fn packets(payload: usize, sources: usize) -> Vec<Vec<u8>> {
    let packet = |number: usize| {
        let (sequence, source) = (number / sources, number % sources);
        let mut packet = vec![0x80, 96, (sequence >> 8) as u8, sequence as u8, 0x12, 0x34, 0x56, 0x78];
        packet.extend((source as u32).wrapping_mul(0x9e37_79b1).to_be_bytes());
        packet.extend((0..payload).map(|index| index as u8));
        packet
    };
    (0..sources * per_source(sources)).map(packet).collect()
}

/// How many packets of each source are in a batch.
fn per_source(sources: usize) -> usize {
    (BATCH / sources).max(1)
}

/// Gives the packets the sequence numbers that follow theirs.
fn renumber(packets: &mut [Vec<u8>], sources: usize) {
    for packet in packets {
        let sequence = u16::from_be_bytes([packet[2], packet[3]]).wrapping_add(per_source(sources) as u16);
        packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    }
}

fn master(profile: SrtpProfile) -> (Vec<u8>, Vec<u8>) {
    (vec![1; profile.key_len()], vec![2; profile.salt_len()])
}

fn sender(provider: &dyn CryptoProvider, profile: SrtpProfile) -> Sender {
    let (key, salt) = master(profile);
    Sender::new(provider, profile, &MasterKey::new(&key, &salt), &Options::default())
        .expect("key lengths fit")
}

fn protected(plain: &[Vec<u8>], profile: SrtpProfile) -> Vec<Vec<u8>> {
    let mut sender = sender(rustcrypto(), profile);
    let mut slab = [0; 2048];
    let mut protect = |plain: &Vec<u8>| {
        let mut packet = PacketBuf::new(&mut slab, 0, TAILROOM);
        packet.put(plain).expect("room");
        sender.protect(&mut packet).expect("fresh");
        packet.bytes().to_vec()
    };
    plain.iter().map(&mut protect).collect()
}

fn ours_protect(
    provider: &'static dyn CryptoProvider,
    profile: SrtpProfile,
    plain: &[Vec<u8>],
    sources: usize,
) -> Contender<'static> {
    let mut sender = sender(provider, profile);
    let mut plain = plain.to_vec();
    let mut slab = [0; 2048];
    Contender::new(&format!("sendrecv-{}", provider.name()), move || {
        for plain in &plain {
            let mut packet = PacketBuf::new(&mut slab, 0, TAILROOM);
            packet.put(plain).expect("room");
            sender.protect(&mut packet).expect("fresh");
            black_box(packet.bytes());
        }
        renumber(&mut plain, sources);
        plain.len() as u64
    })
}

/// Every batch has a new receiver, as a batch may be received once.
fn ours_unprotect(
    provider: &'static dyn CryptoProvider,
    profile: SrtpProfile,
    plain: &[Vec<u8>],
) -> Contender<'static> {
    let packets = protected(plain, profile);
    let (key, salt) = master(profile);
    let mut slab = [0; 2048];
    Contender::new(&format!("sendrecv-{}", provider.name()), move || {
        let master = MasterKey::new(&key, &salt);
        let mut receiver =
            Receiver::new(provider, profile, &master, &Options::default()).expect("key lengths fit");
        for packet in &packets {
            let datagram = &mut slab[..packet.len()];
            datagram.copy_from_slice(packet);
            black_box(receiver.unprotect(datagram).expect("authentic").len());
        }
        BATCH as u64
    })
}

/// What the ciphers alone do with the same bytes.
fn limits(profile: SrtpProfile, plain: &[Vec<u8>], seal: bool) -> Vec<Contender<'static>> {
    let plain = plain.to_vec();
    match profile {
        SrtpProfile::AeadAes128Gcm => gcm::<aes_gcm::Aes128Gcm>(&aws_lc_rs::aead::AES_128_GCM, plain, seal),
        SrtpProfile::AeadAes256Gcm => gcm::<aes_gcm::Aes256Gcm>(&aws_lc_rs::aead::AES_256_GCM, plain, seal),
        _ => counter_mode(plain),
    }
}

fn gcm<C: AeadInOut + KeyInit + 'static>(
    algorithm: &'static aws_lc_rs::aead::Algorithm,
    plain: Vec<Vec<u8>>,
    seal: bool,
) -> Vec<Contender<'static>> {
    use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce, UnboundKey};
    let key = vec![1; C::key_size()];
    let nonce = [3; 12];
    let cipher = C::new_from_slice(&key).expect("key length fits");
    let aws = LessSafeKey::new(UnboundKey::new(algorithm, &key).expect("key length fits"));
    let sealed: Vec<(Vec<u8>, _)> = plain
        .iter()
        .map(|packet| {
            let mut packet = packet.clone();
            let (header, payload) = packet.split_at_mut(HEADER);
            let nonce = nonce.as_slice().try_into().expect("12 bytes");
            let tag = cipher.encrypt_inout_detached(nonce, header, payload.into()).expect("short");
            (packet, tag)
        })
        .collect();
    let ours = sealed.clone();
    let mut slab = [0; 2048];
    let rustcrypto = Contender::new("limit-rustcrypto", move || {
        for (packet, tag) in &ours {
            let (header, payload) = fresh(&mut slab, packet);
            let nonce = nonce.as_slice().try_into().expect("12 bytes");
            if seal {
                black_box(cipher.encrypt_inout_detached(nonce, header, payload.into()).expect("short"));
            } else {
                cipher.decrypt_inout_detached(nonce, header, payload.into(), tag).expect("authentic");
            }
        }
        BATCH as u64
    });
    let mut slab = [0; 2048];
    let aws_lc = Contender::new("limit-aws-lc-rs", move || {
        for (packet, tag) in &sealed {
            let (header, payload) = fresh(&mut slab, packet);
            let (nonce, aad) = (Nonce::assume_unique_for_key(nonce), Aad::from(&*header));
            if seal {
                black_box(aws.seal_in_place_separate_tag(nonce, aad, payload).expect("short").as_ref());
            } else {
                aws.open_in_place_separate_tag(nonce, aad, tag, payload).expect("authentic");
            }
        }
        BATCH as u64
    });
    vec![rustcrypto, aws_lc]
}

/// Counter mode and HMAC cost the same in both directions.
fn counter_mode(plain: Vec<Vec<u8>>) -> Vec<Contender<'static>> {
    use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
    let (iv, roc) = ([3; 16], [0; 4]);
    let cipher = <aes::Aes128 as KeyInit>::new(&[1; 16].into());
    let mac = <hmac::Hmac<sha1::Sha1> as KeyInit>::new_from_slice(&[2; 20]).expect("any length");
    let packets = plain.clone();
    let mut slab = [0; 2048];
    let rustcrypto = Contender::new("limit-rustcrypto", move || {
        for packet in &packets {
            let (_, payload) = fresh(&mut slab, packet);
            let core =
                ctr::CtrCore::<&aes::Aes128, ctr::flavors::Ctr128BE>::inner_iv_init(&cipher, &iv.into());
            StreamCipherCoreWrapper::from_core(core).apply_keystream(payload);
            let mut mac = mac.clone();
            mac.update(&slab[..packet.len()]);
            mac.update(&roc);
            black_box(mac.finalize().into_bytes());
        }
        BATCH as u64
    });
    let key = UnboundCipherKey::new(&AES_128, &[1; 16]).expect("key length fits");
    let stream = EncryptingKey::ctr(key).expect("a mode of AES");
    let mac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &[2; 20]);
    let mut slab = [0; 2048];
    let aws_lc = Contender::new("limit-aws-lc-rs", move || {
        for packet in &plain {
            let (_, payload) = fresh(&mut slab, packet);
            stream.less_safe_encrypt(payload, EncryptionContext::Iv128((&iv).into())).expect("any length");
            let mut mac = aws_lc_rs::hmac::Context::with_key(&mac);
            mac.update(&slab[..packet.len()]);
            mac.update(&roc);
            black_box(mac.sign());
        }
        BATCH as u64
    });
    vec![rustcrypto, aws_lc]
}

/// A copy of `packet` in `slab`, as header and payload.
fn fresh<'s>(slab: &'s mut [u8], packet: &[u8]) -> (&'s mut [u8], &'s mut [u8]) {
    slab[..packet.len()].copy_from_slice(packet);
    slab[..packet.len()].split_at_mut(HEADER)
}

fn rtc_context(profile: SrtpProfile) -> rtc_srtp::context::Context {
    use rtc_srtp::protection_profile::ProtectionProfile;
    let theirs = match profile {
        SrtpProfile::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
        SrtpProfile::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
        _ => ProtectionProfile::Aes128CmHmacSha1_80,
    };
    let (key, salt) = master(profile);
    let crypto = rtc_srtp::crypto::providers::RingCrypto;
    rtc_srtp::context::Context::new(&key, &salt, theirs, None, None, &crypto).expect("key lengths fit")
}

fn rtc_protect(profile: SrtpProfile, plain: &[Vec<u8>], sources: usize) -> Contender<'static> {
    let mut context = rtc_context(profile);
    let mut plain = plain.to_vec();
    let mut slab = [0; 2048];
    Contender::new("rtc-ring", move || {
        for plain in &plain {
            let packet = &mut slab[..plain.len()];
            packet.copy_from_slice(plain);
            black_box(context.encrypt_rtp(packet).expect("fresh"));
        }
        renumber(&mut plain, sources);
        plain.len() as u64
    })
}

fn rtc_unprotect(profile: SrtpProfile, plain: &[Vec<u8>]) -> Contender<'static> {
    let packets = protected(plain, profile);
    let mut slab = [0; 2048];
    Contender::new("rtc-ring", move || {
        let mut context = rtc_context(profile);
        for packet in &packets {
            let datagram = &mut slab[..packet.len()];
            datagram.copy_from_slice(packet);
            black_box(context.decrypt_rtp(datagram).expect("authentic"));
        }
        BATCH as u64
    })
}
