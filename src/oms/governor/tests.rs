//! The governor at work: through the client, over a transport that counts, under paused time.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response};
use serde_json::Map;
use tokio::time::{Instant, advance, sleep};

use super::*;
use crate::oms::{
    BaseUrl, Class, Client, Credentials, ListProjects, Outcome, Settings, Transport, TransportError,
};

const URL: &str = "https://oms.example:8089";

/// How the OMS of a test behaves.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Well,
    /// Nothing answers.
    Away,
    /// 429, with this many seconds in `Retry-After`, if any.
    Busy(Option<u64>),
}

/// An OMS that takes 100 ms for a call, and counts.
struct Server {
    began: Instant,
    mood: Mutex<Mood>,
    /// What was sent, and after how many milliseconds.
    sent: Mutex<Vec<(Action, u128)>>,
    under_way: AtomicU32,
    most: AtomicU32,
}

impl Server {
    fn new() -> Arc<Server> {
        Arc::new(Server {
            began: Instant::now(),
            mood: Mutex::new(Mood::Well),
            sent: Mutex::default(),
            under_way: AtomicU32::new(0),
            most: AtomicU32::new(0),
        })
    }

    fn client(self: &Arc<Server>, governor: &Arc<Governor>) -> Client {
        let credentials = Credentials::new("admin", "secret").unwrap();
        let settings = Settings {
            governor: Some(governor.clone()),
            ..Settings::new(BaseUrl::parse(URL).unwrap(), credentials)
        };
        let server = self.clone();
        let service =
            tower::service_fn(move |request: Request<Bytes>| server.clone().answer(request));
        Client::with_transport(settings, Transport::new(service))
    }

