//! The `oms-operator` binary: reads the command line and does what it says.

use std::process::ExitCode;

use clap::Parser as _;
use oms_operator::cli;
use tikv_jemallocator::Jemalloc;

/// A sweep makes and drops a million small texts among those that stay, and the C library's allocator gives little
/// of that back: figures in docs/benchmarks.md.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    match cli::Cli::parse().execute() {
        Ok(code) => code,
        Err(error) => {
            eprintln!(
                "oms-operator: {}",
                oms_operator::controller::chain(error.as_ref())
            );
            ExitCode::FAILURE
        }
    }
}
