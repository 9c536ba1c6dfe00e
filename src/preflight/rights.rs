//! The rights that the operator needs: the rules of `deploy/default/rbac.yaml`, asked of
//! the API server before anything is begun.
//!
//! Without the right to write a status, a project could be created whose id is
//! then recorded nowhere; that must not be found out by doing it.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use super::answered;

/// What may be done with some resources.
#[derive(Debug, PartialEq, Eq)]
pub struct Right {
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    /// Nothing can be done without it. Of what is not, a part is enough: it may
    /// have been given for some names alone, which cannot be asked for here.
    indispensable: bool,
}

const OURS: &str = "oms.oceanbase.com";

/// The rules of the ClusterRole in `deploy/default/rbac.yaml`, in its order.
pub const RIGHTS: &[Right] = &[
    Right {
        group: OURS,
        resources: &["migrationprojects"],
        verbs: &["get", "list", "watch", "patch"],
        indispensable: true,
    },
    Right {
        group: OURS,
        resources: &["omsconnections"],
        verbs: &["list", "watch", "patch"],
        indispensable: true,
    },
    Right {
        group: OURS,
        resources: &["migrationprojects/status", "omsconnections/status"],
        verbs: &["patch"],
        indispensable: true,
    },
    Right {
        group: "",
        resources: &["secrets", "configmaps"],
        verbs: &["get"],
        indispensable: false,
    },
    Right {
        group: "",
        resources: &["namespaces"],
        verbs: &["get"],
        indispensable: false,
    },
    Right {
        group: "events.k8s.io",
        resources: &["events"],
        verbs: &["create", "patch"],
        indispensable: false,
    },
];

/// What the account may not do.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Missing {
    /// Without these nothing is begun.
    pub indispensable: Vec<String>,
    /// Without these something else than usual comes of it.
    pub others: Vec<String>,
}

/// Asks for each right in each of the `scopes`; `None` is all namespaces. What
/// the API server does not answer counts as given: the question is a service.
///
/// # Errors
/// When the API server cannot be reached.
pub async fn missing(client: &Client, scopes: &[Option<&str>]) -> anyhow::Result<Missing> {
    let mut missing = Missing::default();
    for scope in scopes {
        for right in RIGHTS {
            for (resource, verb) in right.each() {
                if may(client, *scope, right.group, resource, verb).await? {
                    continue;
                }
                let list = match right.indispensable {
                    true => &mut missing.indispensable,
                    false => &mut missing.others,
                };
                list.push(words(*scope, right.group, resource, verb));
            }
        }
    }
    Ok(missing)
}

impl Right {
    fn each(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.resources
            .iter()
            .flat_map(|resource| self.verbs.iter().map(move |verb| (*resource, *verb)))
    }
}

async fn may(
    client: &Client,
    namespace: Option<&str>,
    group: &str,
    resource: &str,
    verb: &str,
) -> anyhow::Result<bool> {
    let (resource, subresource) = match resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (resource, None),
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                group: Some(group.to_owned()),
                namespace: namespace.map(str::to_owned),
                resource: Some(resource.to_owned()),
                subresource,
                verb: Some(verb.to_owned()),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let api: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let params = PostParams::default();
    match answered(|| api.create(&params, &review)).await? {
        Ok(review) => Ok(review.status.is_none_or(|status| status.allowed)),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "this account's rights cannot be asked for; going on without knowing them"
            );
            Ok(true)
        }
    }
}

fn words(scope: Option<&str>, group: &str, resource: &str, verb: &str) -> String {
    let dot = if group.is_empty() { "" } else { "." };
    let place = super::place(scope);
    format!("{verb} {resource}{dot}{group} {place}")
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::rbac::v1::ClusterRole;

    use super::*;

    #[test]
    fn what_is_asked_for_is_what_is_shipped() {
        let shipped = include_str!("../../deploy/default/rbac.yaml");
        let role = shipped
            .split("\n---\n")
            .find(|document| document.contains("kind: ClusterRole\n"))
            .expect("a ClusterRole");
        let role: ClusterRole = serde_saphyr::from_str(role).expect("YAML");
        let rules = role.rules.expect("rules");
        assert_eq!(rules.len(), RIGHTS.len());
        for (rule, right) in rules.iter().zip(RIGHTS) {
            assert_eq!(
                rule.api_groups.as_deref(),
                Some(&[right.group.to_owned()][..])
            );
            assert_eq!(
                rule.resources.as_deref().unwrap_or_default(),
                right.resources
            );
            assert_eq!(rule.verbs, right.verbs);
        }
    }
}
