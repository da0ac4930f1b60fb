//! Asking the local network for an address.

use super::group::Member;
use super::message::{addresses, question};
use std::io;
use std::net::IpAddr;
use std::time::Duration;

/// The pause before the question is repeated.
const REPEAT: Duration = Duration::from_millis(500);
/// How long one socket is listened to before the other.
const GLANCE: Duration = Duration::from_millis(25);

/// Asks the local network for `name` until someone answers, at most for `patience`.
pub(crate) fn query(name: &str, patience: Duration) -> io::Result<Vec<IpAddr>> {
    let question = question(name)?;
    let members: Vec<Member> =
        [false, true].into_iter().filter_map(|is_v6| Member::join(is_v6).ok()).collect();
    let mut buffer = vec![0; 9000];
    for _ in 0..patience.as_millis().div_ceil(REPEAT.as_millis()) {
        members.iter().for_each(|member| member.multicast(&question));
        for _ in 0..REPEAT.as_millis() / GLANCE.as_millis() {
            for member in &members {
                let heard = member.receive(&mut buffer, GLANCE / 2)?.map_or(0, |(len, _)| len);
                let message = buffer.get(..heard).unwrap_or_default();
                let found = addresses(message, name).unwrap_or_default();
                if !found.is_empty() {
                    return Ok(found);
                }
            }
        }
    }
    Err(io::Error::new(io::ErrorKind::NotFound, format!("nobody on the local network answers for {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_an_error_that_names_the_name() {
        let error = query("nobody-has-this-name.local", Duration::from_millis(500)).unwrap_err();
        assert!(error.to_string().contains("nobody-has-this-name.local"), "{error}");
    }
}
