//! Seeds: which ones a test runs, and how a failing one is run again.

use std::env;
use std::ops::Range;

/// Whether `SENDRECV_DEEP` asks for the wide grids.
pub fn is_deep() -> bool {
    env::var_os("SENDRECV_DEEP").is_some_and(|value| value != "0")
}

/// The seeds a test is to run: the one in `SENDRECV_SEED` if set, else `0..quick`, or `0..deep` with `SENDRECV_DEEP`.
pub fn seeds(quick: u64, deep: u64) -> Range<u64> {
    match chosen_seed() {
        Some(seed) => seed..seed.saturating_add(1),
        None => 0..if is_deep() { deep } else { quick },
    }
}

/// Runs `test` for each of [`seeds`]. When it panics, one command that runs the failing seed again is printed.
pub fn for_each_seed(quick: u64, deep: u64, mut test: impl FnMut(u64)) {
    for seed in seeds(quick, deep) {
        let _replay = Replay { seed };
        test(seed);
    }
}

fn chosen_seed() -> Option<u64> {
    let text = env::var("SENDRECV_SEED").ok()?;
    match text.parse() {
        Ok(seed) => Some(seed),
        Err(error) => {
            eprintln!("SENDRECV_SEED={text} is ignored: {error}");
            None
        }
    }
}

/// Prints the replay command if the test panics while this lives.
struct Replay {
    seed: u64,
}

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", command(self.seed));
        }
    }
}

/// The command that runs this seed of the current test again.
fn command(seed: u64) -> String {
    let package = env::var("CARGO_PKG_NAME").unwrap_or_else(|_| "<package>".to_owned());
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("<test>");
    format!("to replay: SENDRECV_SEED={seed} cargo test -p {package} {test} -- --exact --nocapture")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_replay_command_names_the_seed_and_the_test() {
        let text = command(17);
        assert!(text.contains("SENDRECV_SEED=17 cargo test -p sendrecv-sim "), "{text}");
        assert!(text.contains("the_replay_command_names_the_seed_and_the_test"), "{text}");
    }
}
