//! The program against real peers.

mod build;
mod install;
mod sources;

use crate::shell::{self, Outcome};
use clap::Args;

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

/// Programs that put one crate by itself to the test.
const EXAMPLES: [(&str, &str); 3] =
    [("sendrecv-dtls", "dtls_peer"), ("sendrecv-ice", "signalled_agent"), ("sendrecv-sctp", "echo_client")];

/// Installs what is missing, builds the program and runs the cases. A peer that cannot be had is an error.
pub(crate) fn run(options: &Options) -> Outcome {
    install::packages()?;
    install::node_modules()?;
    if !options.list {
        install::python_modules()?;
        build::peers()?;
        shell::run("cargo", &["build", "--release", "--package", "sendrecv-cli"])?;
        for (package, example) in EXAMPLES {
            shell::run("cargo", &["build", "--release", "--package", package, "--example", example])?;
        }
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
