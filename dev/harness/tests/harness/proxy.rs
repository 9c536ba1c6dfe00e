use http::Method;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Client;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use oms_harness::{ControlPlane, Match, Proxy, Refusal, until};

use crate::SOON;

/// A proxy, and the ConfigMaps of a new namespace on both sides of it.
struct Stage {
    proxy: Proxy,
    through: Api<ConfigMap>,
    direct: Api<ConfigMap>,
}

impl Stage {
    async fn set() -> Stage {
        let control_plane = ControlPlane::shared();
        let namespace = control_plane.namespace("proxy").await.unwrap();
        let proxy = Proxy::start(control_plane).await.unwrap();
        Stage {
            through: Api::namespaced(proxy.client(control_plane.admin_token()), &namespace),
            direct: Api::namespaced(control_plane.client(), &namespace),
            proxy,
        }
    }

    async fn create(&self, name: &str) -> kube::Result<ConfigMap> {
        self.through
            .create(&PostParams::default(), &config_map(name))
            .await
    }

    async fn is_there(&self, name: &str) -> bool {
        self.direct.get_opt(name).await.unwrap().is_some()
    }
}

fn config_map(name: &str) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name.to_owned());
    map
}

fn creates() -> Match {
    Match::any()
        .method(Method::POST)
        .path_ends_with("/configmaps")
}

fn is_no_answer(error: &kube::Error) -> bool {
    !matches!(error, kube::Error::Api(_))
}

