//! The fuzz targets, each for a short while.

use crate::shell::{self, Outcome, is_installed, root, succeeds};
use clap::Args;
use std::fs;

/// Which targets, and for how long.
#[derive(Args)]
pub(crate) struct Options {
    /// How long each target runs, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// Build only.
    #[arg(long)]
    build: bool,
    /// The largest input, in bytes.
    #[arg(long, default_value_t = 4096)]
    max_len: u32,
    /// Memory a target may use, in MiB.
    #[arg(long, default_value_t = 1024)]
    memory: u32,
    /// The targets; all of fuzz/Cargo.toml when none is named.
    targets: Vec<String>,
}

/// Builds all targets once, then runs those that are asked for.
pub(crate) fn run(options: &Options) -> Outcome {
    install()?;
    let all = targets()?;
    if let Some(unknown) = options.targets.iter().find(|target| !all.contains(target)) {
        return Err(format!("there is no fuzz target {unknown}; there are {}", all.join(", ")));
    }
    // Address sanitising finds nothing in safe code and halves the speed.
    let flags = ["--fuzz-dir", "fuzz", "--sanitizer", "none"];
    shell::run("cargo", &[&["+nightly", "fuzz", "build"], flags.as_slice()].concat())?;
    if options.build {
        return Ok(());
    }
    let limits = [
        format!("-max_total_time={}", options.seconds),
        format!("-max_len={}", options.max_len),
        format!("-rss_limit_mb={}", options.memory),
        "-timeout=10".to_owned(),
        "-print_final_stats=1".to_owned(),
    ];
    let limits: Vec<_> = limits.iter().map(String::as_str).collect();
    for target in if options.targets.is_empty() { &all } else { &options.targets } {
        let corpora = corpora(target)?;
        let corpora: Vec<_> = corpora.iter().map(String::as_str).collect();
        let arguments =
            [&["+nightly", "fuzz", "run"], flags.as_slice(), &[target], &corpora, &["--"], &limits].concat();
        shell::run("cargo", &arguments)?;
    }
    Ok(())
}

/// Where a target's finds go, and if there are any, the seeds that are committed.
fn corpora(target: &str) -> Outcome<Vec<String>> {
    let finds = format!("fuzz/corpus/{target}");
    fs::create_dir_all(root().join(&finds)).map_err(|error| format!("{finds}: {error}"))?;
    let seeds = format!("fuzz/seeds/{target}");
    let seeds = Some(seeds).filter(|seeds| root().join(seeds).is_dir());
    Ok([finds].into_iter().chain(seeds).collect())
}

fn install() -> Outcome {
    if !succeeds("cargo", &["+nightly", "--version"]) {
        shell::run("rustup", &["toolchain", "install", "nightly", "--profile", "minimal"])?;
    }
    if !is_installed("cargo-fuzz") && !succeeds("cargo", &["fuzz", "--version"]) {
        shell::run("cargo", &["install", "cargo-fuzz", "--locked"])?;
    }
    Ok(())
}

/// The names of the `[[bin]]`s of fuzz/Cargo.toml.
fn targets() -> Outcome<Vec<String>> {
    let manifest = root().join("fuzz/Cargo.toml");
    let text = fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
    let mut names = Vec::new();
    for section in text.split("[[bin]]").skip(1) {
        let name = section.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        names.extend(name.map(str::to_owned));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_its_file() {
        for target in targets().unwrap() {
            let file = root().join(format!("fuzz/fuzz_targets/{target}.rs"));
            assert!(file.is_file(), "{}", file.display());
        }
    }
}
