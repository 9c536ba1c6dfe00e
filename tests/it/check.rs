//! `oms-operator check` against the real API server: the same verdict, and for
//! the same fields in the same words.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use futures::StreamExt as _;
use kube::core::Status;
use oms_operator::check::{Checker, Options, Report};
use oms_operator::decide::Naming;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::process::command;

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What `oms-operator check` checks with.
pub fn checker() -> Checker {
    Checker::new(Options {
        namespace: "default".into(),
        naming: Naming::default(),
        bodies: false,
    })
    .unwrap()
}

/// What is wrong according to `check`, each as field and words.
fn said(report: &Report) -> BTreeSet<String> {
    let documents = report.documents.iter();
    documents
        .flat_map(|checked| &checked.problems)
        .map(|problem| {
            let prefix = format!("{}: ", problem.field);
            match problem.message.strip_prefix(&prefix) {
                Some(words) => format!("{prefix}{}", plain(&problem.field, words)),
                None => problem.message.clone(),
            }
        })
        .collect()
}

/// Whether the verdict and the words agree; if not, how they differ.
fn compare(refusal: Option<&Status>, report: &Report) -> Result<(), String> {
    let said = said(report);
    let Some(refusal) = refusal else {
        // The operator alone refuses a selector that cannot be read.
        let operators = |said: &String| said.contains("selector: it matches no namespace (");
        return match report.unreadable.is_empty() && said.iter().all(operators) {
            true => Ok(()),
            false => Err(format!("the server takes it; check says {said:#?}")),
        };
    };
    let words = &refusal.message;
    // The server stops at the first stage that finds a fault; check goes on.
    let agree = if words.contains("strict decoding error") {
        let fields =
            words.matches("unknown field").count() + words.matches("duplicate field").count();
        let same = said.iter().filter(|said| {
            let field = said.split("; ").next().unwrap_or_default();
            field.contains(" field \"") && words.contains(field)
        });
        fields > 0 && same.count() == fields
    } else if words.contains("cannot be handled as") {
        // The decoder of the metadata names no field.
        said.iter().any(|said| said.contains("metadata."))
    } else {
        let causes = causes(refusal);
        let blocked = words.contains("some validation rules were not checked");
        !said.is_empty() && causes.is_subset(&said) && (blocked || causes == said)
    };
    match agree {
        true => Ok(()),
        false => Err(format!("the server says {words}\n  check says {said:#?}")),
    }
}

/// What is wrong according to the server, each as field and words.
fn causes(refusal: &Status) -> BTreeSet<String> {
    let details = refusal.details.iter();
    details
        .flat_map(|details| &details.causes)
        // That rules were not checked; and a fault told twice.
        .filter(|cause| cause.field != "<nil>")
        .map(|cause| format!("{}: {}", cause.field, plain(&cause.field, &cause.message)))
        .collect()
}

/// The words of the server; where a whole number is wanted it says less about
/// what it found instead than elsewhere, and check the same as elsewhere.
fn plain(field: &str, message: &str) -> String {
    match message.split_once(" in body must be of type int") {
        Some(_) => format!("not an integer: {field}"),
        None => message.to_owned(),
    }
}

/// The examples: objects that are all right.
fn examples() -> Vec<Value> {
    let (mut found, mut folders) = (Vec::new(), vec![root("examples")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                let text = fs::read_to_string(&path).unwrap();
                found.extend(serde_saphyr::from_multiple::<Value>(&text).unwrap());
            }
        }
    }
    found.retain(|object| object["apiVersion"] == "oms.oceanbase.com/v1alpha1");
    for object in &mut found {
        let metadata = object["metadata"].as_object_mut().unwrap();
        // The one of the test is another.
        metadata.remove("namespace");
    }
    assert!(found.len() >= 4);
    found
}

