//! Builds libraries in C from the sources that crates carry along: Debian's packages of them lack what the cases are about.

use super::build::folder;
use super::install::is_newer;
use crate::shell::{self, Outcome, root};
use std::fs;
use std::path::PathBuf;

/// A library, and how to use it.
pub(super) struct Library {
    /// Its name and that of the program around it.
    pub(super) name: &'static str,
    /// Where it lies among the crates.
    folder: &'static str,
    /// Its files.
    files: &'static [&'static str],
    /// Folders of its own to look for headers in.
    includes: &'static [&'static str],
    /// What it is configured with.
    defines: &'static str,
}

/// The libraries of the DTLS peers.
pub(super) const LIBRARIES: [Library; 2] = [
    Library {
        name: "mbedtls",
        folder: "mbedtls-rs-sys/mbedtls",
        files: &["library/*.c"],
        includes: &["include", "library"],
        defines: "-DMBEDTLS_SSL_DTLS_SRTP",
    },
    Library {
        name: "wolfssl",
        folder: "wolfssl-sys/wolfssl-src",
        files: &["src/*.c", "wolfcrypt/src/*.c"],
        includes: &["."],
        defines: "-DWOLFSSL_USER_SETTINGS",
    },
];

impl Library {
    /// What a compiler wants to know of it.
    pub(super) fn flags(&self) -> String {
        let from = crates().join(self.folder);
        let of = |include: &&str| format!("-isystem '{}'", from.join(include).display());
        let includes: Vec<_> = self.includes.iter().map(of).collect();
        format!("{} -I'{}' {}", self.defines, peers().display(), includes.join(" "))
    }

    /// The file to link with.
    pub(super) fn archive(&self) -> PathBuf {
        folder().join(format!("lib{}.a", self.name))
    }

    /// Builds it unless it is there, and newer than what it is made from. Warnings are its authors' business.
    fn build(&self, lists: &[PathBuf]) -> Outcome {
        let archive = self.archive();
        if lists.iter().all(|list| is_newer(&archive, list)) {
            return Ok(());
        }
        let objects = folder().join(format!("{}-objects", self.name));
        fs::create_dir_all(&objects)
            .map_err(|error| format!("cannot make {}: {error}", objects.display()))?;
        let from = crates().join(self.folder);
        let files: Vec<_> = self.files.iter().map(|files| format!("'{}'/{files}", from.display())).collect();
        let line = format!(
            "printf '%s\\0' {} | xargs -0 -P \"$(nproc)\" -n 8 cc -O1 -w {} -c && rm -f '{archive}' && ar rcs '{archive}' *.o",
            files.join(" "),
            self.flags(),
            archive = archive.display(),
        );
        shell::run_in(&objects, "sh", &["-c", &line])
    }
}

/// Takes the crates out of their archives, as their lock file has them, and builds the libraries in them.
pub(super) fn libraries() -> Outcome {
    let (list, settings) = (peers().join("sources/Cargo.lock"), peers().join("user_settings.h"));
    let (manifest, taken) = (list.with_extension("toml"), crates().join("taken"));
    if !is_newer(&taken, &list) {
        let [manifest, crates] = [&manifest, &crates()].map(|path| path.display().to_string());
        shell::run("cargo", &["vendor", "--quiet", "--locked", "--manifest-path", &manifest, &crates])?;
        fs::write(&taken, "").map_err(|error| format!("cannot write {}: {error}", taken.display()))?;
    }
    LIBRARIES.iter().try_for_each(|library| library.build(&[list.clone(), settings.clone()]))
}

fn crates() -> PathBuf {
    folder().join("crates")
}

fn peers() -> PathBuf {
    root().join("tests/interop/peers")
}
