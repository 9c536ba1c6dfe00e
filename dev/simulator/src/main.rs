//! The simulator as a process.
fn main() {}
