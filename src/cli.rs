//! The command line. Every flag of `run` has an environment variable.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::api::{self, Kind};
use crate::check::{self, Checker};
use crate::controller::{Key, Scope};
use crate::decide::Naming;
use crate::release::ReleaseAll;
use crate::run::{self, Election, Options};
use crate::telemetry::{LogFormat, install};
use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

/// The longest duration of a flag. Longer ones are typing errors, and would lead
/// out of the calendar when they are added to a time of day.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Runs OceanBase Migration Service (OMS) projects as Kubernetes resources.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator: watch the resources and keep their projects in OMS.
    ///
    /// It uses the kubeconfig, or in a Pod the Pod's own account, and runs until SIGTERM or SIGINT; a call to OMS in
    /// flight is ended first. The definitions have to be installed (see `crd`). Each flag can be given as an
    /// environment variable instead; the flag outweighs it. Durations are numbers with a unit: 500ms, 30s, 10m, 1h.
    Run(Box<Run>),
    /// Print the CustomResourceDefinitions, ready to be applied.
    ///
    /// Install them with: `oms-operator crd | kubectl apply --server-side -f -`
    Crd {
        /// Only this kind.
        #[arg(value_enum)]
        kind: Option<CrdKind>,
    },
    /// Print a MigrationProject made from the JSON body of a CreateProject request.
    ///
    /// The body goes into spec.project. Nulls are left out, because server-side apply refuses them, and fields that
    /// this version does not know move to spec.extraProperties. A comment on top warns of flags that can destroy data.
    /// What the API server would refuse of it, as `check` says it, are warnings on the standard error.
    Manifest {
        /// The file with the request; "-" reads standard input.
        request: PathBuf,
    },
    /// Check resources in files, without a cluster.
    ///
    /// Says of each MigrationProject and OMSConnection what an API server would refuse on create (unknown and repeated
    /// fields, types, bounds, words, and the rules that span fields), and what the operator would refuse after that.
    /// Every problem is one line: `file:document (kind namespace/name): field: what is wrong`; documents are counted
    /// from 1. Documents of other kinds are skipped and counted; one that gives neither apiVersion nor kind is a problem
    /// unless it lies in a folder. Nothing is asked of a cluster or of OMS: whether a
    /// connection, a Secret or a data source exists is not known, nor what must not change any more.
    ///
    /// The exit status is 0 if all would be taken, 1 if something would be refused, and 2 if something could not be
    /// read or there was nothing to check. An example: `oms-operator check -f deploy/ -f extra.yaml`
    Check(Check),
    /// Let go of every resource, before the operator is uninstalled.
    ///
    /// Takes this operator's finalizer off MigrationProjects and OMSConnections, so that they, their namespaces and the
    /// definitions can be deleted when nobody is there to agree. OMS is not called, no resource is deleted, and projects
    /// stay as they are, with their ids in the resources: an operator that is installed later goes on with them. A resource
    /// for which a project may have been created that is not recorded is kept, with its connection (see --unsettled).
    /// Stop the operator first: one that runs takes back what it watches. It is known by its Lease, or by what it
    /// takes back; then nothing more is let go of (see --force). It uses the kubeconfig, whose account needs
    /// get, list and patch on both kinds.
    ///
    /// The exit status is 0 if nothing is held any more, 1 if something is (what and why, is said), 2 for a command line that
    /// cannot be understood, and 3 if an operator runs. Can be repeated.
    ReleaseAll(ReleaseAll),
}

#[derive(Debug, Args)]
#[command(next_line_help = true)]
struct Check {
    /// Files with YAML or JSON documents; "-" reads standard input. Of a folder, the .yaml, .yml and
    /// .json files at any depth, without hidden folders and what cannot be read there and names no
    /// kind of this operator. Can be repeated.
    #[arg(short = 'f', long = "filename", value_name = "FILE", required = true, num_args = 1..)]
    filenames: Vec<PathBuf>,

    /// How the result looks. text: one line for each problem. json: one object with every document
    /// that was checked.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    output: Output,

