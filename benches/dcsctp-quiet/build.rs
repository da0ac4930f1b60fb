//! Writes the published source of dcsctp to the output folder, without the two calls that make a hexadecimal text of
//! every packet, whether or not anybody logs it. They cost twenty times what the protocol does, and would make the
//! comparison worthless.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const DUMP: &str = "log_packet(&self.name";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let source = published_source();
    let target = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let dumps = copy(&source, &target);
    assert_eq!(dumps, 2, "another version of dcsctp dumps packets elsewhere");
}

/// Where cargo keeps the source.
fn published_source() -> PathBuf {
    let cargo = env::var_os("CARGO").expect("cargo sets it");
    let output = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--offline"])
        .output()
        .expect("cargo runs");
    let metadata = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let manifests = metadata.split("\"manifest_path\":\"").skip(1);
    let mut paths = manifests.filter_map(|rest| rest.split('"').next());
    let manifest = paths.find(|path| path.ends_with("dcsctp-0.1.16/Cargo.toml")).expect("it is a dependency");
    Path::new(manifest).with_file_name("src")
}

/// Copies a folder of Rust source; returns how many dumps were left out.
fn copy(from: &Path, to: &Path) -> usize {
    fs::create_dir_all(to).expect("the output folder can be written");
    let mut dumps = 0;
    for entry in fs::read_dir(from).expect("the source can be read") {
        let path = entry.expect("the source can be read").path();
        let target = to.join(path.file_name().expect("entries have names"));
        if path.is_dir() {
            dumps += copy(&path, &target);
            continue;
        }
        let text = fs::read_to_string(&path).expect("source is text");
        dumps += text.lines().filter(|line| line.contains(DUMP)).count();
        let kept: Vec<_> = text.lines().filter(|line| !line.contains(DUMP)).collect();
        fs::write(&target, kept.join("\n")).expect("the output folder can be written");
    }
    dumps
}
