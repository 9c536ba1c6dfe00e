//! The files of the scene, and what has to be another in them for the demo: where OMS is, and how
//! long a show may take.

use std::fs;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::paths::root;

/// As the comment in `examples/connection.yaml` names it.
const CA: (&str, &str) = ("oms-ca", "ca.crt");

/// One object of a file.
pub struct Document {
    /// Where it comes from.
    pub file: String,
    /// The object.
    pub value: Value,
}

impl Document {
    fn text(&self, pointer: &str) -> &str {
        let found = self.value.pointer(pointer);
        found.and_then(Value::as_str).unwrap_or_default()
    }

    fn is(&self, kind: &str) -> bool {
        self.text("/kind") == kind
    }

    /// Kind and name.
    pub fn what(&self) -> String {
        format!("{} {}", self.text("/kind"), self.text("/metadata/name"))
    }
}

/// All of them, what others refer to first.
pub struct Documents {
    documents: Vec<Document>,
}

impl Documents {
    /// Reads these YAML files, whose paths begin at the root of the repository.
    pub fn read<'a>(files: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Documents> {
        let mut documents = Vec::new();
        for file in files {
            let text = fs::read_to_string(root().join(file))
                .with_context(|| format!("cannot read {file}"))?;
            let values: Vec<Value> = serde_saphyr::from_multiple(&text)
                .with_context(|| format!("{file} is not YAML"))?;
            let values = values.into_iter().filter(|value| !value.is_null());
            documents.extend(values.map(|value| Document {
                file: file.to_owned(),
                value,
            }));
        }
        Ok(Documents::new(documents))
    }

    fn new(mut documents: Vec<Document>) -> Documents {
        documents.sort_by_key(|document| match document.text("/kind") {
            "OMSConnection" => 1,
            "MigrationProject" => 2,
            _ => 0,
        });
        Documents { documents }
    }

    /// The objects, in the order in which to apply them.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The names of the MigrationProjects.
    #[cfg(test)]
    pub fn projects(&self) -> Vec<String> {
        self.of_kind("MigrationProject")
            .map(|project| project.text("/metadata/name").to_owned())
            .collect()
    }

    /// User and password of the one Secret that the connections name. The simulator takes them, so
    /// that the Secret can stay as it is.
    pub fn credentials(&self) -> anyhow::Result<(String, String)> {
        let mut secrets: Vec<&str> = self
            .of_kind("OMSConnection")
            .map(|connection| connection.text("/spec/credentialsSecretRef/name"))
            .collect();
        secrets.dedup();
        let [name] = secrets.as_slice() else {
            bail!("the files name the Secrets {secrets:?}; the demo has one OMS with one login");
        };
        let secret = self
            .of_kind("Secret")
            .find(|secret| secret.text("/metadata/name") == *name)
            .with_context(|| format!("the files hold no Secret {name}"))?;
        let entry = |key: &str| secret.text(&format!("/stringData/{key}")).to_owned();
        Ok((entry("username"), entry("password")))
    }

    /// Points every connection to the OMS at `url`, whose certificate the authority `ca` has
    /// signed. Says what was changed.
    pub fn point_to(&mut self, url: &str, ca: &str) -> Vec<String> {
        let mut notes = Vec::new();
        let (name, key) = CA;
        let connections = self.documents.iter_mut();
        for connection in connections.filter(|document| document.is("OMSConnection")) {
            notes.push(format!(
                "changed for the demo: {}: spec.url {} -> {url}, spec.tls.caRef -> ConfigMap {name}",
                connection.what(),
                connection.text("/spec/url")
            ));
            connection.value["spec"]["url"] = json!(url);
            connection.value["spec"]["tls"] =
                json!({"caRef": {"kind": "ConfigMap", "name": name, "key": key}});
        }
        let authority = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name},
            "data": {key: ca},
        });
        let authority = Document {
            file: "the simulator".to_owned(),
            value: authority,
        };
        self.documents.insert(0, authority);
        notes
    }

    /// Has every connection swept each `sweep`, and every project count as caught up after `stable`
    /// on time. Says what was changed.
    pub fn hasten(&mut self, sweep: &str, stable: &str) -> Vec<String> {
        for document in &mut self.documents {
            if document.is("OMSConnection") {
                document.value["spec"]["sweepInterval"] = json!(sweep);
            }
            if document.is("MigrationProject") {
                document.value["spec"]["readiness"]["stableFor"] = json!(stable);
            }
        }
        vec![
            format!("changed for the demo: every OMSConnection: spec.sweepInterval -> {sweep}"),
            format!(
                "changed for the demo: every MigrationProject: spec.readiness.stableFor -> {stable}"
            ),
        ]
    }

    fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Document> {
        self.documents
            .iter()
            .filter(move |document| document.is(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents() -> Documents {
        let project = json!({"kind": "MigrationProject", "metadata": {"name": "shop"}});
        let connection = json!({
            "kind": "OMSConnection",
            "metadata": {"name": "oms"},
            "spec": {"url": "https://there", "credentialsSecretRef": {"name": "login"}},
        });
        let secret = json!({
            "kind": "Secret",
            "metadata": {"name": "login"},
            "stringData": {"username": "u", "password": "p"},
        });
        let documents = [project, connection, secret].map(|value| Document {
            file: "examples/x.yaml".to_owned(),
            value,
        });
        Documents::new(documents.into())
    }

    #[test]
    fn what_others_refer_to_comes_first() {
        let whats: Vec<String> = documents().documents().iter().map(Document::what).collect();
        assert_eq!(
            whats,
            ["Secret login", "OMSConnection oms", "MigrationProject shop"]
        );
    }

    #[test]
    fn the_login_is_that_of_the_secret_which_the_connection_names() {
        assert_eq!(
            documents().credentials().unwrap(),
            ("u".to_owned(), "p".to_owned())
        );
    }

    #[test]
    fn only_the_place_of_oms_is_changed_and_it_is_said() {
        let mut documents = documents();
        let notes = documents.point_to("https://here", "PEM");
        assert_eq!(notes.len(), 1);
        assert!(
            notes[0].contains("https://there -> https://here"),
            "{notes:?}"
        );
        let connection = documents.of_kind("OMSConnection").next().unwrap();
        assert_eq!(connection.text("/spec/url"), "https://here");
        assert_eq!(connection.text("/spec/tls/caRef/name"), "oms-ca");
        let authority = documents.of_kind("ConfigMap").next().unwrap();
        assert_eq!(authority.text("/data/ca.crt"), "PEM");
        assert_eq!(documents.projects(), ["shop"]);
    }

    #[test]
    fn a_show_is_faster_than_the_defaults() {
        let mut documents = documents();
        documents.hasten("1s", "3s");
        let connection = documents.of_kind("OMSConnection").next().unwrap();
        assert_eq!(connection.text("/spec/sweepInterval"), "1s");
        let project = documents.of_kind("MigrationProject").next().unwrap();
        assert_eq!(project.text("/spec/readiness/stableFor"), "3s");
    }
}