    /// Print the body of the CreateProject request of each MigrationProject that would be taken. A data
    /// source that is given by name stands there as words, since OMS alone knows its id. The body holds
    /// no credentials.
    #[arg(long)]
    print_body: bool,

    /// The namespace of resources that name none. It is part of the project name that they get.
    #[arg(short, long, value_name = "NAMESPACE", default_value = "default")]
    namespace: String,

    /// The project name of resources that give none, as the operator is told with the same flag.
    #[arg(
        long,
        env = "OMS_OPERATOR_NAME_PATTERN",
        value_name = "PATTERN",
        default_value = "{namespace}.{name}"
    )]
    name_pattern: Naming,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Output {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum CrdKind {
    #[value(name = "migrationproject")]
    MigrationProject,
    #[value(name = "omsconnection")]
    OmsConnection,
}

// The last of several counts: what the chart's `extraArgs` say outweighs what it says itself.
#[derive(Debug, Args)]
#[command(next_line_help = true, args_override_self = true)]
struct Run {
    /// Watch only this namespace. Repeat it for several; none means all.
    #[arg(
        long = "watch-namespace",
        env = "OMS_OPERATOR_WATCH_NAMESPACE",
        value_name = "NAMESPACE",
        value_delimiter = ','
    )]
    watch_namespaces: Vec<String>,

    /// Watch only MigrationProjects and OMSConnections with these labels, such as shard=a or
    /// 'shard notin (b,c)': one of several operators that share the work. A project and its connection
    /// belong to one of them: give both the labels. See docs/sharding.md for what the parts do not know of
    /// each other.
    #[arg(
        long = "watch-selector",
        env = "OMS_OPERATOR_WATCH_SELECTOR",
        value_name = "SELECTOR"
    )]
    watch_selector: Option<String>,

    /// The OMSConnection of resources that name none.
    #[arg(long, env = "OMS_OPERATOR_DEFAULT_CONNECTION", value_name = "NAMESPACE/NAME", value_parser = key)]
    default_connection: Option<Key>,

    /// Where /healthz and /readyz are served.
    #[arg(
        long,
        env = "OMS_OPERATOR_HEALTH_ADDR",
        value_name = "IP:PORT",
        default_value = "0.0.0.0:8081"
    )]
    health_addr: SocketAddr,

    /// Where /metrics is served; may be the same as --health-addr.
    #[arg(
        long,
        env = "OMS_OPERATOR_METRICS_ADDR",
        value_name = "IP:PORT",
        default_value = "0.0.0.0:8080"
    )]
    metrics_addr: SocketAddr,

    /// How log lines look. What is logged is set by --log-filter.
    #[arg(
        long,
        env = "OMS_OPERATOR_LOG_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value_t
    )]
    log_format: LogFormat,

    /// How many MigrationProjects of one OMS are worked on at the same time. What hangs with one OMS
    /// takes nothing from another, as long as all together are fewer than 1,792.
    #[arg(long, env = "OMS_OPERATOR_CONCURRENCY", value_name = "N", default_value_t = 32,
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,

    /// How long a CreateProject call that was not answered may still take effect: so long the
    /// project is looked for before another one is created.
    #[arg(long, env = "OMS_OPERATOR_CREATE_QUARANTINE", value_name = "DURATION", default_value = "10m", value_parser = quarantine)]
    create_quarantine: Duration,

    /// The same for a call that OMS answered with a failure.
    #[arg(long, env = "OMS_OPERATOR_CREATE_QUARANTINE_REPLIED", value_name = "DURATION", default_value = "60s", value_parser = quarantine)]
    create_quarantine_replied: Duration,

    /// No connection reads its OMS more often than this unasked, whatever its sweepInterval says; a sweep that failed is
    /// repeated sooner. What the operator changes there is followed by the next sweep, so that sweeps take a third of the time at most.
    #[arg(long, env = "OMS_OPERATOR_MIN_SWEEP_INTERVAL", value_name = "DURATION", default_value = "10s", value_parser = pause)]
    min_sweep_interval: Duration,

    /// No resource is written more often than this when nothing but numbers have moved: progress and lag of a project, how
    /// many projects a connection has.
    #[arg(long, env = "OMS_OPERATOR_FIGURES_INTERVAL", value_name = "DURATION", default_value = "10s", value_parser = duration)]
    figures_interval: Duration,

    /// How often the Secret of each connection is read again.
    #[arg(long, env = "OMS_OPERATOR_SECRET_INTERVAL", value_name = "DURATION", default_value = "30s", value_parser = pause)]
    secret_interval: Duration,

    /// Longest wait between two tries of what keeps failing.
    #[arg(long, env = "OMS_OPERATOR_MAX_BACKOFF", value_name = "DURATION", default_value = "5m", value_parser = pause)]
    max_backoff: Duration,

    /// How long a project counts as what it was last seen as, when its connection is in trouble; then it is Ready=Unknown.
    #[arg(long, env = "OMS_OPERATOR_STALE_AFTER", value_name = "DURATION", default_value = "5m", value_parser = duration)]
    stale_after: Duration,

    /// How long connecting to OMS may take, TLS included.
    #[arg(long, env = "OMS_OPERATOR_OMS_CONNECT_TIMEOUT", value_name = "DURATION", default_value = "5s", value_parser = long_enough_for_a_call)]
    oms_connect_timeout: Duration,

    /// How long a call that only reads may take.
    #[arg(long, env = "OMS_OPERATOR_OMS_READ_TIMEOUT", value_name = "DURATION", default_value = "20s", value_parser = long_enough_for_a_call)]
    oms_read_timeout: Duration,

    /// How long a call that changes something may take. A Pod needs this and ten seconds to stop.
    #[arg(long, env = "OMS_OPERATOR_OMS_MUTATION_TIMEOUT", value_name = "DURATION", default_value = "60s", value_parser = long_enough_for_a_call)]
    oms_mutation_timeout: Duration,

    /// Reach OMS through the proxy that HTTPS_PROXY and NO_PROXY name.
    #[arg(long, env = "OMS_OPERATOR_OMS_PROXY")]
    oms_proxy: bool,

    /// The project name of resources that give none. It must not change while such resources wait
    /// to be created.
    #[arg(
        long,
        env = "OMS_OPERATOR_NAME_PATTERN",
        value_name = "PATTERN",
        default_value = "{namespace}.{name}"
    )]
    name_pattern: Naming,

    /// Take turns with other processes by a Lease: one works, the others stand by.
    #[arg(long, env = "OMS_OPERATOR_LEADER_ELECT")]
    leader_elect: bool,

    /// Name of the Lease. Processes that watch different resources need different ones.
    #[arg(
        long,
        env = "OMS_OPERATOR_LEADER_ELECT_NAME",
        value_name = "NAME",
        default_value = run::DEFAULT_LEASE
    )]
    leader_elect_name: String,

    /// Namespace of the Lease. In a Pod: the Pod's own, if none is given.
    #[arg(
        long,
        env = "OMS_OPERATOR_LEADER_ELECT_NAMESPACE",
        value_name = "NAMESPACE"
    )]
    leader_elect_namespace: Option<String>,

    /// How long the others wait after the last sign of life of the process that leads.
    #[arg(long, env = "OMS_OPERATOR_LEASE_DURATION", value_name = "DURATION", default_value = "15s", value_parser = duration)]
    lease_duration: Duration,

    /// How long the process that leads goes on without being able to renew the Lease.
    #[arg(long, env = "OMS_OPERATOR_RENEW_DEADLINE", value_name = "DURATION", default_value = "10s", value_parser = duration)]
    renew_deadline: Duration,

    /// How often the Lease is tried for, or renewed.
    #[arg(long, env = "OMS_OPERATOR_RETRY_PERIOD", value_name = "DURATION", default_value = "2s", value_parser = pause)]
    retry_period: Duration,

    /// The namespace of the operator itself. What can no longer be told beside a resource, because its
    /// namespace is being deleted, is told in Events there. None: in the log alone.
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    own_namespace: Option<String>,

    /// What tells this cluster from others, in place of the UID of the namespace kube-system.
    #[arg(long, env = "OMS_OPERATOR_CLUSTER_ID", value_name = "ID")]
    cluster_id: Option<String>,

    /// The kubeconfig to use, in place of KUBECONFIG, ~/.kube/config or the Pod's own account.
    #[arg(long, env = "OMS_OPERATOR_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// What to log, such as `info,oms_operator=debug`, in the syntax of tracing's EnvFilter.
    #[arg(long, env = "RUST_LOG", value_name = "FILTER")]
    log_filter: Option<String>,
}