#[tokio::test]
async fn without_faults_everything_goes_through_and_is_remembered() {
    let stage = Stage::set().await;
    stage.create("one").await.unwrap();
    let patch = Patch::Merge(serde_json::json!({"data": {"a": "b"}}));
    let patched = stage
        .through
        .patch("one", &PatchParams::default(), &patch)
        .await
        .unwrap();
    assert_eq!(patched.data.unwrap()["a"], "b");
    let missing = stage.through.get("two").await.unwrap_err();
    assert!(matches!(missing, kube::Error::Api(status) if status.is_not_found()));

    let requests = stage.proxy.requests();
    let seen: Vec<_> = requests
        .iter()
        .map(|request| (request.method.as_str(), request.status))
        .collect();
    assert_eq!(
        seen,
        [
            ("POST", Some(201)),
            ("PATCH", Some(200)),
            ("GET", Some(404))
        ]
    );
    assert!(
        requests[0].path.ends_with("/configmaps") && requests[1].path.ends_with("/configmaps/one")
    );
    assert_eq!(requests[1].body, r#"{"data":{"a":"b"}}"#);
    assert!(requests.iter().all(|request| request.fault.is_none()));
}

#[tokio::test]
async fn a_refusal_is_a_proper_status_and_nothing_is_done() {
    let stage = Stage::set().await;
    let conflict = stage.proxy.refuse(creates().times(1), 409);
    let busy = stage.proxy.refuse(
        creates().times(1),
        Refusal::new(429).message("slowly").retry_after(7),
    );
    let kube::Error::Api(first) = stage.create("one").await.unwrap_err() else {
        panic!("no status")
    };
    assert!(first.is_conflict() && first.code == 409, "{first:?}");
    let kube::Error::Api(second) = stage.create("one").await.unwrap_err() else {
        panic!("no status")
    };
    assert_eq!(
        (second.code, second.reason.as_str(), second.message.as_str()),
        (429, "TooManyRequests", "slowly")
    );
    assert_eq!(second.details.unwrap().retry_after_seconds, 7);
    assert!(!stage.is_there("one").await);
    stage.create("one").await.unwrap();
    assert_eq!((conflict.fired(), busy.fired()), (1, 1));
    let faults: Vec<_> = stage
        .proxy
        .requests()
        .into_iter()
        .map(|request| (request.fault, request.status))
        .collect();
    assert_eq!(
        faults,
        [
            (Some("refused"), Some(409)),
            (Some("refused"), Some(429)),
            (None, Some(201))
        ]
    );
}

#[tokio::test]
async fn cut_before_means_that_nothing_was_done() {
    let stage = Stage::set().await;
    let cut = stage.proxy.cut_before(creates());
    let error = stage.create("one").await.unwrap_err();
    assert!(is_no_answer(&error), "{error}");
    assert_eq!(cut.fired(), 1);
    assert!(!stage.is_there("one").await);
    cut.remove();
    stage.create("one").await.unwrap();
    assert_eq!(cut.fired(), 1);
}

#[tokio::test]
async fn cut_after_means_that_it_was_done_and_the_answer_lost() {
    let stage = Stage::set().await;
    let cut = stage.proxy.cut_after(creates());
    let error = stage.create("one").await.unwrap_err();
    assert!(is_no_answer(&error), "{error}");
    cut.wait_fired(1, SOON).await.unwrap();
    assert!(stage.is_there("one").await);
    assert_eq!(stage.proxy.requests()[0].status, None);
    stage.proxy.clear();
    let again = stage.create("one").await.unwrap_err();
    assert!(matches!(again, kube::Error::Api(status) if status.is_already_exists()));
}

#[tokio::test]
async fn a_request_held_before_is_done_only_when_released() {
    let stage = Stage::set().await;
    let gate = stage.proxy.hold_before(creates());
    let test = async {
        let held = gate.arrived(SOON).await.unwrap();
        assert!(String::from_utf8_lossy(&held.body).contains("one"));
        assert!(!stage.is_there("one").await);
        gate.release();
    };
    let (created, ()) = tokio::join!(stage.create("one"), test);
    created.unwrap();
    assert_eq!(gate.fired(), 1);
    stage
        .create("two")
        .await
        .expect("an open gate holds nothing");
}

#[tokio::test]
async fn a_client_that_goes_away_while_held_before_has_asked_for_nothing() {
    let stage = Stage::set().await;
    let gate = stage.proxy.hold_before(creates());
    let token = ControlPlane::shared().admin_token();
    let maps: Api<ConfigMap> =
        Api::namespaced(stage.proxy.client(token), stage.direct.namespace().unwrap());
    let request = tokio::spawn(async move {
        maps.create(&PostParams::default(), &config_map("one"))
            .await
    });
    gate.arrived(SOON).await.unwrap();
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    until(
        SOON,
        "the proxy to see that the client has gone",
        async || (gate.held() == 0).then_some(()),
    )
    .await
    .unwrap();
    gate.release();
    stage.create("two").await.unwrap();
    assert!(!stage.is_there("one").await);
}

#[tokio::test]
async fn an_answer_held_after_shows_work_that_is_done() {
    let stage = Stage::set().await;
    let gate = stage.proxy.hold_after(creates());
    let test = async {
        gate.arrived(SOON).await.unwrap();
        assert!(stage.is_there("one").await);
        gate.release();
    };
    let (created, ()) = tokio::join!(stage.create("one"), test);
    created.unwrap();
}

#[tokio::test]
async fn a_gate_can_cut_what_it_holds() {
    let stage = Stage::set().await;
    let gate = stage.proxy.hold_after(creates());
    let test = async {
        gate.arrived(SOON).await.unwrap();
        gate.cut();
    };
    let (created, ()) = tokio::join!(stage.create("one"), test);
    assert!(is_no_answer(&created.unwrap_err()));
    assert!(stage.is_there("one").await);
}

#[tokio::test]
async fn a_dropped_gate_opens() {
    let stage = Stage::set().await;
    let gate = stage.proxy.hold_before(creates());
    let test = async {
        gate.arrived(SOON).await.unwrap();
        drop(gate);
    };
    let (created, ()) = tokio::join!(stage.create("one"), test);
    created.unwrap();
}

#[tokio::test]
async fn every_condition_must_hold_and_occurrences_are_counted() {
    let stage = Stage::set().await;
    let second = stage.proxy.refuse(
        creates()
            .body_contains("\"name\":\"b")
            .query_contains("fieldManager=me")
            .nth(2),
        500,
    );
    let as_me = PostParams {
        field_manager: Some("me".to_owned()),
        ..PostParams::default()
    };
    let mut refused = Vec::new();
    for (name, params) in [
        ("a1", &as_me),
        ("b1", &as_me),
        ("b2", &PostParams::default()),
        ("b3", &as_me),
        ("b4", &as_me),
    ] {
        if stage
            .through
            .create(params, &config_map(name))
            .await
            .is_err()
        {
            refused.push(name);
        }
    }
    assert_eq!(refused, ["b3"]);
    assert_eq!(second.fired(), 1);
    let too_few = second
        .wait_fired(2, std::time::Duration::from_millis(50))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        too_few.contains("fire 2 times") && too_few.contains("has 1"),
        "{too_few}"
    );
}

