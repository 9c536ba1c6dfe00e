//! Every write to Kubernetes on the way to a project, refused or cut after it
//! was done: it is made again, and there is one project.

use kube::ResourceExt;
use oms_harness::{Fault, Match, Proxy};
use oms_operator::api::keys::FINALIZER;
use oms_simulator::{Kind, Oms, When};
use serde_json::json;

use crate::world::{DEADLINE, Operator, World, reservation};

const CREATE: &str = "CreateProject";

fn patch_of(path: &str) -> Match {
    Match::any()
        .method(http::Method::PATCH)
        .path_ends_with(path)
}

/// The reservation, with the finalizer.
pub fn reserving(name: &str) -> Match {
    patch_of(&format!("/migrationprojects/{name}")).body_contains("create-reservation")
}

/// The id of the project.
pub fn recording(name: &str) -> Match {
    patch_of(&format!("/migrationprojects/{name}/status")).body_contains("/status/projectId")
}

/// That the project runs.
fn publishing(name: &str) -> Match {
    patch_of(&format!("/migrationprojects/{name}/status")).body_contains("RUNNING")
}

/// That nobody knows the outcome of a call.
fn doubting(name: &str) -> Match {
    patch_of(&format!("/migrationprojects/{name}/status")).body_contains("\"Unknown\"")
}

/// The finalizer, alone or with the reservation.
fn holding(name: &str) -> Match {
    patch_of(&format!("/migrationprojects/{name}")).body_contains("finalizers")
}

/// The finalizer of the connection, before the first project is made through it.
fn holding_connection(_: &str) -> Match {
    patch_of("/omsconnections/oms").body_contains("finalizers")
}

/// What happens to `orders`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scene {
    /// It is created.
    Created,
    /// It is created, and the answer of OMS lost.
    Lost,
    /// It takes over a project that is there.
    Adopted,
    /// It is replaced by its first manifest during the call.
    Replaced,
    /// The same, and the answer of OMS is lost.
    ReplacedAndLost,
}

impl Scene {
    /// Begins, with the fault that `arm` puts into the proxy from where on the
    /// write in question may come.
    async fn begin(
        self,
        world: &World,
        proxy: &Proxy,
        arm: impl FnOnce() -> Fault,
    ) -> (Operator, Fault) {
        if matches!(self, Scene::Lost | Scene::ReplacedAndLost) {
            let lost = oms_simulator::Fault::new(CREATE, Kind::Drop);
            world.oms().fault(lost.times(1).after_work());
        }
        let patient = ["--oms-mutation-timeout=60s"];
        match self {
            Scene::Created | Scene::Lost => {
                let fault = arm();
                let operator = world.operator_with(&[], Some(proxy)).await;
                world.create("orders", json!({})).await;
                (operator, fault)
            }
            Scene::Adopted => {
                let body = Oms::example_body("planted");
                let planted = world.oms().insert_project("planted", "INIT", body);
                let fault = arm();
                let operator = world.operator_with(&[], Some(proxy)).await;
                let adopt = json!({"adopt": {"projectId": planted}});
                world.create("orders", adopt).await;
                (operator, fault)
            }
            Scene::Replaced | Scene::ReplacedAndLost => {
                let call = world.oms().hold(CREATE, When::AfterWork);
                let operator = world.operator_with(&patient, Some(proxy)).await;
                world.create("orders", json!({})).await;
                call.arrived().await;
                let replaced = world.replace("orders", json!({})).await;
                assert!(replaced.finalizers().is_empty() && reservation(&replaced).is_none());
                let fault = arm();
                call.release();
                (operator, fault)
            }
        }
    }

    /// How often CreateProject is called.
    fn creates(self) -> u64 {
        u64::from(self != Scene::Adopted)
    }

    /// Whether the resource carries a reservation in the end. It is put back
    /// for as long as it is needed only.
    fn is_reserved(self) -> bool {
        !matches!(self, Scene::Adopted | Scene::Replaced)
    }
}

async fn a_write_that_fails(scene: Scene, test: &str, arm: impl FnOnce(&Proxy) -> Fault) {
    let world = World::new(test).await;
    let proxy = world.proxy().await;
    let (operator, fault) = scene.begin(&world, &proxy, || arm(&proxy)).await;
    let project = world.until_running("orders").await;
    fault.wait_fired(1, DEADLINE).await.unwrap();
    world.has_exactly_one("orders").await;
    assert_eq!(world.oms().count(CREATE), scene.creates());
    assert_eq!(project.finalizers(), [FINALIZER]);
    assert_eq!(reservation(&project).is_some(), scene.is_reserved());
    world.finish([operator]).await;
}

/// Four tests of a write: refused twice with each code, and cut after it was
/// done.
macro_rules! writes {
    ($($name:ident: $write:ident when $scene:ident;)*) => {$(
        mod $name {
            use super::{Proxy, Scene, a_write_that_fails, $write};

            async fn refused(code: u16) {
                let test = format!("{}-{code}", stringify!($name).replace('_', "-"));
                let arm = |proxy: &Proxy| proxy.refuse($write("orders").times(2), code);
                a_write_that_fails(Scene::$scene, &test, arm).await;
            }

            #[tokio::test]
            async fn answered_409() {
                refused(409).await;
            }

            #[tokio::test]
            async fn answered_429() {
                refused(429).await;
            }

            #[tokio::test]
            async fn answered_500() {
                refused(500).await;
            }

            #[tokio::test]
            async fn done_but_its_answer_lost() {
                let test = format!("{}-cut", stringify!($name).replace('_', "-"));
                let arm = |proxy: &Proxy| proxy.cut_after($write("orders").times(1));
                a_write_that_fails(Scene::$scene, &test, arm).await;
            }
        }
    )*};
}

writes! {
    reserve: reserving when Created;
    record: recording when Created;
    publish: publishing when Created;
    hold_connection: holding_connection when Created;
    doubt: doubting when Lost;
    record_found: recording when Lost;
    hold_adopted: holding when Adopted;
    record_adopted: recording when Adopted;
    hold_again: holding when Replaced;
    reserve_again: reserving when ReplacedAndLost;
}
