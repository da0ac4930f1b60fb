#![allow(
    warnings,
    macro_expanded_macro_exports_accessed_by_absolute_paths,
    reason = "this is other people's source"
)]

include!(concat!(env!("OUT_DIR"), "/lib.rs"));
