//! TLS: whom the client trusts, and that a failed handshake sends nothing.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::server::*;
use super::*;

#[tokio::test]
async fn tls_with_the_own_ca_is_done_and_with_another_is_not_done() {
    let authority = Authority::new();
    let reply = Then::Reply(http("200 OK", "", DONE));
    let server = Server::over(Some(authority.acceptor()), reply).await;
    let with = |ca_pem| {
        Client::new(Settings {
            ca_pem,
            ..at("https", server.address)
        })
        .unwrap()
    };

    let outcome = create_at(&with(Some(authority.pem()))).await;
    assert!(
        matches!(&outcome, Outcome::Done(id, _) if id == "np_1"),
        "{outcome:?}"
    );
    assert_eq!(outcome.request_id(), Some("R1"));
    let outcome = create_at(&with(Some(Authority::new().pem()))).await;
    assert!(
        matches!(&outcome, Outcome::NotDone(error) if error.is_certificate()),
        "{outcome:?}"
    );
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn https_to_a_server_without_tls_is_not_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream
                .write_all(http("400 Bad Request", "", "").as_bytes())
                .await;
        }
    });
    let ca_pem = Some(Authority::new().pem());
    let client = Client::new(Settings {
        ca_pem,
        ..at("https", address)
    })
    .unwrap();
    let outcome = create_at(&client).await;
    assert!(matches!(&outcome, Outcome::NotDone(_)), "{outcome:?}");
}

#[tokio::test]
async fn http_to_a_server_with_tls_is_unknown_because_bytes_were_sent() {
    let acceptor = Authority::new().acceptor();
    let server = Server::over(Some(acceptor), Then::Reply(http("200 OK", "", DONE))).await;
    let outcome = create_at(&plain(server.address)).await;
    assert!(matches!(&outcome, Outcome::Unknown(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_connect_that_runs_out_of_time_is_not_done() {
    // TCP connects, the TLS handshake never ends: nothing of the request can have been sent.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ca_pem = Some(Authority::new().pem());
    let timeouts = Timeouts {
        connect: Duration::from_millis(150),
        ..Timeouts::default()
    };
    let client = Client::new(Settings {
        ca_pem,
        timeouts,
        ..at("https", address)
    })
    .unwrap();
    let outcome = create_at(&client).await;
    assert!(
        matches!(&outcome, Outcome::NotDone(error) if *error.problem() == Problem::Unreachable),
        "{outcome:?}"
    );
    // With the whole call's limit running out first, nobody looks where it stood.
    let client = Client::new(impatient(Settings {
        ca_pem: Some(Authority::new().pem()),
        ..at("https", address)
    }))
    .unwrap();
    assert!(matches!(create_at(&client).await, Outcome::Unknown(_)));
    drop(listener);
}

#[test]
fn a_ca_that_is_none_is_refused_with_the_reason() {
    let address = "127.0.0.1:1".parse().unwrap();
    let with = |pem: &str| {
        let ca_pem = Some(pem.as_bytes().to_vec());
        Client::new(Settings {
            ca_pem,
            ..at("https", address)
        })
        .unwrap_err()
    };
    assert!(matches!(with(""), BuildError::NoCa));
    assert!(matches!(with("not a certificate"), BuildError::NoCa));
    let broken = "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n";
    assert!(matches!(with(broken), BuildError::BadCa(_)));
}