impl Cli {
    /// Does what the command line says.
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Run(run) => run.execute()?,
            Command::Crd { kind } => print(&crds(kind))?,
            Command::Manifest { request } => print(&manifest(&request)?)?,
            Command::Check(check) => return check.execute(),
            Command::ReleaseAll(release) => return release.execute(),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Check {
    fn execute(self) -> anyhow::Result<ExitCode> {
        let Self {
            filenames,
            output,
            print_body,
            namespace,
            name_pattern,
        } = self;
        let checker = Checker::new(check::Options {
            namespace,
            naming: name_pattern,
            bodies: print_body,
        })?;
        let report = checker.run(&filenames, &mut std::io::stdin());
        match output {
            Output::Text => print(&report.text())?,
            Output::Json => print(&report.json())?,
        }
        // Apart from the result, so that a program can read that.
        eprint!("{}", report.summary());
        Ok(ExitCode::from(report.exit_code()))
    }
}

impl Run {
    fn execute(self) -> anyhow::Result<()> {
        let Self {
            watch_namespaces,
            watch_selector,
            default_connection,
            health_addr,
            metrics_addr,
            log_format,
            concurrency,
            create_quarantine,
            create_quarantine_replied,
            min_sweep_interval,
            figures_interval,
            secret_interval,
            max_backoff,
            stale_after,
            oms_connect_timeout,
            oms_read_timeout,
            oms_mutation_timeout,
            oms_proxy,
            name_pattern,
            leader_elect,
            leader_elect_name,
            leader_elect_namespace,
            lease_duration,
            renew_deadline,
            retry_period,
            own_namespace,
            cluster_id,
            kubeconfig,
            log_filter,
        } = self;
        install(log_format, log_filter.as_deref())?;
        run::block_on(Options {
            scope: Scope {
                namespaces: watch_namespaces,
                selector: watch_selector,
            },
            default_connection,
            health_addr,
            metrics_addr,
            concurrency,
            create_quarantine,
            create_quarantine_replied,
            min_sweep_interval,
            figures_interval,
            secret_interval,
            max_backoff,
            stale_after,
            timeouts: crate::oms::Timeouts {
                connect: oms_connect_timeout,
                read: oms_read_timeout,
                mutation: oms_mutation_timeout,
            },
            proxy: oms_proxy,
            naming: name_pattern,
            own_namespace,
            cluster_id,
            kubeconfig,
            election: leader_elect.then_some(Election {
                name: leader_elect_name,
                namespace: leader_elect_namespace,
                lease_duration,
                renew_deadline,
                retry_period,
            }),
        })
    }
}

fn crds(kind: Option<CrdKind>) -> String {
    match kind {
        Some(CrdKind::MigrationProject) => api::crds_yaml(Kind::MigrationProject),
        Some(CrdKind::OmsConnection) => api::crds_yaml(Kind::OMSConnection),
        None => {
            let connection = api::crds_yaml(Kind::OMSConnection);
            let project = api::crds_yaml(Kind::MigrationProject);
            format!("{connection}---\n{project}")
        }
    }
}

fn manifest(request: &PathBuf) -> anyhow::Result<String> {
    let text = if request.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
        text
    } else {
        std::fs::read_to_string(request)
            .with_context(|| format!("cannot read {}", request.display()))?
    };
    let manifest = api::manifest::from_request(&text)
        .with_context(|| format!("{} is no CreateProject request", request.display()))?;
    // Apart from the manifest, which can be completed.
    for problem in problems(&manifest)? {
        eprintln!("warning: {problem}");
    }
    Ok(manifest)
}

