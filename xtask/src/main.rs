//! Tasks of the sendrecv workspace: `cargo xtask --help`.
#![forbid(unsafe_code)]

mod fuzz;
mod interop;
mod shell;
mod spec;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Tasks of the sendrecv workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run the program against real peers: browsers, coturn, OpenSSL, GnuTLS. Installs what is missing.
    Interop(interop::Options),
    /// Check that what spec-notes/ claims exists in the sources, and print the coverage.
    Spec(spec::Options),
    /// Build the fuzz targets and run each for a short while.
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Interop(options) => interop::run(&options),
        Task::Spec(options) => spec::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
