//! A place for one resource at a time, which users keep busy: a resource, and after that one another, under
//! the same name or the next.

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

/// What the schema offers to users.
#[derive(Clone, Debug, Default)]
pub struct Offered {
    /// Values of `spec.state`.
    pub states: Vec<String>,
    /// Values of `spec.deletionPolicy`.
    pub policies: Vec<String>,
    /// Whether there is a `spec.suspend`.
    pub suspend: bool,
    /// Whether there is a `spec.onExternalPause`.
    pub external_pause: bool,
}

impl Offered {
    /// Reads it off the definition.
    pub fn of(definition: &Value) -> Offered {
        let spec = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
            ["properties"];
        let words = |field: &str| {
            let words = spec[field]["enum"].as_array().into_iter().flatten();
            words
                .filter_map(|word| word.as_str().map(str::to_owned))
                .collect()
        };
        Offered {
            states: words("state"),
            policies: words("deletionPolicy"),
            suspend: spec["suspend"].is_object(),
            external_pause: spec["onExternalPause"].is_object(),
        }
    }

    /// A run state, mostly Running.
    pub fn state(&self, random: &mut StdRng) -> &str {
        match random.random_range(0..3) {
            0 => self.states.choose(random).map_or("Running", String::as_str),
            _ => "Running",
        }
    }

    /// A deletion policy.
    pub fn policy(&self, random: &mut StdRng) -> &str {
        self.policies
            .choose(random)
            .map_or("Retain", String::as_str)
    }
}

/// The place.
#[derive(Clone, Debug)]
pub struct Slot {
    /// Where its resources are.
    pub namespace: String,
    /// Its number.
    pub number: u32,
    /// How many names it has had.
    pub incarnation: u32,
    /// What was applied last.
    pub manifest: Value,
}

impl Slot {
    /// An empty one.
    pub fn new(namespace: &str, number: u32) -> Slot {
        Slot {
            namespace: namespace.to_owned(),
            number,
            incarnation: 0,
            manifest: Value::Null,
        }
    }

    /// The name of its resource.
    pub fn name(&self) -> String {
        format!("r{}-{}", self.number, self.incarnation)
    }

    /// What the project of its resource is called, if the spec does not say.
    pub fn project(&self) -> String {
        format!("{}.{}", self.namespace, self.name())
    }

    /// Writes the manifest of the next resource. `again`: under the name that is free now, whose project may
    /// still be in OMS.
    pub fn write(&mut self, again: bool, offered: &Offered, random: &mut StdRng) -> &Value {
        if !again {
            self.incarnation += 1;
        }
        let endless = random.random_ratio(4, 5);
        let mut spec = json!({
            "connectionRef": {"name": "oms"},
            "project": {
                "type": "MIGRATION",
                "sourceEndpointId": "e_mysqlprod01",
                "sinkEndpointId": "e_obprod00001",
                "transferMapping": {"mode": "SPECIFIC", "databases": [{
                    "name": "shop", "mappedName": "shop",
                    "tables": [{"name": "orders", "mappedName": "orders"}],
                }]},
                "enableFullTransfer": true,
                "enableIncrTransfer": endless,
                "fullTransferConfig": {"fullTransferSpeedMode": "NORMAL"},
            },
        });
        let state = offered.state(random);
        if state != "Running" {
            spec["state"] = json!(state);
        }
        spec["deletionPolicy"] = json!(offered.policy(random));
        if offered.external_pause && random.random_ratio(1, 2) {
            spec["onExternalPause"] = json!("Resume");
        }
        if random.random_ratio(1, 4) {
            spec["retry"] = json!({"maxAttempts": 2, "initialDelay": "1s", "maxDelay": "5s"});
        }
        if random.random_ratio(1, 4) {
            spec["deletionTimeout"] = json!("10s");
            let then = ["Abandon", "Block"].choose(random);
            spec["onDeletionTimeout"] = json!(then);
        }
        if again && random.random_ratio(2, 3) {
            spec["adopt"] = json!({"byName": true});
        }
        self.manifest = json!({
            "apiVersion": "oms.oceanbase.com/v1alpha1", "kind": "MigrationProject",
            "metadata": {"name": self.name(), "namespace": self.namespace}, "spec": spec,
        });
        &self.manifest
    }
}

#[cfg(test)]
mod tests {
    use oms_operator::api::{Kind, crds_yaml};
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn what_is_offered_is_read_off_the_definition() {
        let definition = crds_yaml(Kind::MigrationProject);
        let offered = Offered::of(&serde_saphyr::from_str(&definition).unwrap());
        assert!(
            offered.states.contains(&"Running".to_owned()),
            "{offered:?}"
        );
        assert!(
            offered.policies.contains(&"Retain".to_owned()),
            "{offered:?}"
        );
    }

    #[test]
    fn a_name_is_new_unless_it_is_wanted_again() {
        let mut slot = Slot::new("shop", 7);
        let mut random = StdRng::seed_from_u64(1);
        slot.write(false, &Offered::default(), &mut random);
        assert_eq!(slot.project(), "shop.r7-1");
        slot.write(true, &Offered::default(), &mut random);
        assert_eq!(slot.name(), "r7-1");
        slot.write(false, &Offered::default(), &mut random);
        assert_eq!(slot.manifest["metadata"]["name"], "r7-2");
    }
}
