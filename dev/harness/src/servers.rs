//! The three programs of a control plane: their command lines, and which of their words mean what.

use std::path::Path;

use crate::binaries::{API_SERVER, Binaries, CONTROLLER_MANAGER, ETCD};
use crate::control_plane::Options;
use crate::ports::Ports;
use crate::process::Process;

/// Every request is logged once it is answered, and a watch also as soon as it has begun.
const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
";

/// A control plane of tests lives for minutes and has memory to spare: with Go's own setting an API server
/// spends a quarter of its time collecting garbage.
const ENVIRONMENT: &[(&str, &str)] = &[("GOGC", "400")];

/// Where the programs keep their files.
#[derive(Clone, Debug)]
pub(crate) struct Layout<'a> {
    pub(crate) folder: &'a Path,
}

impl Layout<'_> {
    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    pub(crate) fn audit_log(&self) -> std::path::PathBuf {
        self.folder.join("audit.log")
    }

    pub(crate) fn admin_kubeconfig(&self) -> std::path::PathBuf {
        self.folder.join("admin.kubeconfig")
    }
}

pub(crate) fn start_etcd(
    binaries: &Binaries,
    layout: &Layout,
    ports: &Ports,
) -> anyhow::Result<Process> {
    let (client, peer) = (
        ports.etcd_url(),
        format!("http://127.0.0.1:{}", ports.etcd_peer),
    );
    let (data, cluster) = (layout.file("etcd"), format!("default={peer}"));
    let args = [
        "--data-dir",
        &data,
        "--listen-client-urls",
        &client,
        "--advertise-client-urls",
        &client,
        "--listen-peer-urls",
        &peer,
        "--initial-advertise-peer-urls",
        &peer,
        "--initial-cluster",
        &cluster,
        // The data are thrown away anyway; and a disk that is slow must not make tests slow.
        "--unsafe-no-fsync",
        "--log-level",
        "error",
    ];
    Process::spawn(ETCD, &binaries.etcd, &args, ENVIRONMENT)
}

pub(crate) fn start_api_server(
    binaries: &Binaries,
    layout: &Layout,
    ports: &Ports,
    options: &Options,
) -> anyhow::Result<Process> {
    let mut flags = vec![
        ("etcd-servers", ports.etcd_url()),
        ("bind-address", "127.0.0.1".to_owned()),
        ("advertise-address", "127.0.0.1".to_owned()),
        // Without it a loopback address is refused at once.
        ("endpoint-reconciler-type", "none".to_owned()),
        ("secure-port", ports.api_server.to_string()),
        ("cert-dir", layout.file("certificates")),
        ("tls-cert-file", layout.file("server.crt")),
        ("tls-private-key-file", layout.file("server.key")),
        (
            "service-account-issuer",
            "https://kubernetes.default.svc".to_owned(),
        ),
        ("service-account-key-file", layout.file("accounts.pub")),
        (
            "service-account-signing-key-file",
            layout.file("accounts.key"),
        ),
        ("service-cluster-ip-range", "10.0.0.0/24".to_owned()),
        ("token-auth-file", layout.file("tokens.csv")),
        ("authorization-mode", "RBAC".to_owned()),
        // No controller makes the default ServiceAccount that this plugin wants in every namespace.
        ("disable-admission-plugins", "ServiceAccount".to_owned()),
    ];
    if options.audit {
        let policy = layout.file("audit-policy.yaml");
        std::fs::write(&policy, AUDIT_POLICY)?;
        let log = layout.audit_log().to_string_lossy().into_owned();
        flags.push(("audit-policy-file", policy));
        flags.push(("audit-log-path", log));
        // In megabytes: no rotation, so that the reader finds everything in one file.
        flags.push(("audit-log-maxsize", "100000".to_owned()));
    }
    let mut args: Vec<String> = flags
        .iter()
        .map(|(name, value)| format!("--{name}={value}"))
        .collect();
    args.extend_from_slice(&options.api_server_args);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    Process::spawn(API_SERVER, &binaries.api_server, &args, ENVIRONMENT)
}

/// `None` when there is no such program.
pub(crate) fn start_controller_manager(
    binaries: &Binaries,
    layout: &Layout,
) -> anyhow::Result<Option<Process>> {
    let Some(program) = &binaries.controller_manager else {
        return Ok(None);
    };
    let kubeconfig = layout.admin_kubeconfig();
    let args = [
        "--kubeconfig",
        &kubeconfig.to_string_lossy(),
        "--controllers=namespace-controller,garbage-collector-controller",
        "--leader-elect=false",
        "--secure-port=0",
        // Deleting a namespace asks for every resource type there is: not to be throttled by the client.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    ];
    Process::spawn(CONTROLLER_MANAGER, program, &args, ENVIRONMENT).map(Some)
}

/// What etcd and the API server say when somebody else has taken the port.
pub(crate) fn lost_its_port(process: &Process) -> bool {
    process.log().contains("address already in use")
}
