//! What holds for every test, whatever it is about.

use std::fmt::Debug;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use oms_harness::{Entries, Entry};
use oms_operator::api::v1alpha1::{MigrationProject, OMSConnection};
use serde::de::DeserializeOwned;

use super::{ACCOUNT, Operator, PASSWORD, World};

impl World {
    /// Ends the test: stops the operators, and checks what holds for every one
    /// of them. No request was refused for want of a right, Secrets were only
    /// ever got, and the password is nowhere.
    pub async fn finish(self, operators: impl IntoIterator<Item = Operator>) {
        for operator in operators {
            operator.end().await;
        }
        self.assert_rights_suffice().await;
        self.assert_none_tells::<Event>().await;
        self.assert_none_tells::<MigrationProject>().await;
        self.assert_none_tells::<OMSConnection>().await;
        if let Some(simulator) = Arc::into_inner(self.simulator) {
            simulator.stop().await;
        }
    }

    /// What operators have asked of the API server since the test began,
    /// wherever: those of the tests beside this one, too.
    pub async fn asked(&self) -> Entries {
        let entries = self.plane.audit().since(self.mark).await;
        let entries = entries.expect("the audit log");
        entries.service_account(ACCOUNT.0, ACCOUNT.1)
    }

    /// Nobody takes a right from the operator's account; a test of missing
    /// rights has an account of its own.
    async fn assert_rights_suffice(&self) {
        let asked = self.asked().await;
        for refused in asked.forbidden() {
            assert!(self.is_expected(&refused).await, "refused: {refused}");
        }
        let secrets = asked.resource("secrets");
        let others = secrets.filter(|entry| entry.verb != "get");
        assert!(others.is_empty(), "verbs on Secrets: {others}");
    }

    /// The one refusal that no right helps against: a namespace that is being
    /// deleted takes no new Event.
    async fn is_expected(&self, refused: &Entry) -> bool {
        let request = (refused.verb.as_str(), refused.resource.as_str());
        let (("create", "events"), Some(name)) = (request, &refused.namespace) else {
            return false;
        };
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let namespace = namespaces.get_opt(name).await.expect("an answer");
        namespace.is_none_or(|one| one.metadata.deletion_timestamp.is_some())
    }

    async fn assert_none_tells<K>(&self)
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), &self.namespace);
        let all = api.list(&ListParams::default()).await.expect("a list");
        for one in all {
            assert_no_secret(&K::plural(&()), &format!("{one:?}"));
        }
    }
}

/// The planted password is in none of this, in no form.
pub fn assert_no_secret(place: &str, text: &str) {
    let header = STANDARD.encode(format!("operator:{PASSWORD}"));
    let password = STANDARD.encode(PASSWORD);
    for planted in [PASSWORD, header.as_str(), password.as_str()] {
        if let Some(at) = text.find(planted) {
            let start = text[..at].rfind('\n').map_or(0, |line| line + 1);
            panic!("the password is in {place}: {}", &text[start..at]);
        }
    }
}