/// A project and a connection that set as much as can stand together.
fn full() -> Vec<Value> {
    let request = fs::read_to_string(root("tests/fixtures/oms/createproject-request.json"));
    let request: Value = serde_json::from_str(&request.unwrap()).unwrap();
    vec![
        json!({
            "apiVersion": "oms.oceanbase.com/v1alpha1",
            "kind": "MigrationProject",
            "metadata": {"name": "full", "labels": {"app": "shop"}, "annotations": {"a/b": "c"}},
            "spec": {
                "connectionRef": {"name": "oms", "namespace": "oms"},
                "state": "Running",
                "deletionPolicy": "Retain",
                "readiness": {"maxLag": "60s", "stableFor": "30s"},
                "project": request,
                "extraProperties": {"some": {"thing": [1]}},
            },
        }),
        json!({
            "apiVersion": "oms.oceanbase.com/v1alpha1",
            "kind": "OMSConnection",
            "metadata": {"name": "full"},
            "spec": {
                "url": "https://oms.example.com:8089",
                "formerUrls": ["http://10.0.0.1:8089"],
                "credentialsSecretRef": {"name": "oms"},
                "tls": {"caRef": {"kind": "Secret", "name": "ca", "key": "ca.crt"}},
                "sweepInterval": "30s",
                "adoption": "Any",
                "allowedNamespaces": {"from": "Selector", "selector": {
                    "matchLabels": {"team": "shop"},
                    "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
                }},
            },
        }),
    ]
}

/// The pointers of all values below one, the first of a list for all of them.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(object) => object.iter().map(|(key, v)| (key.clone(), v)).collect(),
        Value::Array(items) => items
            .first()
            .map(|v| ("0".to_owned(), v))
            .into_iter()
            .collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        found.push(at.clone());
        pointers(child, &at, found);
    }
}

/// The object with one value changed, in every way that tells; of the wrong
/// values each place gets a few, in turn.
fn mutants(object: &Value) -> Vec<(String, Value)> {
    let mut places = Vec::new();
    pointers(&object["spec"], "/spec", &mut places);
    places.extend(["/spec", "/metadata/labels", "/metadata/labels/app"].map(String::from));
    let values = [
        json!(null),
        json!(""),
        json!("x ".repeat(1100)),
        json!(true),
        json!(-1),
        json!(2.5),
        json!(9_000_000_000_000_000_i64),
        json!([]),
        json!([null]),
        json!({}),
    ];
    let mut found = Vec::new();
    for (index, place) in places.iter().enumerate() {
        let mut with = |what: String, change: &dyn Fn(&mut Value)| {
            let mut mutant = object.clone();
            if let Some(node) = mutant.pointer_mut(place) {
                change(node);
                found.push((format!("{place} {what}"), mutant));
            }
        };
        with("= null".into(), &|node| *node = Value::Null);
        for value in values.iter().cycle().skip(4 * index).take(4) {
            let short: String = value.to_string().chars().take(30).collect();
            with(format!("= {short}"), &|node| *node = value.clone());
        }
        with("with a stranger".into(), &|node| {
            if let Some(object) = node.as_object_mut() {
                object.insert("unheardOf".into(), json!(1));
            }
        });
    }
    for place in &places {
        let (parent, key) = place.rsplit_once('/').unwrap();
        let mut mutant = object.clone();
        if let Some(object) = mutant.pointer_mut(parent).and_then(Value::as_object_mut) {
            object.remove(key);
            found.push((format!("{place} removed"), mutant));
        }
    }
    found
}

