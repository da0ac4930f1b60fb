//! A network of the test's own, to change its addresses in.

use std::process::Command;

const INSIDE: &str = "SENDRECV_OWN_NETWORK";

/// Runs the test that is called `test` again, in a network namespace with nothing but loopback and the interface `lan0`,
/// and there does `work`. Where the system does not allow that (it takes Linux, and root or user namespaces), it says so
/// and does nothing.
///
/// # Panics
/// When the test fails.
pub fn in_own_network(test: &str, work: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        ip("link set lo up");
        ip("link add lan0 type veth peer name lan1");
        ip("link set lan1 up");
        ip("link set lan0 up");
        return work();
    }
    let program = std::env::current_exe().unwrap();
    for how in [&["--net"][..], &["--user", "--map-root-user", "--net"][..]] {
        let is_allowed = Command::new("unshare").args(how).args(["ip", "link", "set", "lo", "up"]).output();
        if is_allowed.is_ok_and(|output| output.status.success()) {
            let mut again = Command::new("unshare");
            again.args(how).arg(&program).args([test, "--exact", "--nocapture"]).env(INSIDE, "1");
            assert!(again.status().unwrap().success(), "{test} failed in its own network");
            return;
        }
    }
    eprintln!("{test}: skipped, this system gives no network namespace");
}

/// Runs `ip` with these words.
///
/// # Panics
/// When it fails.
pub fn ip(words: &str) {
    let output = Command::new("ip").args(words.split_whitespace()).output().unwrap();
    assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
}
