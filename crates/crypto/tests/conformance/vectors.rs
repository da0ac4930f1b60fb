//! Reading the vectors.

use serde_json::Value;

/// Every case of `tests/vectors/<path>`.
pub(crate) fn load(path: &str) -> Vec<Value> {
    match document(path) {
        Value::Array(cases) => cases,
        other => panic!("{path} is no array: {other}"),
    }
}

pub(crate) fn document(path: &str) -> Value {
    serde_json::from_slice(&file(path)).unwrap()
}

/// The content of `tests/vectors/<path>`.
pub(crate) fn file(path: &str) -> Vec<u8> {
    let path = format!("{}/../../tests/vectors/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The bytes of a hexadecimal field; none when it is absent.
pub(crate) fn bytes(case: &Value, field: &str) -> Vec<u8> {
    case[field].as_str().map(|text| hex::decode(text).unwrap()).unwrap_or_default()
}

pub(crate) fn array<const N: usize>(case: &Value, field: &str) -> [u8; N] {
    bytes(case, field).try_into().unwrap()
}

pub(crate) fn is_valid(case: &Value) -> bool {
    case["result"] == "valid"
}

pub(crate) fn has_flag(case: &Value, flag: &str) -> bool {
    case["flags"].as_array().is_some_and(|flags| flags.iter().any(|found| found == flag))
}
