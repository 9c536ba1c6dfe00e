//! The operator as a process.

use std::path::Path;

use oms_harness::{Exit, Process};

use super::DEADLINE;
use super::oracle::assert_no_secret;

/// An operator's process.
pub struct Operator {
    process: Process,
}

impl Operator {
    /// `run` as the account of this kubeconfig, with waits as short as tests
    /// want them. A flag given takes the place of the one here.
    pub fn quick(kubeconfig: &Path, flags: &[&str]) -> Self {
        let kubeconfig = kubeconfig.to_string_lossy();
        let environment = [("KUBECONFIG", &*kubeconfig), ("RUST_LOG", "trace")];
        Self::spawn(&Self::arguments(flags), &environment)
    }

    /// The arguments of `quick`.
    pub fn arguments<'a>(flags: &[&'a str]) -> Vec<&'a str> {
        let mut arguments = vec![
            "run",
            "--health-addr=127.0.0.1:0",
            "--metrics-addr=127.0.0.1:0",
            "--min-sweep-interval=200ms",
            "--secret-interval=500ms",
            "--create-quarantine=2s",
            "--create-quarantine-replied=1s",
            "--oms-connect-timeout=1s",
            "--oms-read-timeout=2s",
            "--oms-mutation-timeout=3s",
            "--max-backoff=2s",
        ];
        let name = |flag: &str| flag.split('=').next().map(str::to_owned);
        arguments.retain(|one| flags.iter().all(|own| name(own) != name(one)));
        arguments.extend_from_slice(flags);
        arguments
    }

    /// The binary with these arguments.
    pub fn spawn(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::of(env!("CARGO_BIN_EXE_oms-operator"), arguments, environment)
    }

    /// A program that becomes the binary.
    pub fn of(program: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let process = Process::spawn("operator", program, arguments, environment);
        Self {
            process: process.expect("the operator"),
        }
    }

    /// SIGTERM at the end of a test: it ends well, and has told no secret.
    pub(super) async fn end(self) {
        if let Some(answer) = self.ask("/metrics").await {
            assert_no_secret("a metric", &answer.body);
        }
        let exit = self.terminate().await;
        assert!(
            exit.success(),
            "the operator ended with {exit}\n{}",
            self.process.log_tail()
        );
        assert_no_secret("the log", &self.process.log());
    }

    /// SIGKILL, as a crash.
    pub async fn kill(&self) {
        let exit = self.process.kill().await;
        assert_eq!(exit.code(), None, "killed, not ended: {exit}");
        assert_no_secret("the log", &self.process.log());
    }

    /// SIGSTOP, as on a machine that is starved.
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.process.thaw();
    }

    /// SIGTERM, and how it ended.
    pub async fn terminate(&self) -> Exit {
        self.process.terminate();
        self.process
            .wait(DEADLINE)
            .await
            .expect("the operator ends")
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Waits for a text in the log, and gives its line.
    pub async fn until_log(&self, text: &str) -> String {
        self.process
            .wait_for_log(text, DEADLINE)
            .await
            .expect("in the log")
    }

    /// Waits until the process has ended by itself.
    pub async fn until_ended(&self) -> Exit {
        self.process
            .wait(DEADLINE)
            .await
            .expect("the operator ends")
    }
}
