//! The `oms-operator` binary: reads the command line and does what it says.

use std::process::ExitCode;

use clap::Parser as _;
use oms_operator::cli;

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
