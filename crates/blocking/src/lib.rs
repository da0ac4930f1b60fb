//! A plain-thread host for sendrecv peer connections, without an async runtime.
#![forbid(unsafe_code)]
