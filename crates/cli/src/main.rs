//! The sendrecv program.
fn main() {}
