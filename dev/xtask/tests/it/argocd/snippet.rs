//! `argocd-cm.yaml`, as Argo CD reads it.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::{KINDS, folder, read, yaml};

/// The value of a key for actions.
#[derive(Deserialize)]
struct Actions {
    #[serde(rename = "discovery.lua")]
    discovery: String,
    definitions: Vec<Definition>,
}

#[derive(Deserialize)]
struct Definition {
    name: String,
    #[serde(rename = "action.lua")]
    action: String,
}

#[test]
fn it_has_each_script_word_for_word() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/argocd/argocd-cm.yaml");
    let config_map: Value = yaml(&path);
    let entry = |what: &str, kind: &str| {
        let key = format!("resource.customizations.{what}.oms.oceanbase.com_{kind}");
        let entry = config_map["data"][&key].as_str();
        entry.unwrap_or_else(|| panic!("no key {key}")).to_owned()
    };
    for kind in KINDS {
        let folder = folder(kind);
        assert_eq!(entry("health", kind), read(&folder.join("health.lua")));
        let actions: Actions =
            serde_saphyr::from_str(&entry("actions", kind)).expect("the actions");
        let folder = folder.join("actions");
        assert_eq!(actions.discovery, read(&folder.join("discovery.lua")));
        assert!(!actions.definitions.is_empty());
        for definition in actions.definitions {
            let path = folder.join(&definition.name).join("action.lua");
            assert_eq!(definition.action, read(&path), "{}", definition.name);
        }
    }
    assert_eq!(config_map["data"].as_object().expect("keys").len(), 4);
}
