//! Helpers shared by the tests of this package.
#![deny(unsafe_code)]
