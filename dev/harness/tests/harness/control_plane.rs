use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt};
use oms_harness::{ControlPlane, Options, until};

use crate::SOON;

const READER: &str = "
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
- {apiGroups: [''], resources: [configmaps], verbs: [get, list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, name: reader}
";

const WIDGETS: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.harness.example.com}
spec:
  group: harness.example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {size: {type: integer}}
---
# An empty document, and then an object of the kind just made.
---
apiVersion: harness.example.com/v1
kind: Widget
metadata: {name: first}
spec: {size: 3}
";

fn config_map(name: &str) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name.to_owned());
    map
}

async fn create(client: &Client, namespace: &str, name: &str) -> kube::Result<ConfigMap> {
    Api::namespaced(client.clone(), namespace)
        .create(&PostParams::default(), &config_map(name))
        .await
}

#[tokio::test]
async fn a_definition_and_its_objects_are_applied_in_one_go() {
    let control_plane = ControlPlane::shared();
    let namespace = control_plane.namespace("apply").await.unwrap();
    let applied = control_plane
        .apply_yaml_in(&namespace, WIDGETS)
        .await
        .unwrap();
    assert_eq!(applied.len(), 2);
    assert_eq!(applied[1].data["spec"]["size"], 3);
    assert_eq!(applied[1].namespace().as_deref(), Some(namespace.as_str()));
    control_plane
        .apply_yaml_in(&namespace, WIDGETS)
        .await
        .expect("applying again changes nothing");
}

#[tokio::test]
async fn a_misspelt_field_is_refused_with_the_name_of_the_object() {
    let error = ControlPlane::shared()
        .apply_yaml("{apiVersion: v1, kind: ConfigMap, metadata: {name: wrong}, dta: {a: b}}")
        .await
        .unwrap_err();
    let error = format!("{error:#}");
    assert!(
        error.contains("ConfigMap default/wrong") && error.contains("dta"),
        "{error}"
    );
}

