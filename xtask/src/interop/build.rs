//! Builds the programs of ours around other people's libraries.

use super::install::is_newer;
use super::sources;
use crate::shell::{self, Outcome, root, run_in};
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Programs in C, and the libraries of Debian's that they are linked with.
const C: [(&str, &str); 2] =
    [("usrsctp", "-lusrsctp -lpthread"), ("nice", "$(pkg-config --cflags --libs nice)")];

/// Where built peers lie: beside what cargo builds.
pub(super) fn folder() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    target.join("interop")
}

/// Builds those that are older than their sources.
pub(super) fn peers() -> Outcome {
    let (peers, folder) = (root().join("tests/interop/peers"), folder());
    fs::create_dir_all(&folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    for (name, libraries) in C {
        compile(&[peers.join(name).with_extension("c")], &folder.join(name), libraries)?;
    }
    sources::libraries()?;
    for library in &sources::LIBRARIES {
        let archive = library.archive();
        let made_from = [peers.join(library.name).with_extension("c"), peers.join("dtls.h"), archive.clone()];
        let flags = format!("'{}' {} -lm", archive.display(), library.flags());
        compile(&made_from, &folder.join(library.name), &flags)?;
    }
    pion(&peers.join("pion"), &folder)
}

/// Compiles the first of the files, unless the program is newer than all of them.
fn compile(made_from: &[PathBuf], program: &Path, flags: &str) -> Outcome {
    if made_from.iter().all(|file| is_newer(program, file)) {
        return Ok(());
    }
    let source = made_from.first().map(|file| file.display().to_string()).unwrap_or_default();
    let line = format!("cc -O2 -Wall -Wextra -o '{}' '{source}' {flags}", program.display());
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
