//! The `oms-operator` binary.
fn main() {}