#[tokio::test]
async fn a_deleted_namespace_goes_away_with_all_in_it() {
    let control_plane = ControlPlane::shared();
    assert!(
        control_plane.has_controllers(),
        "this test needs a kube-controller-manager"
    );
    let name = control_plane.namespace("doomed").await.unwrap();
    create(&control_plane.client(), &name, "inhabitant")
        .await
        .unwrap();
    let namespaces = Api::<Namespace>::all(control_plane.client());
    namespaces
        .delete(&name, &DeleteParams::default())
        .await
        .unwrap();
    until(SOON, "the namespace to be gone", async || {
        namespaces
            .get_opt(&name)
            .await
            .unwrap()
            .is_none()
            .then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn what_is_owned_by_a_deleted_object_goes_away() {
    let control_plane = ControlPlane::shared();
    assert!(
        control_plane.has_controllers(),
        "this test needs a kube-controller-manager"
    );
    let namespace = control_plane.namespace("owner").await.unwrap();
    let maps = Api::<ConfigMap>::namespaced(control_plane.client(), &namespace);
    let owner = create(&control_plane.client(), &namespace, "owner")
        .await
        .unwrap();
    let mut owned = config_map("owned");
    owned.metadata.owner_references = Some(vec![
        kube::Resource::owner_ref(&owner, &()).expect("it has a name and a uid"),
    ]);
    maps.create(&PostParams::default(), &owned).await.unwrap();
    maps.delete("owner", &DeleteParams::background())
        .await
        .unwrap();
    until(SOON, "the owned object to be gone", async || {
        maps.get_opt("owned").await.unwrap().is_none().then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_service_account_may_do_what_its_role_says_and_the_audit_log_shows_the_rest() {
    let control_plane = ControlPlane::shared();
    let namespace = control_plane.namespace("rbac").await.unwrap();
    control_plane
        .apply_yaml_in(&namespace, READER)
        .await
        .unwrap();
    let token = control_plane
        .service_account_token(&namespace, "reader")
        .await
        .unwrap();
    let client = control_plane.client_for(&token);
    let mark = control_plane.audit().mark().await.unwrap();

    let maps = Api::<ConfigMap>::namespaced(client.clone(), &namespace);
    maps.list(&ListParams::default()).await.unwrap();
    let refused = create(&client, &namespace, "mine").await.unwrap_err();
    assert!(matches!(refused, kube::Error::Api(status) if status.is_forbidden()));
    let secrets = Api::<Secret>::namespaced(client, &namespace);
    secrets.get("password").await.unwrap_err();

    let entries = control_plane
        .audit()
        .since(mark)
        .await
        .unwrap()
        .service_account(&namespace, "reader");
    let seen: Vec<_> = entries
        .iter()
        .map(|entry| {
            (
                entry.verb.as_str(),
                entry.resource.as_str(),
                entry.name.as_deref(),
                entry.code,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("list", "configmaps", None, 200),
            ("create", "configmaps", None, 403),
            ("get", "secrets", Some("password"), 403),
        ],
        "{entries}"
    );
    assert_eq!(entries.forbidden().len(), 2);
    assert_eq!(entries.writes().len(), 1);
    assert_eq!(
        entries
            .resource("secrets")
            .verbs()
            .into_iter()
            .collect::<Vec<_>>(),
        ["get"]
    );
    assert!(
        entries
            .iter()
            .all(|entry| entry.namespace.as_deref() == Some(namespace.as_str()))
    );
}

#[tokio::test]
async fn a_mark_divides_the_log() {
    let control_plane = ControlPlane::shared();
    let namespace = control_plane.namespace("mark").await.unwrap();
    let client = control_plane.client();
    create(&client, &namespace, "before").await.unwrap();
    let mark = control_plane.audit().mark().await.unwrap();
    for number in 0..20 {
        create(&client, &namespace, &format!("after-{number}"))
            .await
            .unwrap();
    }
    let entries = control_plane
        .audit()
        .since(mark)
        .await
        .unwrap()
        .namespace(&namespace);
    assert_eq!(entries.writes().len(), 20, "{entries}");
    assert_eq!(
        entries.len(),
        20,
        "the reader's own requests are left out: {entries}"
    );
    let all = control_plane
        .audit()
        .all()
        .await
        .unwrap()
        .namespace(&namespace);
    assert_eq!(all.writes().len(), 21, "{all}");
}

#[tokio::test]
async fn a_watch_is_one_entry_from_its_begin_on() {
    let control_plane = ControlPlane::shared();
    let namespace = control_plane.namespace("watch").await.unwrap();
    let maps = Api::<ConfigMap>::namespaced(control_plane.client(), &namespace);
    let mark = control_plane.audit().mark().await.unwrap();
    let watch = maps.watch(&Default::default(), "0").await.unwrap();
    let during = control_plane
        .audit()
        .since(mark)
        .await
        .unwrap()
        .namespace(&namespace);
    assert_eq!(
        (during.len(), during[0].verb.as_str(), during[0].code),
        (1, "watch", 200)
    );
    assert_eq!(during[0].stage, "ResponseStarted");
    drop(watch);
    until(SOON, "the end of the watch in the log", async || {
        let after = control_plane
            .audit()
            .since(mark)
            .await
            .unwrap()
            .namespace(&namespace);
        assert_eq!(after.len(), 1, "{after}");
        (after[0].stage == "ResponseComplete").then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_written_kubeconfig_works() {
    let control_plane = ControlPlane::shared();
    let path = control_plane
        .write_kubeconfig(control_plane.admin_token(), None)
        .unwrap();
    for path in [path, control_plane.kubeconfig()] {
        let kubeconfig = kube::config::Kubeconfig::read_from(path).unwrap();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default())
            .await
            .unwrap();
        let client = Client::try_from(config).unwrap();
        assert!(
            client
                .apiserver_version()
                .await
                .unwrap()
                .git_version
                .starts_with("v1.")
        );
    }
}

#[tokio::test]
async fn a_restarted_api_server_has_kept_everything_and_its_address() {
    let control_plane = ControlPlane::start(Options {
        controllers: false,
        ..Options::default()
    })
    .await
    .unwrap();
    let (client, url) = (control_plane.client(), control_plane.url());
    create(&client, "default", "survivor").await.unwrap();
    let mark = control_plane.audit().mark().await.unwrap();
    let before = control_plane.processes().await;
    control_plane.restart_api_server().await.unwrap();
    assert_ne!(before, control_plane.processes().await);
    assert_eq!(control_plane.url(), url);
    Api::<ConfigMap>::namespaced(client, "default")
        .get("survivor")
        .await
        .unwrap();
    let entries = control_plane.audit().since(mark).await.unwrap();
    assert_eq!(entries.user("admin").name("survivor").len(), 1, "{entries}");
    control_plane.stop().await.unwrap();
}

#[tokio::test]
async fn the_history_has_every_version_also_after_a_crash_of_the_api_server() {
    let control_plane = ControlPlane::start(Options {
        controllers: false,
        ..Options::default()
    })
    .await
    .unwrap();
    control_plane.apply_yaml(WIDGETS).await.unwrap();
    let widget = |size: u8| {
        format!(
            "{{apiVersion: harness.example.com/v1, kind: Widget, metadata: {{name: first}}, spec: {{size: {size}}}}}"
        )
    };
    control_plane.apply_yaml(&widget(4)).await.unwrap();
    control_plane.crash_api_server().await.unwrap();
    control_plane.apply_yaml(&widget(5)).await.unwrap();
    let kind = GroupVersionKind::gvk("harness.example.com", "v1", "Widget");
    let resource = ApiResource::from_gvk(&kind);
    let widgets: Api<DynamicObject> =
        Api::namespaced_with(control_plane.client(), "default", &resource);
    widgets
        .delete("first", &DeleteParams::default())
        .await
        .unwrap();

    let mut history = control_plane.history("harness.example.com").await.unwrap();
    let mut sizes = Vec::new();
    loop {
        let write = tokio::time::timeout(SOON, history.next()).await;
        let write = write.expect("a write").unwrap();
        assert_eq!(
            write.key,
            "/registry/harness.example.com/widgets/default/first"
        );
        let Some(object) = write.object else { break };
        sizes.push(object["spec"]["size"].as_u64().unwrap());
    }
    assert_eq!(sizes, [3, 4, 5]);
    control_plane.stop().await.unwrap();
}

#[tokio::test]
async fn an_api_server_that_refuses_its_arguments_is_quoted() {
    let options = Options {
        api_server_args: vec!["--no-such-flag".to_owned()],
        ..Options::default()
    };
    let Err(error) = ControlPlane::start(options).await else {
        panic!("it started")
    };
    let error = format!("{error:#}");
    assert!(
        error.contains("kube-apiserver") && error.contains("no-such-flag"),
        "{error}"
    );
}
