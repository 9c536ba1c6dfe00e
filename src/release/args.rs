//! The command line of `release-all`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::Options;
use crate::cli::duration;

/// Flags of `release-all`.
#[derive(Debug, Args)]
#[command(next_line_help = true)]
pub struct ReleaseAll {
    /// Only this namespace. Can be repeated; none means all.
    #[arg(
        short,
        long = "namespace",
        value_name = "NAMESPACE",
        value_delimiter = ','
    )]
    namespaces: Vec<String>,

    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,

    /// Go on although an operator runs. It takes back what it watches.
    #[arg(long)]
    force: bool,

    /// Let go, too, of resources for which a project may have been created that is not recorded.
    #[arg(long)]
    unsettled: bool,

    /// Only this Lease tells of a running operator, as `run` is given it with the same flag. All Leases of
    /// operators do, if none is given: also those of operators that watch other resources.
    #[arg(long, env = "OMS_OPERATOR_LEADER_ELECT_NAME", value_name = "NAME")]
    leader_elect_name: Option<String>,

    /// Namespace of the Lease. All are looked through, if none is given.
    #[arg(
        long,
        env = "OMS_OPERATOR_LEADER_ELECT_NAMESPACE",
        value_name = "NAMESPACE"
    )]
    leader_elect_namespace: Option<String>,

    /// How long it is watched whether an operator without a Lease takes back what was let go of.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    watch_for: Duration,

    /// The kubeconfig to use, in place of KUBECONFIG or ~/.kube/config.
    #[arg(long, env = "OMS_OPERATOR_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

impl ReleaseAll {
    /// Does what the flags say.
    ///
    /// # Errors
    /// When it cannot be found out what there is.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        super::block_on(&Options {
            namespaces: self.namespaces,
            dry_run: self.dry_run,
            force: self.force,
            unsettled: self.unsettled,
            lease_name: self.leader_elect_name,
            lease_namespace: self.leader_elect_namespace,
            watch_for: self.watch_for,
            kubeconfig: self.kubeconfig,
        })
    }
}
