//! `oms-operator release-all`: lets go of every resource before an uninstall.
//!
//! Our finalizer keeps a resource from going before the operator has agreed. Once
//! nobody is there to agree, deleting a namespace or the definitions would hang
//! for ever. This takes the finalizer off, and nothing else: OMS is not
//! called, no resource is deleted, and what was written onto it (the id, the
//! reservation) stays, so that an operator that is installed later goes on
//! where this one ended.
//!
//! | file | what it is there for |
//! | --- | --- |
//! | `args.rs` | the command line |
//! | `plan.rs` | pure: what of a resource is to be let go of, and what is better kept |
//! | `running.rs` | whether an operator still runs, which would take all of it back |
//! | `report.rs` | what was done, in lines |

mod args;
mod plan;
mod report;
mod running;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};

pub use self::args::ReleaseAll;
use self::plan::{Found, Plan};
use self::report::{Done, Report};
use crate::api::v1alpha1::MigrationProject;
use crate::controller::{Clock as _, Kubernetes, Ours, SystemClock, chain};
use crate::run;

/// Objects asked for at a time: a mapping may be hundreds of kilobytes.
const PAGE_SIZE: u32 = 100;

/// How often a resource is read again that somebody else writes at the same time.
const TRIES: u32 = 5;

/// What was asked for; see the command line for each.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the flags of the command line document them")]
pub struct Options {
    pub namespaces: Vec<String>,
    pub dry_run: bool,
    pub force: bool,
    pub unsettled: bool,
    pub lease_name: Option<String>,
    pub lease_namespace: Option<String>,
    pub watch_for: Duration,
    pub kubeconfig: Option<std::path::PathBuf>,
}

/// Lets go of what was asked for, and says so. The exit status is documented at
/// the command.
///
/// # Errors
/// When the API server does not answer, or refuses to tell what there is.
pub fn block_on(options: &Options) -> anyhow::Result<ExitCode> {
    run::runtime()?.block_on(async {
        let config = run::config(options.kubeconfig.as_deref()).await?;
        let client = Client::try_from(config).context("cannot make a client for the API server")?;
        let report = release_all(&client, options).await?;
        Ok(report.end())
    })
}

async fn release_all(client: &Client, options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::new(options.dry_run);
    if let Some(leader) = running::leader(client, options).await {
        report.leader(&leader, options.force);
        if !options.force {
            return Ok(report);
        }
    }
    let found = read(client, options).await?;
    let plan = Plan::of(&found, options.unsettled);
    let kubernetes = Kubernetes::new(client.clone());

    let (probes, rest) = match options.force || options.dry_run {
        true => (Vec::new(), plan.projects()),
        false => plan.probes(),
    };
    let mut probed = Vec::new();
    for project in probes {
        report.project(project, let_go(&kubernetes, options, project).await);
        probed.push(project);
    }
    if let Some(taken_back) = running::taken_back(client, &probed, options.watch_for).await {
        report.taken_back(&taken_back, true);
        return Ok(report);
    }
    for project in rest {
        report.project(project, let_go(&kubernetes, options, project).await);
    }
    for connection in plan.connections().iter().copied() {
        report.connection(connection, let_go(&kubernetes, options, connection).await);
    }
    plan.tell_kept(&mut report);

    if options.force && !options.dry_run {
        let all: Vec<&MigrationProject> = plan.projects();
        if let Some(taken_back) = running::taken_back(client, &all, options.watch_for).await {
            report.taken_back(&taken_back, false);
        }
    }
    Ok(report)
}

/// Everything that may be held, and which cluster this is.
async fn read(client: &Client, options: &Options) -> anyhow::Result<Found> {
    // Without the right to read it every reservation counts as of this cluster.
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let cluster = namespaces.get_metadata("kube-system").await;
    Ok(Found {
        projects: list(client, &options.namespaces).await?,
        connections: list(client, &options.namespaces).await?,
        cluster: cluster.ok().and_then(|namespace| namespace.uid()),
        now: SystemClock.now(),
    })
}

async fn list<K: Ours>(client: &Client, namespaces: &[String]) -> anyhow::Result<Vec<K>> {
    let scopes: Vec<Api<K>> = match namespaces {
        [] => vec![Api::all(client.clone())],
        some => some.iter().map(|one| K::api(client.clone(), one)).collect(),
    };
    let mut all = Vec::new();
    for api in scopes {
        let mut page = ListParams::default().limit(PAGE_SIZE);
        loop {
            let part = match api.list(&page).await {
                Ok(part) => part,
                // Without the definition there is nothing that could be held.
                Err(kube::Error::Api(status)) if status.code == 404 => break,
                Err(error) => {
                    let what = K::plural(&());
                    return Err(error).with_context(|| format!("cannot list {what}"));
                }
            };
            all.extend(part.items);
            match part.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => page.continue_token = Some(token),
                None => break,
            }
        }
    }
    Ok(all)
}

/// Takes our finalizer off as it stands now, whoever else writes.
async fn let_go<K: Ours>(kubernetes: &Kubernetes, options: &Options, read: &K) -> Done {
    if options.dry_run {
        return Done::WouldBe;
    }
    let mut read = read.clone();
    for _ in 0..TRIES {
        match kubernetes.let_go(&read).await {
            Ok(_) => return Done::LetGo,
            Err(error) if error.is_not_found() => return Done::Gone,
            Err(error) if error.is_conflict() => {}
            Err(error) => return Done::Failed(chain(&error)),
        }
        match kubernetes.reread(&read).await {
            Ok(Some(live)) if live.uid() == read.uid() => read = live,
            Ok(_) => return Done::Gone,
            Err(error) => return Done::Failed(chain(&error)),
        }
    }
    Done::Failed("somebody else keeps writing it".to_owned())
}

/// As namespace/name.
fn key(object: &impl ResourceExt) -> String {
    format!(
        "{}/{}",
        object.namespace().unwrap_or_default(),
        object.name_any()
    )
}
