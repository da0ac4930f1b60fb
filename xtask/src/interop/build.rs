//! Builds the programs of ours around other people's libraries.

use super::install::is_newer;
use crate::shell::{self, Outcome, root, run_in};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Programs in C, and the libraries they are linked with.
const C: [(&str, &str); 2] =
    [("usrsctp", "-lusrsctp -lpthread"), ("nice", "$(pkg-config --cflags --libs nice)")];

/// Where built peers lie: beside what cargo builds.
pub(super) fn folder() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("interop")
}

/// Builds those that are older than their sources.
pub(super) fn peers() -> Outcome {
    let (sources, folder) = (root().join("tests/interop/peers"), folder());
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    for (name, libraries) in C {
        compile(&sources.join(name).with_extension("c"), &folder.join(name), libraries)?;
    }
    pion(&sources.join("pion"), &folder)
}

fn compile(source: &Path, program: &Path, libraries: &str) -> Outcome {
    if is_newer(program, source) {
        return Ok(());
    }
    let line = format!("cc -O2 -Wall -Wextra -o '{}' '{}' {libraries}", program.display(), source.display());
    shell::run("sh", &["-c", &line])
}

/// Debian has Go's libraries as sources in one folder; nothing is downloaded.
fn pion(sources: &Path, folder: &Path) -> Outcome {
    let program = folder.join("pion");
    if ["main.go", "api.go"].iter().all(|file| is_newer(&program, &sources.join(file))) {
        return Ok(());
    }
    let (cache, output) =
        (format!("GOCACHE={}", folder.join("go-cache").display()), program.display().to_string());
    let environment = ["GO111MODULE=off", "GOPATH=/usr/share/gocode", &cache];
    run_in(sources, "env", &[&environment[..], &["go", "build", "-o", &output, "."]].concat())
}
