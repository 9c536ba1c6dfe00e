//! What is surely never sent, and what may have arrived, over real sockets.

use tokio::net::TcpListener;

use super::server::*;
use super::*;

#[tokio::test]
async fn a_refused_port_is_not_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = create_at(&plain(address)).await;
    assert!(
        matches!(&outcome, Outcome::NotDone(error) if *error.problem() == Problem::Unreachable),
        "{outcome:?}"
    );
    // The cause itself, without the layers of the HTTP client around it.
    let never = std::error::Error::source(outcome.error().unwrap()).unwrap();
    let cause = never.source().unwrap().to_string();
    assert_eq!(cause, "tcp connect error");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_not_done() {
    // RFC 6761: `invalid` never resolves.
    let base = BaseUrl::parse("http://oms.invalid:8089").unwrap();
    let credentials = Credentials::new(USERNAME, PASSWORD).unwrap();
    let outcome = create_at(&Client::new(Settings::new(base, credentials)).unwrap()).await;
    assert!(matches!(outcome, Outcome::NotDone(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_closed_before_the_request_was_read_is_unknown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let outcome = create_at(&plain(address)).await;
    assert!(matches!(&outcome, Outcome::Unknown(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_closed_instead_of_a_reply_is_unknown_and_not_tried_again() {
    let server = Server::start(Then::Last(String::new())).await;
    let outcome = create_at(&plain(server.address)).await;
    assert!(
        matches!(&outcome, Outcome::Unknown(error) if *error.problem() == Problem::Broken),
        "{outcome:?}"
    );
    assert_eq!((server.connections(), server.requests()), (1, 1));
}

#[tokio::test]
async fn a_server_that_says_nothing_is_unknown() {
    let server = Server::start(Then::Hang(String::new())).await;
    let outcome = create_at(&Client::new(impatient(at("http", server.address))).unwrap()).await;
    assert!(
        matches!(&outcome, Outcome::Unknown(error) if matches!(error.problem(), Problem::TimedOut(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn half_a_reply_is_unknown_whatever_its_status() {
    for status in ["200 OK", "400 Bad Request"] {
        let half = format!("HTTP/1.1 {status}\r\ncontent-length: 1000\r\n\r\n{DONE}");
        let server = Server::start(Then::Last(half.clone())).await;
        let outcome = create_at(&plain(server.address)).await;
        assert!(
            matches!(&outcome, Outcome::Unknown(error) if *error.problem() == Problem::Broken),
            "{outcome:?}"
        );
        let server = Server::start(Then::Hang(half)).await;
        let client = Client::new(impatient(at("http", server.address))).unwrap();
        assert!(matches!(create_at(&client).await, Outcome::Unknown(_)));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_account_stays_home() {
    let elsewhere = Server::start(Then::Reply(http("200 OK", "", DONE))).await;
    for status in [
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = format!("location: http://{}/api/v2\r\n", elsewhere.address);
        let server = Server::start(Then::Reply(http(status, &location, ""))).await;
        let outcome = create_at(&plain(server.address)).await;
        assert!(matches!(&outcome, Outcome::NotDone(_)), "{outcome:?}");
        assert_eq!(server.requests(), 1);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn reads_share_a_connection_and_a_mutation_takes_its_own() {
    let body = r#"{"success":true,"data":[]}"#;
    let server = Server::start(Then::Reply(http("200 OK", "", body))).await;
    let client = plain(server.address);
    for _ in 0..3 {
        client.list_projects(&ListProjects::new()).await.unwrap();
    }
    assert_eq!((server.connections(), server.requests()), (1, 3));
    // A connection that the server closes while it is reused would leave the outcome unknown.
    for _ in 0..2 {
        assert!(matches!(
            client.start_project("np_1").await,
            Outcome::Done((), _)
        ));
    }
    assert_eq!((server.connections(), server.requests()), (3, 5));
}

#[tokio::test]
async fn a_reply_without_end_is_cut_off() {
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n".to_owned();
    let server = Server::start(Then::Hang(announced)).await;
    let outcome = create_at(&plain(server.address)).await;
    let source = std::error::Error::source(outcome.error().unwrap())
        .unwrap()
        .to_string();
    assert_eq!(
        (outcome.as_str(), source.as_str()),
        ("unknown", "the reply is too long")
    );

    let chunk = format!("3e8\r\n{}\r\n", "x".repeat(1000));
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}",
        chunk.repeat(5)
    );
    let server = Server::start(Then::Hang(chunked)).await;
    let settings = at("http", server.address);
    let small = transport::limited(&settings, 3000).unwrap();
    let outcome = create_at(&Client::with_transport(settings, small)).await;
    let source = std::error::Error::source(outcome.error().unwrap())
        .unwrap()
        .to_string();
    assert_eq!(
        (outcome.as_str(), source.as_str()),
        ("unknown", "the reply is too long")
    );
}
