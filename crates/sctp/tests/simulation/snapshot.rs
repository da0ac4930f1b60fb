//! Text that is kept beside the tests, so that a change of behaviour shows as a difference.

use std::path::Path;

/// Compares with the file of this name in `tests/snapshots`, or writes it when `SENDRECV_BLESS` is set.
pub fn assert_snapshot(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    if std::env::var_os("SENDRECV_BLESS").is_some() {
        std::fs::write(&path, text).expect("the snapshot can be written");
        return;
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = kept.lines().zip(text.lines()).find(|(kept, new)| kept != new);
    assert!(
        kept == text,
        "{name} is no longer what it was; SENDRECV_BLESS=1 keeps the new one.\nfirst difference: {difference:#?}\n{text}"
    );
}
