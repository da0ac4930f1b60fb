//! STUN and ICE alone: a connectivity check read and verified, and written and signed, beside the other crates that do
//! STUN; agents with many pairs; agents that idle.
//!
//! The check is what a browser sends: USERNAME, PRIORITY, ICE-CONTROLLING, USE-CANDIDATE, MESSAGE-INTEGRITY,
//! FINGERPRINT. Every contender prepares of its key what its interface lets it prepare, reads all four attributes, and
//! verifies the integrity; FINGERPRINT is verified by all but `is`, which ignores it.

mod agents;
mod is_contender;
mod ours;
mod rtc_contender;
mod stun_rs_contender;
mod types_contender;

use sendrecv_benches::{Metric, Report, compare};
use sendrecv_crypto::{aws_lc_rs, rustcrypto};

/// The receiver's password.
const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt19";
const USERNAME: &str = "h6vYj8Kq:9b4cPq2X";
const PRIORITY: u32 = 1_853_824_767;
const TIE_BREAKER: u64 = 0x932f_f9b1_5126_3b36;
/// Messages per portion.
const BATCH: u64 = 1000;
const ROUNDS: usize = 9;

fn main() {
    let mut report = Report::from_arguments("stun");
    let check = ours::check();
    let parse = vec![
        ours::parse(rustcrypto(), &check),
        ours::parse(aws_lc_rs(), &check),
        is_contender::parse(&check),
        rtc_contender::parse(&check),
        types_contender::parse(&check),
        stun_rs_contender::parse(&check),
    ];
    compare(&mut report, "check/parse+verify", Metric::Messages, 1.0, ROUNDS, parse);
    let build = vec![
        ours::build(rustcrypto()),
        ours::build(aws_lc_rs()),
        is_contender::build(),
        rtc_contender::build(),
        types_contender::build(),
        stun_rs_contender::build(),
    ];
    compare(&mut report, "check/build+sign", Metric::Messages, 1.0, ROUNDS, build);
    agents::many_pairs(&mut report);
    agents::idle(&mut report);
    report.finish();
}