#[tokio::test]
async fn a_watch_comes_through_event_by_event_and_can_be_cut() {
    let stage = Stage::set().await;
    // Without bookmarks, which come as they please.
    let params = WatchParams {
        bookmarks: false,
        ..WatchParams::default()
    };
    let mut watch = std::pin::pin!(stage.through.watch(&params, "0").await.unwrap());
    for name in ["one", "two"] {
        stage
            .direct
            .create(&PostParams::default(), &config_map(name))
            .await
            .unwrap();
        let event = tokio::time::timeout(SOON, next(&mut watch)).await.unwrap();
        let Some(Ok(WatchEvent::Added(seen))) = event else {
            panic!("{event:?}")
        };
        assert_eq!(seen.metadata.name.as_deref(), Some(name));
    }
    stage.proxy.cut_connections();
    let end = tokio::time::timeout(SOON, next(&mut watch)).await.unwrap();
    assert!(!matches!(end, Some(Ok(_))), "{end:?}");
    until(SOON, "a new connection to be served", async || {
        stage.create("three").await.ok()
    })
    .await
    .unwrap();
}

async fn next<S: futures::Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    futures::StreamExt::next(stream).await
}

#[tokio::test]
async fn a_refused_watch_is_an_error_at_once() {
    let stage = Stage::set().await;
    let gone = stage
        .proxy
        .refuse(Match::any().query_contains("watch=true"), 410);
    let Err(kube::Error::Api(status)) = stage.through.watch(&WatchParams::default(), "1").await
    else {
        panic!("no status")
    };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
    assert_eq!(gone.fired(), 1);
}

#[tokio::test]
async fn a_kubeconfig_leads_through_the_proxy() {
    let control_plane = ControlPlane::shared();
    let proxy = Proxy::start(control_plane).await.unwrap();
    let path = proxy
        .kubeconfig(control_plane, control_plane.admin_token())
        .unwrap();
    let kubeconfig = kube::config::Kubeconfig::read_from(path).unwrap();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &Default::default())
        .await
        .unwrap();
    let client = kube::Client::try_from(config).unwrap();
    Api::<ConfigMap>::namespaced(client, "kube-system")
        .list(&Default::default())
        .await
        .unwrap();
    assert!(
        proxy.requests()[0]
            .path
            .ends_with("/namespaces/kube-system/configmaps")
    );
}

#[tokio::test]
async fn whoever_sends_no_credentials_goes_with_those_of_the_proxy() {
    let control_plane = ControlPlane::shared();
    let token = control_plane.admin_token();
    let plain = Proxy::start(control_plane).await.unwrap();
    let admin = Proxy::start_as(control_plane, token).await.unwrap();
    let code = async |client: Client| {
        let maps: Api<ConfigMap> = Api::namespaced(client, "default");
        match maps.list(&ListParams::default()).await {
            Ok(_) => 200,
            Err(kube::Error::Api(status)) => status.code,
            Err(error) => panic!("no answer: {error}"),
        }
    };
    let bare = |proxy: &Proxy| {
        let config = kube::Config::new(proxy.url().parse().unwrap());
        Client::try_from(config).unwrap()
    };
    assert_eq!(code(bare(&plain)).await, 403);
    assert_eq!(code(bare(&admin)).await, 200);
    assert_eq!(code(admin.client("nonsense")).await, 401, "its own stand");
}
