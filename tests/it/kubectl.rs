//! The real kubectl: what `cluster.rs` and `apply.rs` send for it elsewhere is
//! what it sends.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;

use oms_harness::{ControlPlane, Proxy, Request, Tools};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::apply::{annotated, three_way};
use crate::cluster::Cluster;
use crate::vendor::{another, kept, pasted};
use crate::world::World;

/// Runs kubectl as administrator in the namespace of this world, with `input`
/// for it to read.
pub async fn kubectl(world: &World, arguments: &[&str], input: Option<&Value>) {
    let kubeconfig = world.plane.kubeconfig();
    let mut kubectl = command(world.plane, &kubeconfig, &world.namespace)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("kubectl");
    let mut stdin = kubectl.stdin.take().expect("a pipe");
    if let Some(input) = input {
        let input = input.to_string();
        stdin.write_all(input.as_bytes()).await.expect("read");
    }
    drop(stdin);
    let output = kubectl.wait_with_output().await.expect("kubectl's answer");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

fn command(plane: &ControlPlane, kubeconfig: &Path, namespace: &str) -> Command {
    static TOOLS: LazyLock<Tools> = LazyLock::new(|| Tools::find().expect("kubectl"));
    let mut command = Command::new(&TOOLS.kubectl);
    command
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .arg("--cache-dir")
        .arg(plane.folder().join("kubectl"))
        .args(["--namespace", namespace]);
    command
}

/// kubectl as administrator of a namespace, by way of a proxy that listens.
struct Kubectl {
    plane: &'static ControlPlane,
    proxy: Proxy,
    namespace: String,
    kubeconfig: PathBuf,
}

impl Kubectl {
    async fn of(world: &World) -> Self {
        let token = world.plane.admin_token();
        let proxy = Proxy::start_as(world.plane, token).await.unwrap();
        let kubeconfig = proxy.kubeconfig(world.plane, token).unwrap();
        Self {
            plane: world.plane,
            proxy,
            namespace: world.namespace.clone(),
            kubeconfig,
        }
    }

    /// Runs `kubectl VERB... FILE` with this object in the file; gives the body
    /// of the one write it made.
    async fn run(&self, verb: &[&str], object: &Value) -> Value {
        let seen = self.proxy.requests().len();
        let file = self.plane.folder().join(format!("{}.json", self.namespace));
        std::fs::write(&file, object.to_string()).unwrap();
        let output = command(self.plane, &self.kubeconfig, &self.namespace)
            .args(verb)
            .arg(&file)
            .output()
            .await
            .unwrap();
        assert!(output.status.success(), "{verb:?}: {output:?}");
        let requests = self.proxy.requests().split_off(seen);
        let is_write = |request: &&Request| request.method != http::Method::GET;
        let writes: Vec<&Request> = requests.iter().filter(is_write).collect();
        assert_eq!(writes.len(), 1, "{writes:#?}");
        // `kubectl patch` alone leaves unknown fields to the server's default.
        let is_strict = writes[0].query.contains("fieldValidation=Strict");
        assert!(is_strict || verb[0] == "patch", "{}", writes[0]);
        serde_json::from_slice(&writes[0].body).unwrap()
    }
}

#[tokio::test]
async fn kubectl_itself_writes_the_vendors_request_as_the_tests_do() {
    let world = World::new("kubectl").await;
    let (kubectl, cluster) = (Kubectl::of(&world).await, Cluster::of(&world));
    created_replaced_and_patched(&kubectl, &cluster).await;
    applied(&kubectl, &cluster).await;
    world.finish([]).await;
}

async fn created_replaced_and_patched(kubectl: &Kubectl, cluster: &Cluster) {
    let (pasted, name) = (pasted(), "pasted");
    kubectl.run(&["create", "-f"], &pasted).await;
    assert_eq!(
        cluster.get(&pasted).await.unwrap()["spec"]["project"],
        kept()
    );
    kubectl.run(&["replace", "-f"], &another()).await;
    kubectl.run(&["replace", "-f"], &pasted).await;
    assert_eq!(
        cluster.get(&pasted).await.unwrap()["spec"]["project"],
        kept()
    );
    kubectl.run(&["replace", "-f"], &another()).await;
    let patch = json!({"spec": pasted["spec"]});
    let merge = [
        "patch",
        "migrationproject",
        name,
        "--type=merge",
        "--patch-file",
    ];
    let sent = kubectl.run(&merge, &patch).await;
    assert_eq!(sent, patch, "nulls and all");
    assert_eq!(
        cluster.get(&pasted).await.unwrap()["spec"]["project"],
        kept()
    );
}

/// What it sends to apply is what `apply.rs` makes, to begin with and over
/// something else.
async fn applied(kubectl: &Kubectl, cluster: &Cluster) {
    let named = |mut object: Value| {
        object["metadata"]["name"] = json!("applied");
        object["metadata"]["namespace"] = json!(kubectl.namespace);
        object
    };
    let (first, second) = (named(another()), named(pasted()));
    assert_eq!(
        kubectl.run(&["apply", "-f"], &first).await,
        annotated(&first)
    );
    for _ in 0..2 {
        let live = cluster.get(&second).await.unwrap();
        let sent = kubectl.run(&["apply", "-f"], &second).await;
        assert_eq!(Some(sent), three_way(&second, &live));
        let live = cluster.get(&second).await.unwrap();
        assert_eq!(live["spec"]["project"], kept());
        assert_eq!(live["metadata"]["generation"], 2);
    }
}
