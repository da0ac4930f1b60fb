//! `sendrecv replay`: a recorded session once more.

use sendrecv::InputLog;
use std::path::Path;

pub(crate) fn run(file: &Path) -> Result<(), String> {
    let bytes = std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let log =
        InputLog::decode(&bytes).map_err(|error| format!("{} is no recording: {error}", file.display()))?;
    let report = sendrecv::replay(&log).map_err(|error| format!("the recording does not replay: {error}"))?;
    println!(
        "identical: {} inputs, {} datagrams out, {} bytes, hash {:016x}",
        report.inputs, report.datagrams, report.bytes, report.hash
    );
    Ok(())
}
