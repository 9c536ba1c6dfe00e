//! How a resource must be once nothing goes wrong any more: at rest, and telling the truth.

use oms_simulator::{Oms, ProjectView};
use serde_json::Value;

use super::console::Console;

/// What is wrong or unfinished with one resource; nothing if it rests as it must.
pub fn unsettled(resource: &Value, oms: &Oms, console: &Console) -> Option<String> {
    let name = resource["metadata"]["name"].as_str().unwrap_or_default();
    let why = Subject::new(resource, oms, console).unsettled()?;
    Some(format!("{name}: {why}"))
}

/// A condition of a resource: status, reason and message.
pub fn condition<'a>(resource: &'a Value, kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let all = resource["status"]["conditions"].as_array()?;
    let it = all.iter().find(|condition| condition["type"] == kind)?;
    let text = |key: &str| it[key].as_str().unwrap_or_default();
    Some((text("status"), text("reason"), text("message")))
}

struct Subject<'a> {
    resource: &'a Value,
    console: &'a Console,
    oms: &'a Oms,
    project: Option<ProjectView>,
}

impl<'a> Subject<'a> {
    fn new(resource: &'a Value, oms: &'a Oms, console: &'a Console) -> Self {
        let id = resource["status"]["projectId"].as_str();
        Self {
            resource,
            console,
            oms,
            project: id.and_then(|id| oms.project(id).ok()),
        }
    }

    fn unsettled(&self) -> Option<String> {
        let (meta, status) = (&self.resource["metadata"], &self.resource["status"]);
        if !meta["deletionTimestamp"].is_null() {
            return Some("still being deleted".to_owned());
        }
        if status["observedGeneration"] != meta["generation"] {
            return Some("its spec is not looked at".to_owned());
        }
        let Some(id) = status["projectId"].as_str() else {
            return self.without_a_project();
        };
        let Some(project) = &self.project else {
            return self.stalls(&["ProjectGone"]).or_else(|| {
                // Nobody but the console takes one away whose resource stays.
                let removed = self.console.removed(id).is_some();
                (!removed).then(|| format!("{id} is gone, and nobody has removed it"))
            });
        };
        let is = project.status.as_str();
        let shown = status["projectStatus"].as_str().unwrap_or_default();
        if shown != is {
            return Some(format!("shows {shown:?}, and {id} is {is}"));
        }
        self.with_a_project(is)
    }

    fn with_a_project(&self, is: &str) -> Option<String> {
        let spec = &self.resource["spec"];
        let wanted = spec["state"].as_str().unwrap_or("Running");
        let resumes = spec["onExternalPause"] == "Resume";
        if self.resource["status"]["specMismatch"] == true {
            return self.stalls(&["SpecChangedDuringCreate"]);
        }
        match (is, wanted) {
            ("RUNNING", "Running" | "Created") => self.ready(),
            ("FINISHED", _) => self.ready(),
            ("INIT", "Created" | "Paused") => self.ready(),
            ("SUSPEND", "Paused") => self.ready(),
            ("SUSPEND", "Running") if resumes => Some("is to be resumed".to_owned()),
            ("SUSPEND", _) => self.stalls(&["Paused", "PausedOutside"]),
            ("FAILED", _) => self.stalls(&["Failed", "PrecheckFailed"]),
            ("RELEASED", _) => self.stalls(&["Released"]).or_else(|| {
                let id = self.project.as_ref()?.id.as_str();
                let released = self.console.has_released(id);
                (!released).then(|| format!("{id} is released, and nobody has asked for that"))
            }),
            (is, wanted) => Some(format!("{wanted} is wanted, and it is {is}")),
        }
    }

    fn without_a_project(&self) -> Option<String> {
        let Some((_, reason, message)) = self.stalled() else {
            return Some(format!("has no project: {}", self.says()));
        };
        let meta = &self.resource["metadata"];
        let text = |key: &str| meta[key].as_str().unwrap_or_default();
        let name = format!("{}.{}", text("namespace"), text("name"));
        let namesakes = self.oms.projects_named(&name);
        let living = namesakes
            .iter()
            .filter(|one| !matches!(one.status.as_str(), "RELEASED" | "RELEASING" | "DELETED"));
        let adopts = self.resource["spec"]["adopt"].is_object();
        let right = match reason {
            "NameConflict" => living.count() > usize::from(adopts),
            "AdoptNotFound" => adopts && living.count() == 0,
            "CreateAmbiguous" => !namesakes.is_empty(),
            _ => false,
        };
        (!right).then(|| format!("stalls without a cause: {reason}: {message}"))
    }

    fn ready(&self) -> Option<String> {
        let ready = condition(self.resource, "Ready");
        let right = ready.is_some_and(|(status, ..)| status == "True") && self.stalled().is_none();
        (!right).then(|| format!("is not Ready: {}", self.says()))
    }

    fn stalls(&self, reasons: &[&str]) -> Option<String> {
        let right = self
            .stalled()
            .is_some_and(|(_, reason, _)| reasons.contains(&reason));
        (!right).then(|| format!("is not Stalled for {reasons:?}: {}", self.says()))
    }

    fn stalled(&self) -> Option<(&str, &str, &str)> {
        condition(self.resource, "Stalled").filter(|(status, ..)| *status == "True")
    }

    fn says(&self) -> String {
        let said = condition(self.resource, "Ready");
        said.map_or_else(
            || "says nothing".to_owned(),
            |(status, reason, message)| format!("Ready={status} {reason}: {message}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use oms_simulator::Config;
    use serde_json::json;

    use super::*;

    fn resource(status: Value) -> Value {
        json!({
            "metadata": {"name": "orders", "namespace": "shop", "generation": 1},
            "spec": {}, "status": status,
        })
    }

    fn conditions(kind: &str, reason: &str) -> Value {
        json!([{"type": kind, "status": "True", "reason": reason, "message": "words"}])
    }

    #[test]
    fn a_status_that_is_not_the_projects_is_a_lie() {
        let (oms, console) = (Oms::new(Config::default()), Console::default());
        let id = oms.insert_project("shop.orders", "RUNNING", Oms::example_body("shop.orders"));
        let mut status = json!({"observedGeneration": 1, "projectId": id, "projectStatus": "RUNNING",
            "conditions": conditions("Ready", "Running")});
        assert_eq!(unsettled(&resource(status.clone()), &oms, &console), None);
        status["projectStatus"] = json!("SUSPEND");
        let why = unsettled(&resource(status), &oms, &console).unwrap();
        assert!(why.contains("shows \"SUSPEND\""), "{why}");
    }

    #[test]
    fn a_project_that_nobody_has_removed_must_not_be_called_gone() {
        let (oms, console) = (Oms::new(Config::default()), Console::default());
        let status = json!({"observedGeneration": 1, "projectId": "np_1",
            "conditions": conditions("Stalled", "ProjectGone")});
        let why = unsettled(&resource(status), &oms, &console).unwrap();
        assert!(why.contains("nobody has removed it"), "{why}");
    }

    #[test]
    fn a_name_conflict_needs_a_namesake() {
        let (oms, console) = (Oms::new(Config::default()), Console::default());
        let status = json!({"observedGeneration": 1,
            "conditions": conditions("Stalled", "NameConflict")});
        assert!(unsettled(&resource(status.clone()), &oms, &console).is_some());
        console.plant(&oms, "shop.orders", "RUNNING");
        assert_eq!(unsettled(&resource(status), &oms, &console), None);
    }
}
