//! The program against real peers.

use crate::shell::{self, Outcome, is_installed, root, run_in, succeeds};
use clap::Args;
use std::fs;

/// Which cases to run.
#[derive(Args)]
pub(crate) struct Options {
    /// Only cases against this peer, e.g. `chromium` or `firefox`.
    #[arg(long)]
    browser: Option<String>,
    /// Only cases whose name contains this.
    #[arg(long)]
    filter: Option<String>,
    /// Print the names of the cases instead of running them.
    #[arg(long)]
    list: bool,
}

/// A program that the cases need, and the Debian package that has it.
const PROGRAMS: [(&str, &str); 9] = [
    ("chromium", "chromium"),
    ("firefox-esr", "firefox-esr"),
    ("turnserver", "coturn"),
    ("openssl", "openssl"),
    ("gnutls-cli", "gnutls-bin"),
    ("certutil", "libnss3-tools"),
    ("ip", "iproute2"),
    ("node", "nodejs"),
    ("npm", "npm"),
];

/// Installs what is missing, builds the program and runs the cases. A peer that cannot be had is an error.
pub(crate) fn run(options: &Options) -> Outcome {
    install_programs()?;
    install_drivers()?;
    if !options.list {
        shell::run("cargo", &["build", "--release", "--package", "sendrecv-cli"])?;
        shell::run("cargo", &["build", "--release", "--package", "sendrecv-dtls", "--example", "dtls_peer"])?;
    }
    let mut arguments = vec!["tests/interop/run.mjs"];
    for (name, value) in [("--browser", &options.browser), ("--filter", &options.filter)] {
        if let Some(value) = value {
            arguments.extend([name, value]);
        }
    }
    if options.list {
        arguments.push("--list");
    }
    shell::run("node", &arguments)
}

fn install_programs() -> Outcome {
    let missing = || PROGRAMS.iter().filter(|(program, _)| !is_installed(program));
    let packages: Vec<_> = missing().map(|(_, package)| *package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    if !is_installed("apt-get") {
        return Err(format!("please install {}; there is no apt-get here to do it", packages.join(", ")));
    }
    apt_get(&["update", "--quiet"])?;
    apt_get(&[&["install", "--yes", "--quiet", "--no-install-recommends"], packages.as_slice()].concat())?;
    match missing().next() {
        Some((program, package)) => Err(format!("{package} is installed, and still there is no {program}")),
        None => Ok(()),
    }
}

fn apt_get(arguments: &[&str]) -> Outcome {
    let interactive = [&["DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat();
    match succeeds("test", &["-w", "/var/lib/dpkg"]) {
        true => shell::run("env", &interactive),
        false => shell::run("sudo", &[&["env"], interactive.as_slice()].concat()),
    }
}

/// Installs the JavaScript that drives the browsers, unless it is there and as new as its lock file.
fn install_drivers() -> Outcome {
    let folder = root().join("tests/interop");
    let modified = |path: &str| fs::metadata(folder.join(path)).and_then(|data| data.modified()).ok();
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_some() && installed >= modified("package-lock.json") {
        return Ok(());
    }
    run_in(&folder, "npm", &["ci", "--no-audit", "--no-fund"])
}
