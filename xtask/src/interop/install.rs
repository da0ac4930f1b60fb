//! Installs other people's programs and libraries: from Debian, npm and PyPI.

use super::build;
use crate::shell::{self, Outcome, is_installed, root, run_in, succeeds};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// A program that the cases need, and the Debian package that has it.
const PROGRAMS: [(&str, &str); 12] = [
    ("chromium", "chromium"),
    ("firefox-esr", "firefox-esr"),
    ("turnserver", "coturn"),
    ("openssl", "openssl"),
    ("gnutls-cli", "gnutls-bin"),
    ("certutil", "libnss3-tools"),
    ("ip", "iproute2"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("go", "golang-go"),
    ("cc", "gcc"),
    ("pkg-config", "pkg-config"),
];

/// Libraries, plugins and modules, by their Debian packages.
const LIBRARIES: [&str; 10] = [
    "libc6-dev",
    "libnice-dev",
    "libusrsctp-dev",
    "golang-github-pion-webrtc.v3-dev",
    "gstreamer1.0-plugins-good",
    "gstreamer1.0-plugins-bad",
    "gstreamer1.0-nice",
    "python3-gst-1.0",
    "gir1.2-gst-plugins-bad-1.0",
    "python3-venv",
];

/// Installs the Debian packages that are missing.
pub(super) fn packages() -> Outcome {
    let programs =
        || PROGRAMS.iter().filter(|(program, _)| !is_installed(program)).map(|(_, package)| *package);
    let libraries = || LIBRARIES.iter().copied().filter(|package| !is_unpacked(package));
    let missing: Vec<_> = programs().chain(libraries()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !is_installed("apt-get") {
        return Err(format!("please install {}; there is no apt-get here to do it", missing.join(", ")));
    }
    apt_get(&["update", "--quiet"])?;
    apt_get(&[&["install", "--yes", "--quiet", "--no-install-recommends"], missing.as_slice()].concat())?;
    match programs().chain(libraries()).next() {
        Some(package) => Err(format!("{package} was installed, and still it is not there")),
        None => Ok(()),
    }
}

fn is_unpacked(package: &str) -> bool {
    succeeds("dpkg", &["--status", package])
}

fn apt_get(arguments: &[&str]) -> Outcome {
    let interactive = [&["DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat();
    match succeeds("test", &["-w", "/var/lib/dpkg"]) {
        true => shell::run("env", &interactive),
        false => shell::run("sudo", &[&["env"], interactive.as_slice()].concat()),
    }
}

/// Installs the browsers' drivers and the stacks for Node, unless they are there and as new as their lock file.
pub(super) fn node_modules() -> Outcome {
    let folder = root().join("tests/interop");
    if is_newer(&folder.join("node_modules/.package-lock.json"), &folder.join("package-lock.json")) {
        return Ok(());
    }
    run_in(&folder, "npm", &["ci", "--no-audit", "--no-fund"])
}

/// Makes a virtual environment with the stacks for Python, unless it is there and as new as the list of them.
pub(super) fn python_modules() -> Outcome {
    let environment = build::folder().join("python");
    let (wanted, installed) =
        (root().join("tests/interop/peers/requirements.txt"), environment.join("requirements.txt"));
    if is_newer(&installed, &wanted) {
        return Ok(());
    }
    let [folder, pip, list] =
        [&environment, &environment.join("bin/pip"), &wanted].map(|path| path.display().to_string());
    shell::run("/usr/bin/python3", &["-m", "venv", "--clear", &folder])?;
    shell::run(
        &pip,
        &["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--requirement", &list],
    )?;
    fs::copy(&wanted, &installed)
        .map(drop)
        .map_err(|error| format!("cannot write {}: {error}", installed.display()))
}

/// Whether `made` is there and not older than what it was made from.
pub(super) fn is_newer(made: &Path, from: &Path) -> bool {
    let modified =
        |path: &Path| -> Option<SystemTime> { fs::metadata(path).and_then(|data| data.modified()).ok() };
    modified(made).is_some_and(|made| modified(from).is_some_and(|from| made >= from))
}
