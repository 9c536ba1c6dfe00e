//! Wrong manifests are refused with words that help, by the API server and by
//! `oms-operator check`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::check::checker;
use crate::cluster::Cluster;

#[tokio::test]
async fn every_wrong_manifest_is_refused_with_the_message_in_its_first_line() {
    let cluster = Cluster::with_namespace("invalid").await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/invalid");
    let checker = checker();
    let mut seen = 0;
    let mut failures = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy();
        let expected = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# expect: "))
            .unwrap_or_else(|| panic!("{name} does not begin with `# expect: `"));
        let manifest: Value = serde_saphyr::from_str(&text).unwrap();
        match cluster.try_create(&manifest).await {
            Ok(_) => failures.push(format!("{name} was accepted")),
            Err(message) if !message.contains(expected) => {
                failures.push(format!("{name}\n  wanted: {expected}\n  got: {message}"));
            }
            Err(_) => {}
        }
        let said = checker.text(&name, &text).text();
        if !said.contains(expected) {
            failures.push(format!(
                "{name}\n  wanted: {expected}\n  check said: {said}"
            ));
        }
        seen += 1;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(seen >= 25, "only {seen} wrong manifests");
}

#[tokio::test]
async fn a_password_in_a_url_is_refused_without_being_repeated() {
    let cluster = Cluster::with_namespace("invalid").await;
    for urls in [
        r#"{"url": "https://admin:hunter2@oms.example.com", "credentialsSecretRef": {"name": "oms"}}"#,
        r#"{"url": "https://oms.example.com", "formerUrls": ["https://admin:hunter2@oms.example.com"], "credentialsSecretRef": {"name": "oms"}}"#,
    ] {
        let spec: Value = serde_json::from_str(urls).unwrap();
        let refusal = cluster
            .try_create(&serde_json::json!({
                "apiVersion": "oms.oceanbase.com/v1alpha1",
                "kind": "OMSConnection",
                "metadata": { "name": "oms" },
                "spec": spec,
            }))
            .await
            .unwrap_err();
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }
}
