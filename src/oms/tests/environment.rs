//! What surrounds the process: its log, its certificates, its proxy.

use std::io::Write;
use std::process::Command;
use std::sync::{Arc, Mutex};

use super::server::*;
use super::*;

/// Collects everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// In a process of its own: while there is but one subscriber, tracing asks the thread that passes an event first
/// whether anybody wants it, and that may be a test without one.
#[test]
fn no_log_of_any_level_shows_the_account() {
    in_child("child_that_logs_everything", &[]);
}

#[tokio::test]
#[ignore = "run by no_log_of_any_level_shows_the_account"]
async fn child_that_logs_everything() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let authority = Authority::new();
    let echo =
        format!(r#"{{"success":false,"code":"PARAM_ERROR","message":"{PASSWORD} {TOKEN}"}}"#);
    let reply = Then::Reply(http("200 OK", "", &echo));
    let secure = Server::over(Some(authority.acceptor()), reply.clone()).await;
    let open = Server::start(reply).await;
    let settings = Settings {
        ca_pem: Some(authority.pem()),
        ..at("https", secure.address)
    };
    for client in [Client::new(settings).unwrap(), plain(open.address)] {
        let outcome = create_at(&client).await;
        assert!(matches!(outcome, Outcome::NotDone(_)), "{outcome:?}");
        let error = client
            .list_projects(&ListProjects::new())
            .await
            .unwrap_err();
        tracing::error!(?outcome, ?error, %error, ?client, "all that can be printed");
    }

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("called OMS") && log.contains("TRACE"),
        "the log is not what is tested: {log}"
    );
    for secret in [PASSWORD, USERNAME, TOKEN] {
        assert!(!log.contains(secret), "{secret} is in: {log}");
    }
}

/// Runs one test of this file in a process of its own, with another environment.
fn in_child(test: &str, environment: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            &format!("oms::tests::environment::{test}"),
            "--ignored",
            "--nocapture",
        ])
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{output:?}"
    );
}

#[test]
fn a_machine_without_ca_certificates_needs_only_the_own_ca() {
    let empty = "/dev/null";
    in_child(
        "child_without_ca_certificates",
        &[("SSL_CERT_FILE", empty), ("SSL_CERT_DIR", empty)],
    );
}

#[tokio::test]
#[ignore = "run by a_machine_without_ca_certificates_needs_only_the_own_ca"]
async fn child_without_ca_certificates() {
    let authority = Authority::new();
    let server = Server::over(
        Some(authority.acceptor()),
        Then::Reply(http("200 OK", "", DONE)),
    )
    .await;
    let secure = at("https", server.address);
    assert!(matches!(
        Client::new(secure.clone()),
        Err(BuildError::Tls(_))
    ));
    let client = Client::new(Settings {
        ca_pem: Some(authority.pem()),
        ..secure
    })
    .unwrap();
    assert!(matches!(create_at(&client).await, Outcome::Done(..)));
    assert!(Client::new(at("http", server.address)).is_ok());
}

#[tokio::test]
async fn the_proxy_of_the_environment_is_used_only_when_asked() {
    let proxy = Server::start(Then::Reply(http("200 OK", "", DONE))).await;
    let address = format!("http://{}", proxy.address);
    let child = tokio::task::spawn_blocking(move || {
        in_child(
            "child_behind_a_proxy",
            &[
                ("http_proxy", &address),
                ("HTTP_PROXY", &address),
                ("no_proxy", ""),
            ],
        );
    });
    child.await.unwrap();
    assert_eq!(proxy.requests(), 1);
}

#[tokio::test]
#[ignore = "run by the_proxy_of_the_environment_is_used_only_when_asked"]
async fn child_behind_a_proxy() {
    let server = Server::start(Then::Reply(http("200 OK", "", DONE))).await;
    assert!(matches!(
        create_at(&plain(server.address)).await,
        Outcome::Done(..)
    ));
    assert_eq!(server.requests(), 1);
    let asked = Settings {
        proxy: true,
        ..at("http", server.address)
    };
    assert!(matches!(
        create_at(&Client::new(asked).unwrap()).await,
        Outcome::Done(..)
    ));
    assert_eq!(server.requests(), 1, "the second call went past the proxy");
}
