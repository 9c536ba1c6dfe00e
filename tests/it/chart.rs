//! The operator under exactly the account that the chart makes, for the whole
//! cluster and for some namespaces, with the chart's own arguments, through what
//! projects live through: no request is refused, and no right is never used.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::rbac::v1::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, Subject,
};
use kube::api::{Api, ListParams};
use kube::{Client, ResourceExt as _};
use oms_harness::{ControlPlane, Entries, Entry, Options, Tools, served};
use oms_operator::api::Kind;
use oms_simulator::Config;
use serde_json::json;

use crate::all_namespaces::{
    created_and_deleted, gone_with_its_namespace, shared_with_another_namespace, taken_over,
};
use crate::world::{ACCOUNT, PASSWORD, World, ready, status};

#[tokio::test]
async fn for_the_whole_cluster_the_chart_gives_what_is_needed_and_nothing_else() {
    lives_through_it_all(Scope::Cluster).await;
}

#[tokio::test]
async fn for_some_namespaces_the_chart_gives_what_is_needed_and_nothing_else() {
    lives_through_it_all(Scope::Namespaces).await;
}

/// What the operator of the chart works in.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    Cluster,
    Namespaces,
}

async fn lives_through_it_all(scope: Scope) {
    let plane = ControlPlane::start(Options::default()).await;
    // Like the shared one it ends with the process.
    let plane: &'static ControlPlane = Box::leak(Box::new(plane.expect("a control plane")));
    let mut namespaces = Vec::new();
    for name in ["home", "guest", "lost", "adopt", "short", "leave"] {
        namespaces.push(plane.namespace(name).await.expect("a namespace"));
    }
    let mut settings = Vec::new();
    if scope == Scope::Namespaces {
        settings.push(format!("watchNamespaces={{{}}}", namespaces.join(",")));
    }
    // By it the operator, and nobody else, may write what a create rests on.
    settings.push("admissionPolicy.enabled=true".into());
    settings.push(format!("defaultConnection.ref={}/oms", namespaces[0]));
    helm(
        plane,
        &["install", "oms-operator", CHART, "--create-namespace"],
        &settings,
    );
    for kind in Kind::ALL {
        let name = kind.definition_name();
        served(&plane.client(), name)
            .await
            .expect("a kind of the chart's");
    }
    let token = plane.service_account_token(ACCOUNT.0, ACCOUNT.1).await;
    let token = token.expect("a token of the chart's account");
    let world = |namespace: &String| {
        let mut config = Config::default();
        config.durations.release = Duration::from_millis(300);
        World::within(plane, token.clone(), namespace.clone(), config)
    };
    let home = world(&namespaces[0]).await;
    let guest = home.neighbour_in(namespaces[1].clone());
    let (lost, adopting) = (world(&namespaces[2]).await, world(&namespaces[3]).await);
    let (short, leaving) = (world(&namespaces[4]).await, world(&namespaces[5]).await);

    let mut flags = arguments(plane.client()).await;
    // A resource is deleted within it.
    flags.push("--create-quarantine=8s".into());
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let operator = home.operator_everywhere(&flags, None);
    tokio::join!(
        shared_with_another_namespace(&home, &guest),
        created_and_deleted(&lost),
        paused_and_deleted_in_oms(&short),
        async {
            // With a namespace its Role goes: that is done with rights over the cluster.
            if scope == Scope::Cluster {
                gone_with_its_namespace(&leaving, &operator).await;
            }
        },
        async {
            taken_over(&adopting).await;
            locked_out_twice(&adopting).await;
        },
    );
    // That none is refused is checked here, as at the end of every test.
    home.finish([operator]).await;
    let rights = Rights::of(&plane.client()).await;
    let mut unused = rights.unused(&guest.asked().await);
    // This API server streams its lists; one before 1.34 is listed in pages.
    unused.retain(|right| !right.contains(": list ") || !right.ends_with(".oms.oceanbase.com"));
    assert!(unused.is_empty(), "granted and never used: {unused:#?}");

    // Who uninstalls the operator loses nothing.
    let kept = adopting.get("orders").await;
    helm(plane, &["uninstall", "oms-operator"], &[]);
    let left = adopting.get("orders").await;
    assert_eq!(left.uid(), kept.uid());
    assert_eq!(left.metadata.deletion_timestamp, None);
    adopting.has_exactly_one("orders").await;
    for world in [guest, lost, adopting, short, leaving] {
        world.finish([]).await;
    }
}

/// What is asked for in the middle of a life, and its end in OMS.
async fn paused_and_deleted_in_oms(world: &World) {
    world
        .create("short", json!({"deletionPolicy": "Delete"}))
        .await;
    world.until_running("short").await;
    for (wanted, reached) in [("Paused", "SUSPEND"), ("Running", "RUNNING")] {
        world
            .patch("short", json!({"spec": {"state": wanted}}))
            .await;
        let is_there =
            |project: &_| ready(project) == Some("True") && status(project) == Some(reached);
        world.until("short", reached, is_there).await;
    }
    world.delete("short").await;
    world.until_gone("short").await;
    let name = world.project_name("short");
    assert_eq!(world.oms().projects_named(&name).len(), 0);
}

