//! A tokio host for sendrecv peer connections.
#![forbid(unsafe_code)]
