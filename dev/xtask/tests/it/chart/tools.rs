//! Helm and kubectl, as tests call them.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use oms_harness::{Tools, kubernetes_version};
use serde_json::Value;

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Where the chart is.
pub fn chart() -> PathBuf {
    root().join("charts/oms-operator")
}

/// The programs, built if they are not there.
pub fn tools() -> &'static Tools {
    static TOOLS: LazyLock<Tools> = LazyLock::new(|| Tools::find().expect("Helm and kubectl"));
    &TOOLS
}

/// Runs a program; what it says on standard output, or if it fails on standard error.
pub fn run<S: AsRef<std::ffi::OsStr>>(
    program: &Path,
    args: &[S],
    input: &str,
) -> Result<String, String> {
    let mut child = Command::new(program)
        .args(args)
        // Neither settings nor plugins of whoever runs the tests.
        .env_clear()
        .env("HOME", std::env::temp_dir().join("oms-operator-no-home"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is there");
    // A program that fails early may not read it to the end.
    let _ = child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input.as_bytes());
    let output = child.wait_with_output().expect("its end");
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).expect("text")),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// `helm template` with these further arguments, as text.
pub fn template(helm: &Path, args: &[&str]) -> Result<String, String> {
    let chart = chart();
    let mut all = vec!["template", "oms-operator", chart.to_str().expect("a path")];
    all.extend([
        "--namespace",
        "oms-system",
        "--kube-version",
        kubernetes_version(),
    ]);
    all.extend(args);
    run(helm, &all, "")
}

/// The objects in a text of several.
pub fn objects(text: &str) -> Vec<Value> {
    let all: Vec<Value> = serde_saphyr::from_multiple(text).expect("YAML");
    all.into_iter().filter(|object| !object.is_null()).collect()
}

/// Kind, namespace and name.
pub fn title(object: &Value) -> (String, String, String) {
    let text = |pointer: &str| {
        let found = object.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    (
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name"),
    )
}

/// The files of `ci/`: values that the chart is tried with.
pub fn value_sets() -> Vec<(String, PathBuf)> {
    let entries = std::fs::read_dir(chart().join("ci")).expect("the folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut sets: Vec<_> = paths
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy();
            (
                name.trim_end_matches("-values.yaml").to_owned(),
                path.clone(),
            )
        })
        .collect();
    sets.sort();
    sets
}

/// The module that has the definitions of ServiceMonitor, PodMonitor and PrometheusRule, and its checksum.
const MONITORING: (&str, &str) = (
    "github.com/prometheus-operator/prometheus-operator@v0.85.0",
    "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
);

/// These definitions, as their module has them.
pub fn monitoring_definitions() -> Vec<String> {
    let (module, sum) = MONITORING;
    let output = Command::new("go")
        .args(["mod", "download", "-json", module])
        // Outside of any module of this repository.
        .current_dir(std::env::temp_dir())
        .env("GOFLAGS", "-mod=mod")
        .env("GOWORK", "off")
        .output()
        .expect("Go: install it from https://go.dev/dl/");
    let said = String::from_utf8_lossy(&output.stdout);
    let module: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(
        module["Sum"], sum,
        "another module than the one that was looked at"
    );
    let folder = Path::new(module["Dir"].as_str().expect("a folder"))
        .join("example/prometheus-operator-crd");
    ["servicemonitors", "podmonitors", "prometheusrules"]
        .map(|kind| folder.join(format!("monitoring.coreos.com_{kind}.yaml")))
        .map(|path| {
            std::fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .into()
}