/// What is told a second time is counted in the Event of the first.
async fn locked_out_twice(world: &World) {
    for _ in 0..2 {
        world.create_secret("not-the-password").await;
        world.until_connection("oms", "AuthenticationFailed").await;
        world.create_secret(PASSWORD).await;
        world.until_connection("oms", "InsecureTransport").await;
    }
}

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/oms-operator");

/// Helm as administrator, for the release's namespace.
fn helm(plane: &ControlPlane, args: &[&str], settings: &[String]) {
    let tools = Tools::find().expect("Helm");
    let mut command = Command::new(tools.helm());
    command
        .arg("--kubeconfig")
        .arg(plane.kubeconfig())
        .args(["--namespace", ACCOUNT.0])
        .args(args);
    for setting in settings {
        command.args(["--set", setting]);
    }
    let output = command.output().expect("helm");
    assert!(output.status.success(), "helm {args:?}: {output:?}");
}

/// The arguments of the chart's Deployment, less those that tests have of their
/// own: addresses, and waits as short as they want them.
async fn arguments(client: Client) -> Vec<String> {
    const OURS: [&str; 6] = [
        "--health-addr",
        "--metrics-addr",
        "--min-sweep-interval",
        "--oms-connect-timeout",
        "--oms-read-timeout",
        "--oms-mutation-timeout",
    ];
    let api: Api<Deployment> = Api::namespaced(client, ACCOUNT.0);
    let deployment = api.get(ACCOUNT.1).await.expect("the chart's Deployment");
    let pod = deployment.spec.and_then(|spec| spec.template.spec);
    let container = pod.expect("a Pod").containers.remove(0);
    let mut args = container.args.expect("arguments");
    assert_eq!(args.remove(0), "run");
    args.retain(|arg| OURS.iter().all(|ours| !arg.starts_with(ours)));
    // What the kubelet makes of the Pod's namespace.
    for env in container.env.iter().flatten() {
        match env.name.as_str() {
            "POD_NAMESPACE" => args.push(format!("--own-namespace={}", ACCOUNT.0)),
            "OMS_OPERATOR_LEADER_ELECT_NAMESPACE" => {
                args.push(format!("--leader-elect-namespace={}", ACCOUNT.0));
            }
            other => panic!("what is {other}?"),
        }
    }
    args
}

/// What an account may do: (name of the role, rule), and where.
struct Rights(Vec<(String, Option<String>, PolicyRule)>);

impl Rights {
    /// Those of the chart's account.
    async fn of(client: &Client) -> Self {
        let all = ListParams::default();
        let mut rights = Vec::new();
        let bindings: Api<ClusterRoleBinding> = Api::all(client.clone());
        for binding in bindings.list(&all).await.expect("bindings") {
            if is_for_the_account(binding.subjects.as_deref()) {
                let roles: Api<ClusterRole> = Api::all(client.clone());
                let role = roles.get(&binding.role_ref.name).await.expect("the role");
                let rules = role.rules.into_iter().flatten();
                rights.extend(rules.map(|rule| (binding.role_ref.name.clone(), None, rule)));
            }
        }
        let bindings: Api<RoleBinding> = Api::all(client.clone());
        for binding in bindings.list(&all).await.expect("bindings") {
            if is_for_the_account(binding.subjects.as_deref()) {
                let namespace = binding.namespace().expect("a namespace");
                let roles: Api<Role> = Api::namespaced(client.clone(), &namespace);
                let role = roles.get(&binding.role_ref.name).await.expect("the role");
                let rules = role.rules.into_iter().flatten();
                rights
                    .extend(rules.map(|rule| {
                        (binding.role_ref.name.clone(), Some(namespace.clone()), rule)
                    }));
            }
        }
        assert!(!rights.is_empty(), "the account has rights");
        Self(rights)
    }

    /// What none of these requests has made use of. Roles of one name in several
    /// namespaces are one: not in each does everything happen.
    fn unused(&self, asked: &Entries) -> BTreeSet<String> {
        let mut unused = BTreeSet::new();
        let mut used = BTreeSet::new();
        for (role, namespace, rule) in &self.0 {
            let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
            let names = list(&rule.resource_names);
            for group in list(&rule.api_groups) {
                for resource in list(&rule.resources) {
                    for verb in &rule.verbs {
                        let is_it = |entry: &Entry| {
                            let of = match &entry.subresource {
                                Some(sub) => format!("{}/{sub}", entry.resource),
                                None => entry.resource.clone(),
                            };
                            let named = entry.name.clone().unwrap_or_default();
                            entry.group == group
                                && of == resource
                                && entry.verb == *verb
                                && namespace
                                    .as_ref()
                                    .is_none_or(|one| entry.namespace.as_ref() == Some(one))
                                && (names.is_empty() || names.contains(&named))
                        };
                        let right = format!("{role}: {verb} {resource}.{group}");
                        match asked.iter().any(is_it) {
                            true => used.insert(right),
                            false => unused.insert(right),
                        };
                    }
                }
            }
        }
        &unused - &used
    }
}

fn is_for_the_account(subjects: Option<&[Subject]>) -> bool {
    subjects.unwrap_or_default().iter().any(|subject| {
        subject.kind == "ServiceAccount"
            && subject.name == ACCOUNT.1
            && subject.namespace.as_deref() == Some(ACCOUNT.0)
    })
}
