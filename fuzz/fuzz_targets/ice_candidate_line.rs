#![no_main]

use libfuzzer_sys::fuzz_target;
use sendrecv_ice::Candidate;

// What parses prints, and parses back to the same.
fuzz_target!(|line: &str| {
    if let Ok(candidate) = line.parse::<Candidate>() {
        assert_eq!(candidate.to_string().parse(), Ok(candidate));
    }
});