/// What would be refused of a manifest, or will hardly be meant.
fn problems(manifest: &str) -> anyhow::Result<Vec<String>> {
    let checker = Checker::new(check::Options {
        namespace: "default".into(),
        naming: Naming::default(),
        bodies: false,
    })?;
    let report = checker.text("-", manifest);
    let documents = report.documents.into_iter();
    let said = documents.flat_map(|document| {
        let problems = document.problems.into_iter().map(|problem| problem.message);
        problems.chain(document.warnings)
    });
    Ok(said.collect())
}

fn print(text: &str) -> anyhow::Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        // The reader has seen enough: `oms-operator crd | head`.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

fn key(text: &str) -> Result<Key, String> {
    match text.split_once('/') {
        Some((namespace, name))
            if !namespace.is_empty() && !name.is_empty() && !name.contains('/') =>
        {
            Ok(Key {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            })
        }
        _ => Err("it has the form NAMESPACE/NAME, such as oms/prod".to_owned()),
    }
}

/// How long a call may take. With less every call would end unanswered, and after one that changes something nobody
/// would know what it has done.
fn long_enough_for_a_call(text: &str) -> Result<Duration, String> {
    at_least(
        Duration::from_secs(1),
        text,
        "or every call would count as unanswered",
    )
}

/// A pause between two looks, which has to be one.
fn pause(text: &str) -> Result<Duration, String> {
    at_least(
        Duration::from_millis(100),
        text,
        "or it would go on without a pause",
    )
}