#[tokio::test]
async fn every_change_of_a_good_resource_gets_the_verdict_and_the_words_of_the_server() {
    let cluster = &Cluster::with_namespace("check-mutants").await;
    let checker = &checker();
    let mutants: Vec<_> = full().iter().flat_map(mutants).collect();
    let verdicts = futures::stream::iter(&mutants).map(|(what, mutant)| async move {
        let refusal = cluster.refusal(JSON, mutant, mutant.to_string()).await;
        let report = checker.text("a.json", &mutant.to_string());
        let verdict = compare(refusal.as_ref(), &report);
        let difference = verdict
            .err()
            .map(|difference| format!("{what}: {difference}"));
        (refusal.is_some(), difference)
    });
    let verdicts: Vec<_> = verdicts.buffer_unordered(16).collect().await;
    let refused = verdicts.iter().filter(|(refused, _)| *refused).count();
    let differences: Vec<&String> = verdicts.iter().filter_map(|(_, d)| d.as_ref()).collect();
    assert!(
        differences.is_empty(),
        "{} differences\n{}",
        differences.len(),
        differences
            .iter()
            .take(40)
            .map(|d| d.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    );
    let taken = verdicts.len() - refused;
    assert!(
        refused > 400 && taken > 80,
        "{refused} refused, {taken} taken"
    );
}

#[tokio::test]
async fn every_fixture_and_every_example_gets_the_verdict_of_the_server() {
    let cluster = Cluster::with_namespace("check-files").await;
    let checker = checker();
    let mut differences = Vec::new();
    for object in examples().into_iter().chain(full()) {
        let refusal = cluster.refusal(JSON, &object, object.to_string()).await;
        let report = checker.text("a.json", &object.to_string());
        assert!(refusal.is_none(), "{refusal:?}");
        assert_eq!(report.exit_code(), 0, "{}", report.text());
    }
    for entry in fs::read_dir(root("tests/fixtures/invalid")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let object: Value = serde_saphyr::from_str(&text).unwrap();
        let refusal = cluster.refusal(YAML, &object, text.clone()).await;
        let report = checker.text("a.yaml", &text);
        if let Err(difference) = compare(refusal.as_ref(), &report) {
            differences.push(format!("{}: {difference}", path.display()));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// Names, labels and annotations; as YAML, because some of it is about YAML.
#[tokio::test]
async fn metadata_urls_and_yaml_are_taken_as_the_server_takes_them() {
    let cluster = Cluster::with_namespace("check-texts").await;
    let checker = checker();
    let with = |metadata: &str, url: &str, more: &str| {
        format!(
            "apiVersion: oms.oceanbase.com/v1alpha1\nkind: OMSConnection\nmetadata: {metadata}\n\
             spec: {{url: {url}, credentialsSecretRef: {{name: oms}}}}\n{more}"
        )
    };
    let good = "{name: oms}";
    let long = "x".repeat(64);
    let mut texts: Vec<String> = [
        "{name: Oms}",
        "{name: o_s}",
        "{name: -oms}",
        "{name: a..b}",
        "{name: a.b-c}",
        "{}",
        "{generateName: oms-}",
        "{generateName: Oms-}",
        "{generateName: '-'}",
        "{name: oms, labels: {a: b, 'c/d': ''}}",
        "{name: oms, labels: {'a b': c, 'A/b': c, a: 'b c', 'a/': b, '/a': b, a/b/c: d}}",
        "{name: oms, annotations: {A/b: 'anything at all', 'a b': c}}",
        "{name: oms, nmae: a}",
        "{name: oms, finalizers: [a/b]}",
    ]
    .map(|metadata| with(metadata, "https://a", ""))
    .into();
    texts.push(with(
        &format!("{{name: {}}}", "x".repeat(254)),
        "https://a",
        "",
    ));
    texts.push(with(
        &format!("{{name: oms, labels: {{{long}: {long}}}}}"),
        "https://a",
        "",
    ));
    texts.extend(
        [
            "'https://a:8089/api/v2'",
            "'HTTPS://A'",
            "'https://'",
            "'https:///a'",
            "'https:a'",
            "'//a'",
            "'/a'",
            "'a:8089'",
            "'10.0.0.1:8089'",
            "'https://a b'",
            "'https://a/b%zz'",
            "'https://a:b'",
            "'https://a@b'",
            "'https://a?'",
            "'https://a#'",
            "'https://[::1]:8089'",
            "'https://[::1'",
            "'https://a:1:2'",
            "'https://a^b'",
            "'ftp://a'",
            "' https://a'",
            "\"https://a\\n\"",
            "'ht!tp://a'",
            "'1http://a'",
            "'https://a%41'",
            "':a'",
        ]
        .map(|url| with(good, url, "")),
    );
    texts.extend(
        [
            "spec: {url: https://a}\n",
            "status: {projects: -5}\n",
            "status: {unheardOf: 5}\n",
            "unheardOf: 1\n",
        ]
        .map(|more| with(good, "https://a", more)),
    );
    for word in ["yes", "on", "True", "TRUE", "y", "'true'", "1", "~"] {
        texts.push(format!(
            "apiVersion: oms.oceanbase.com/v1alpha1\nkind: MigrationProject\nmetadata: {{name: a}}\nspec:\n  project:\n    \
             type: MIGRATION\n    enableStructTransfer: {word}\n    sourceEndpointId: e_1\n    sinkEndpointId: e_2\n    \
             transferMapping: {{mode: WILDCARD}}\n"
        ));
    }
    for hours in [
        "0o20", "020", "1_0", "0x10", "1e1", "10.0", "10.5", "!!str 10", "8761.0", "1e17", "-1.0",
    ] {
        texts.push(format!(
            "apiVersion: oms.oceanbase.com/v1alpha1\nkind: MigrationProject\nmetadata: {{name: a}}\nspec:\n  project:\n    \
             type: MIGRATION\n    incrTransferConfig: {{storeLogKeptHour: {hours}}}\n    sourceEndpointId: e_1\n    \
             sinkEndpointId: e_2\n    transferMapping: {{mode: WILDCARD}}\n"
        ));
    }
    let mut differences = Vec::new();
    for text in texts {
        let kind = text
            .lines()
            .nth(1)
            .and_then(|line| line.strip_prefix("kind: "));
        let of = json!({ "kind": kind, "metadata": {} });
        let refusal = cluster.refusal(YAML, &of, text.clone()).await;
        let report = checker.text("a.yaml", &text);
        let refused = report.exit_code() != 0;
        // What the operator refuses beyond the server is right to be refused.
        let operators = report.text().contains("the URL");
        if refusal.is_some() != refused && !operators {
            let server = refusal.map(|refusal| refusal.message);
            differences.push(format!(
                "{text}  server: {server:?}\n  check: {}",
                report.text()
            ));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_exit_status_says_taken_refused_or_unreadable() {
    let status = |path: &str| {
        let path = root(path).display().to_string();
        command(&["check", "-f", &path]).status.code()
    };
    assert_eq!(status("examples"), Some(0));
    assert_eq!(status("tests/fixtures/invalid"), Some(1));
    assert_eq!(status("no/such/file.yaml"), Some(2));
    // A file that holds nothing of ours.
    assert_eq!(status("deploy/default/rbac.yaml"), Some(2));
    let usage = command(&["check"]);
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn a_manifest_of_what_is_no_request_comes_with_what_would_be_refused() {
    let request = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-request.json");
    fs::write(&request, r#"{"a": 1}"#).unwrap();
    let output = command(&["manifest", &request.display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let manifest = String::from_utf8(output.stdout).unwrap();
    let refused = checker().text("a.yaml", &manifest);
    assert_eq!(refused.exit_code(), 1);
    let warnings = String::from_utf8(output.stderr).unwrap();
    for problem in &refused.documents[0].problems {
        let line = format!("warning: {}", problem.message);
        assert!(
            warnings.lines().any(|one| one == line),
            "{line}: {warnings}"
        );
    }
    // Of the vendor's own there is nothing to say.
    let request = root("tests/fixtures/oms/createproject-request.json");
    let output = command(&["manifest", &request.display().to_string()]);
    assert_eq!(output.stderr, b"", "{output:?}");
}

#[test]
fn standard_input_is_read_and_json_is_written() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_oms-operator"))
        .args([
            "check",
            "-o",
            "json",
            "--print-body",
            "-n",
            "team",
            "-f",
            "-",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = fs::read(root("examples/by-data-source-names.yaml")).unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checked = &report["documents"][0];
    assert_eq!(
        (&checked["file"], &checked["document"]),
        (&json!("-"), &json!(1))
    );
    assert_eq!(checked["problems"], json!([]));
    let source = checked["body"]["sourceEndpointId"].as_str().unwrap();
    assert!(source.starts_with("<id of the data source "), "{source}");
    let summary = String::from_utf8(output.stderr).unwrap();
    assert!(summary.starts_with("1 checked, 0 refused"), "{summary}");
}
