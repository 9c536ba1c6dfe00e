//! What the notes print is what the operator of that release sees.

use serde_json::{Value, json};

use super::tools::{chart, run, tools};

/// The connection in the notes of a release with these settings. Of Helm 4: Helm 3 asks a cluster even here, and
/// `installed.rs` has the notes of both.
fn connection(settings: &[&str]) -> Value {
    let chart = chart();
    let mut args = vec![
        "install",
        "part",
        chart.to_str().expect("a path"),
        "--dry-run=client",
    ];
    args.extend(settings);
    let said = run(tools().helm(), &args, "").expect("a dry run");
    let (_, printed) = said.split_once("<<'EOF'\n").expect("a here-document");
    let (printed, _) = printed.split_once("\nEOF\n").expect("its end");
    serde_saphyr::from_str(printed).expect("YAML")
}

#[test]
fn the_connection_has_the_labels_that_the_selector_asks_for() {
    let create = [
        "--set=defaultConnection.create.enabled=true",
        "--set=defaultConnection.create.spec.url=https://oms.example.com:8089",
        "--set=defaultConnection.create.spec.credentialsSecretRef.name=oms-credentials",
    ];
    let several =
        r"--set=watchSelector=example.com/shard in (a\, b)\,tier!=test\,live\,x notin (y\, z)";
    let cases: &[(&[&str], Value)] = &[
        (&["--set=watchSelector=shard=a"], json!({"shard": "a"})),
        (&["--set=watchSelector=shard == a"], json!({"shard": "a"})),
        (&["--set=watchSelector=!shard"], json!({})),
        (&[several], json!({"example.com/shard": "a", "live": ""})),
        (
            &[several, r"--set=commonLabels.example\.com/shard=b"],
            json!({"example.com/shard": "b", "live": ""}),
        ),
        (&[], json!({})),
    ];
    for (settings, wanted) in cases {
        let found = connection(settings);
        let found = found["metadata"].get("labels").cloned();
        assert_eq!(&found.unwrap_or(json!({})), wanted, "{settings:?}");

        // Of the release's own connection there are more.
        let found = connection(&[&create[..], *settings].concat());
        for (key, value) in wanted.as_object().expect("labels") {
            assert_eq!(&found["metadata"]["labels"][key], value, "{settings:?}");
        }
    }
}