/// How long it is looked for what a call may have made: OMS has to be able to show it.
fn quarantine(text: &str) -> Result<Duration, String> {
    at_least(
        Duration::from_secs(1),
        text,
        "or what an unanswered call has made would not be looked for",
    )
}

fn at_least(least: Duration, text: &str, why: &str) -> Result<Duration, String> {
    match duration(text)? {
        duration if duration < least => Err(format!("it is at least {least:?}, {why}")),
        duration => Ok(duration),
    }
}

/// A duration as Go writes it.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let duration = text
        .parse::<kube::core::Duration>()
        .ok()
        .filter(|duration| !duration.is_negative())
        .map(Duration::from)
        .ok_or_else(|| "it is a number with a unit, such as 500ms, 30s, 10m or 1h".to_owned())?;
    match duration <= LONGEST {
        true => Ok(duration),
        false => Err("it is at most a year: 8760h".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_one_that_can_be_counted_with() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("8760h"), Ok(LONGEST));
        for long in ["8761h", "99999999h"] {
            assert!(duration(long).unwrap_err().contains("8760h"), "{long}");
        }
        for wrong in ["-1s", "90", "soon"] {
            assert!(duration(wrong).unwrap_err().contains("unit"), "{wrong}");
        }
    }

    #[test]
    fn a_duration_without_which_nothing_works_is_not_zero() {
        for (flag, shortest) in [
            ("--oms-connect-timeout", "1s"),
            ("--oms-read-timeout", "1s"),
            ("--oms-mutation-timeout", "1s"),
            ("--create-quarantine", "1s"),
            ("--create-quarantine-replied", "1s"),
            ("--min-sweep-interval", "100ms"),
            ("--secret-interval", "100ms"),
            ("--max-backoff", "100ms"),
            ("--retry-period", "100ms"),
        ] {
            let parse = |value: &str| {
                let arguments =
                    ["oms-operator", "run", &format!("{flag}={value}")].map(str::to_owned);
                Cli::try_parse_from(arguments).map(drop)
            };
            for short in ["0s", "99ms"] {
                let words = parse(short).unwrap_err().to_string();
                let wanted = format!("it is at least {shortest}, or ");
                assert!(words.contains(flag) && words.contains(&wanted), "{words}");
            }
            parse(shortest).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}
