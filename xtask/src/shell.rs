//! Running other programs, from the root of the workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What went wrong, in words for the person who ran the task.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Runs a program with its output shown; its failure is ours.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Outcome {
    run_in(&root(), program, arguments)
}

/// [`run`] in another folder.
pub(crate) fn run_in(folder: &Path, program: &str, arguments: &[&str]) -> Outcome {
    let line = [&[program], arguments].concat().join(" ");
    eprintln!("$ {line}");
    let status = Command::new(program).args(arguments).current_dir(folder).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}`: {status}")),
        Err(error) => Err(format!("`{line}`: {error}")),
    }
}

/// Whether a command runs successfully; its output is not shown.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether a program is installed.
pub(crate) fn is_installed(program: &str) -> bool {
    let usual = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain(usual).any(|folder| folder.join(program).is_file())
}