    async fn answer(
        self: Arc<Server>,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, TransportError> {
        let action = *request.extensions().get::<Action>().unwrap();
        self.sent
            .lock()
            .push((action, self.began.elapsed().as_millis()));
        let now = self.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        sleep(Duration::from_millis(100)).await;
        self.under_way.fetch_sub(1, Ordering::Relaxed);
        let mood = *self.mood.lock();
        match mood {
            Mood::Away => Err(TransportError::broken("reset")),
            Mood::Well => Ok(Response::new(Bytes::from_static(
                br#"{"success":true,"data":"np_1"}"#,
            ))),
            Mood::Busy(retry_after) => {
                let mut response = Response::builder().status(429);
                if let Some(seconds) = retry_after {
                    response = response.header("Retry-After", seconds);
                }
                Ok(response.body(Bytes::new()).unwrap())
            }
        }
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock() = mood;
    }

    fn count(&self) -> usize {
        self.sent.lock().len()
    }

    fn actions(&self) -> Vec<Action> {
        self.sent.lock().iter().map(|(action, _)| *action).collect()
    }
}

fn limits(requests_per_second: u32, max_in_flight: u32) -> Limits {
    Limits {
        requests_per_second: NonZeroU32::new(requests_per_second),
        max_in_flight: NonZeroU32::new(max_in_flight),
    }
}

fn governor(limits: Limits) -> Arc<Governor> {
    Governors::default().join("a/b", &BaseUrl::parse(URL).unwrap(), limits)
}

/// A client, its governor and its OMS.
fn world(limits: Limits) -> (Client, Arc<Governor>, Arc<Server>) {
    let (governor, server) = (governor(limits), Server::new());
    (server.client(&governor), governor, server)
}

async fn start(client: &Client) -> Outcome<()> {
    client.start_project("np_1").await
}

async fn starts(client: &Client, count: usize) -> Vec<Outcome<()>> {
    join_all((0..count).map(|_| start(client))).await
}

/// A call that only looks, whatever comes of it.
async fn look(client: &Client) {
    drop(client.precheck_result("np_1").await);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_under_way_than_the_connection_allows() {
    let (client, governor, server) = world(limits(0, 2));
    starts(&client, 20).await;
    assert_eq!(
        (server.count(), server.most.load(Ordering::Relaxed)),
        (20, 2)
    );
    let standing = governor.standing();
    assert_eq!((standing.under_way, standing.limit), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_spread_over_the_seconds_that_its_rate_takes() {
    let (client, _, server) = world(limits(10, 0));
    let burst = starts(&client, 35);
    tokio::pin!(burst);
    for (milliseconds, sent) in [(950, 10..=19), (1000, 20..=29)] {
        let () = tokio::select! {
            _ = &mut burst => {}
            () = sleep(Duration::from_millis(milliseconds)) => {}
        };
        assert!(
            sent.contains(&server.count()),
            "{} of {sent:?}",
            server.count()
        );
    }
    burst.await;
    assert_eq!(server.count(), 35);
}

#[tokio::test(start_paused = true)]
async fn the_urgent_goes_first_and_nobody_starves() {
    let (client, _, server) = world(limits(0, 1));
    let held = client.in_a_place(Action::StartProject).await.unwrap();
    let body = Map::new();
    let all = async {
        tokio::join!(
            look(&client),
            async { drop(client.create_project(&body).await) },
            starts(&client, 20),
            async {
                sleep(Duration::from_millis(1)).await;
                assert_eq!(server.count(), 0, "the only place is taken");
                drop(held);
            },
        );
    };
    all.await;
    let actions = server.actions();
    let place = |action| actions.iter().position(|sent| *sent == action).unwrap();
    assert_eq!(actions.len(), 22);
    assert_eq!(actions[0], Action::StartProject);
    assert!(place(Action::CreateProject) < place(Action::GetPreCheckResult));
    assert!(place(Action::GetPreCheckResult) <= 10, "{actions:?}");
}

#[tokio::test(start_paused = true)]
async fn an_oms_that_does_not_answer_is_left_alone_but_for_one_probe() {
    let (client, governor, server) = world(limits(0, 1));
    server.set(Mood::Away);
    for outcome in starts(&client, 50).await {
        let error = outcome.error().expect("nothing answers");
        if error.not_sent().is_some() {
            assert!(
                matches!(outcome, Outcome::NotDone(_)),
                "what was not sent was not done"
            );
        }
    }
    assert_eq!(
        (server.count(), governor.standing().circuit),
        (5, Circuit::Open)
    );

    let request = ListProjects::new();
    let two = tokio::join!(
        client.list_projects(&request),
        client.list_projects(&request)
    );
    assert!(two.0.unwrap_err().not_sent().is_none());
    assert!(two.1.is_err());
    assert_eq!(server.count(), 7, "one after the other, each a probe");

    server.set(Mood::Well);
    // Whatever it says: OMS has answered.
    drop(client.list_projects(&request).await);
    assert_eq!(governor.standing().circuit, Circuit::Closed);
    assert!(matches!(start(&client).await, Outcome::Done(..)));
}

#[tokio::test(start_paused = true)]
async fn probes_go_out_one_by_one_where_the_limits_allow_more() {
    let (client, governor, server) = world(Limits::default());
    server.set(Mood::Away);
    starts(&client, 50).await;
    assert_eq!(governor.standing().circuit, Circuit::Open);
    assert!(server.most.load(Ordering::Relaxed) > 1);
    let before = server.count();
    server.most.store(0, Ordering::Relaxed);
    let request = ListProjects::new();
    let all = join_all((0..4).map(|_| client.list_projects(&request))).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(server.count(), before + 4);
    assert_eq!(server.most.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_nobody_waits_for_lets_the_next_one_out() {
    let (client, governor, server) = world(limits(0, 1));
    server.set(Mood::Away);
    starts(&client, 5).await;
    let request = ListProjects::new();
    let probe = client.list_projects(&request);
    assert!(
        tokio::time::timeout(Duration::from_millis(10), probe)
            .await
            .is_err()
    );
    assert_eq!(governor.standing().circuit, Circuit::Open);
    drop(client.list_projects(&request).await);
    assert_eq!(server.count(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_short_pause_is_waited_out_by_all() {
    let (client, governor, server) = world(limits(0, 1));
    server.set(Mood::Busy(Some(3)));
    drop(start(&client).await);
    server.set(Mood::Well);
    let rest = starts(&client, 3);
    tokio::pin!(rest);
    let early = tokio::time::timeout(Duration::from_millis(2900), &mut rest).await;
    assert!(early.is_err());
    assert_eq!(server.count(), 1);
    assert!(rest.await.iter().all(|outcome| outcome.error().is_none()));
    assert_eq!(server.count(), 4);
    assert!(governor.standing().asked_for_fewer);
    advance(ASKED_FOR).await;
    assert!(!governor.standing().asked_for_fewer);
}

#[tokio::test(start_paused = true)]
async fn a_long_pause_is_told_at_once_and_ended_by_a_human() {
    let (client, governor, server) = world(Limits::default());
    server.set(Mood::Busy(Some(90)));
    drop(start(&client).await);
    server.set(Mood::Well);
    let outcome = start(&client).await;
    let error = outcome.error().unwrap();
    assert_eq!(error.class(), Class::Throttled);
    assert!(
        error
            .retry_after()
            .is_some_and(|left| left > Duration::from_secs(89))
    );
    assert!(matches!(outcome, Outcome::NotDone(_)));
    assert_eq!(server.count(), 1);
    governor.end_pause();
    assert!(matches!(start(&client).await, Outcome::Done(..)));
}

#[tokio::test(start_paused = true)]
async fn the_limit_follows_what_oms_can_take() {
    let (client, governor, server) = world(Limits::default());
    let first = governor.standing().limit;
    starts(&client, 100).await;
    let grown = governor.standing().limit;
    assert!(grown > first);
    server.set(Mood::Busy(None));
    drop(start(&client).await);
    assert_eq!(governor.standing().limit, grown / 2);
    assert_eq!(
        governor.standing().circuit,
        Circuit::Closed,
        "it did answer"
    );
}

#[tokio::test(start_paused = true)]
async fn a_place_serves_several_calls_also_where_there_is_only_one() {
    let (client, governor, server) = world(limits(0, 1));
    let held = client.in_a_place(Action::CreateProject).await.unwrap();
    let request = ListProjects::new();
    drop(held.list_projects(&request).await);
    held.prepare(Action::CreateProject).await.unwrap();
    // Neither a pause nor silence holds back what was let out.
    governor.state.lock().paused_until = Some(Instant::now() + Duration::from_secs(60));
    assert!(matches!(
        held.create_project(&Map::new()).await,
        Outcome::Done(..)
    ));
    assert!(
        held.list_projects(&request)
            .await
            .unwrap_err()
            .not_sent()
            .is_some()
    );
    assert_eq!(governor.standing().under_way, 1);
    drop(held);
    assert_eq!((governor.standing().under_way, server.count()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_prepared_has_had_its_share_of_the_rate() {
    let (client, _, server) = world(limits(1, 0));
    let held = client.in_a_place(Action::CreateProject).await.unwrap();
    held.prepare(Action::CreateProject).await.unwrap();
    let began = Instant::now();
    drop(held.create_project(&Map::new()).await);
    assert_eq!(began.elapsed().as_millis(), 100, "the call itself");
    drop(held.create_project(&Map::new()).await);
    assert_eq!(
        server.sent.lock()[1].1,
        1000,
        "the next one waits for its own"
    );
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_takes_nothing_along() {
    let (client, governor, server) = world(limits(0, 1));
    let held = client.in_a_place(Action::StartProject).await.unwrap();
    let given_up = tokio::time::timeout(Duration::from_millis(5), starts(&client, 3)).await;
    assert!(given_up.is_err());
    drop(held);
    assert!(matches!(start(&client).await, Outcome::Done(..)));
    assert_eq!((server.count(), governor.standing().under_way), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn two_connections_to_one_address_are_one_endpoint() {
    let governors = Governors::default();
    let url = |text| BaseUrl::parse(text).unwrap();
    let one = governors.join("a/one", &url(URL), limits(0, 6));
    let two = governors.join(
        "b/two",
        &url("https://OMS.example:8089/api/v2/"),
        limits(0, 4),
    );
    let other = governors.join("b/other", &url("https://other.example"), Limits::default());
    assert!(Arc::ptr_eq(&one, &two) && !Arc::ptr_eq(&one, &other));
    assert_eq!(one.standing().limit, 4, "the stricter limit counts");

    let server = Server::new();
    let (first, second) = (server.client(&one), server.client(&two));
    tokio::join!(starts(&first, 20), starts(&second, 20));
    assert_eq!(
        (server.count(), server.most.load(Ordering::Relaxed)),
        (40, 4)
    );

    governors.leave("b/two");
    starts(&first, 40).await;
    assert!(one.standing().limit > 4);
    governors.join("b/other", &url(URL), limits(0, 1));
    assert_eq!((one.standing().limit, governors.standings().len()), (1, 1));
    governors.leave("b/other");
    governors.leave("a/one");
    assert!(governors.standings().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dead_oms_costs_another_one_nothing() {
    let (dead, healthy) = (world(Limits::default()), world(Limits::default()));
    dead.2.set(Mood::Away);
    let began = Instant::now();
    let (_, took) = tokio::join!(starts(&dead.0, 500), async {
        starts(&healthy.0, 8).await;
        began.elapsed()
    });
    assert_eq!((healthy.2.count(), took.as_millis()), (8, 100));
    // Eight at first, and one more for each of the four failures that do not open it yet.
    assert!(dead.2.count() <= 12, "{}", dead.2.count());
}
