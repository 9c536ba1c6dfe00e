//! The operator: the release binary, as a process under the rights of `deploy/default/rbac.yaml`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use oms_harness::{Process, until_ok};

use super::cluster::ACCOUNT;
use super::http::Http;
use super::proc::{self, Memory};

const START: Duration = Duration::from_secs(60);

/// Nothing hangs when it is asked to stop.
const STOP: Duration = Duration::from_secs(90);

/// How often a process is asked how far it is. A scrape counts all resources, which is not to be a part of what
/// is measured.
const TICK: Duration = Duration::from_millis(500);

/// A running operator.
pub struct Operator {
    process: Process,
    address: String,
    http: Http,
    began: Instant,
}

impl Operator {
    /// Starts it with everything at its default.
    pub async fn start(program: &Path, kubeconfig: &Path, http: &Http) -> anyhow::Result<Operator> {
        Operator::with(&[], program, kubeconfig, http).await
    }

    /// Starts one that takes turns with others, by the Lease that its rights are for.
    pub async fn candidate(
        program: &Path,
        kubeconfig: &Path,
        http: &Http,
    ) -> anyhow::Result<Operator> {
        let lease = format!("--leader-elect-namespace={}", ACCOUNT.0);
        Operator::with(&["--leader-elect", &lease], program, kubeconfig, http).await
    }

    async fn with(
        flags: &[&str],
        program: &Path,
        kubeconfig: &Path,
        http: &Http,
    ) -> anyhow::Result<Operator> {
        let kubeconfig = format!("--kubeconfig={}", kubeconfig.display());
        let mut args = vec![
            "run",
            // One free port for both; the log says which.
            "--health-addr=127.0.0.1:0",
            "--metrics-addr=127.0.0.1:0",
            &kubeconfig,
        ];
        args.extend(flags);
        let began = Instant::now();
        let process = Process::spawn("oms-operator", program, &args, &[])?;
        let line = process.wait_for_log("listening", START).await?;
        let address = line
            .split_whitespace()
            .find_map(|word| word.strip_prefix("address="))
            .with_context(|| format!("the operator does not say where it listens: {line}"))?;
        Ok(Operator {
            address: address.to_owned(),
            process,
            http: http.clone(),
            began,
        })
    }

    /// Waits until `/readyz` says so. Returns how long that was after the start.
    pub async fn ready(&self) -> anyhow::Result<Duration> {
        let url = format!("http://{}/readyz", self.address);
        until_ok(START, "the operator to be ready", async || {
            match self.http.status(&url).await?.is_success() {
                true => Ok(()),
                false => bail!("not yet"),
            }
        })
        .await?;
        Ok(self.began.elapsed())
    }

    /// Waits until `count` reconciles have been made and for `calm` no more come. Returns when the last one
    /// was seen, after the start, and what the process had spent by then.
    pub async fn checked(
        &self,
        count: u64,
        calm: Duration,
        deadline: Duration,
    ) -> anyhow::Result<(Duration, Duration)> {
        let mut last = (0, self.began.elapsed(), self.cpu()?);
        loop {
            let now = self.reconciles().await?;
            if now != last.0 {
                last = (now, self.began.elapsed(), self.cpu()?);
            }
            if last.0 >= count && self.began.elapsed() - last.1 >= calm {
                return Ok((last.1, last.2));
            }
            if self.began.elapsed() > deadline {
                bail!("only {now} reconciles, and no end of them, after {deadline:?}");
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Of MigrationProjects, those whose turn it was.
    async fn reconciles(&self) -> anyhow::Result<u64> {
        const SERIES: &str =
            "oms_operator_reconciles_total{kind=\"MigrationProject\",result=\"ok\"}";
        Ok(self.counter(SERIES).await?.unwrap_or_default())
    }

    /// Sweeps that have ended well, of its one connection.
    pub async fn sweeps(&self) -> anyhow::Result<u64> {
        const SERIES: &str = "oms_operator_sweeps_total{connection=\"bench/oms\",result=\"ok\"}";
        self.counter(SERIES).await?.context("no sweeps are counted")
    }

    async fn counter(&self, series: &str) -> anyhow::Result<Option<u64>> {
        let url = format!("http://{}/metrics", self.address);
        let metrics = self.http.get(&url).await?;
        Ok(value_of(&metrics, series))
    }

    /// What it has in memory.
    pub fn memory(&self) -> anyhow::Result<Memory> {
        proc::memory(self.process.pid())
    }

    /// The most it ever had in RAM.
    pub fn peak(&self) -> anyhow::Result<u64> {
        proc::peak(self.process.pid())
    }

    /// What it has spent.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        proc::cpu(self.process.pid())
    }

    /// Ends it as a crash would.
    pub async fn kill(self) {
        self.process.kill().await;
    }

    /// Ends it in order.
    pub async fn stop(self) -> anyhow::Result<()> {
        let exit = self.process.stop(STOP).await?;
        if !exit.success() {
            bail!(
                "the operator ended with {exit}; {}",
                self.process.log_tail()
            );
        }
        Ok(())
    }
}

/// What a counter reads, if it is there.
fn value_of(metrics: &str, series: &str) -> Option<u64> {
    let mut lines = metrics.lines();
    lines.find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

/// Where the programs are.
pub struct Programs {
    /// The operator.
    pub operator: PathBuf,
    /// OMS.
    pub simulator: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_not_taken_for_its_neighbours() {
        let text = "# TYPE a counter\na_total{result=\"error\"} 2\na_total{result=\"ok\"} 3\n";
        assert_eq!(value_of(text, "a_total{result=\"ok\"}"), Some(3));
        assert_eq!(value_of(text, "a_total"), None);
    }
}
