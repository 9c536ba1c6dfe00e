//! Tests of the client as a whole; those of its parts stand beside them.

mod calls;
mod environment;
mod laws;
mod outcomes;
mod server;
mod sockets;
mod tls;

use std::future::ready;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::Map;

use super::*;

const USERNAME: &str = "planted-user";
const PASSWORD: &str = "planted-password";
/// Both as HTTP Basic sends them.
const TOKEN: &str = "cGxhbnRlZC11c2VyOnBsYW50ZWQtcGFzc3dvcmQ=";

fn settings(base: &str) -> Settings {
    let credentials = Credentials::new(USERNAME, PASSWORD).unwrap();
    Settings::new(BaseUrl::parse(base).unwrap(), credentials)
}

fn over<F>(answer: F) -> Client
where
    F: Fn(Request<Bytes>) -> Result<Response<Bytes>, TransportError>
        + Clone
        + Send
        + Sync
        + 'static,
{
    let service = tower::service_fn(move |request| ready(answer(request)));
    Client::with_transport(settings("http://oms.example:8089"), Transport::new(service))
}

fn answering(status: u16, body: impl Into<Bytes>) -> Client {
    let body: Bytes = body.into();
    over(move |_| {
        Ok(Response::builder()
            .status(status)
            .body(body.clone())
            .unwrap())
    })
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn create(client: &Client) -> Outcome<String> {
    run(client.create_project(&Map::new()))
}

/// All mutations, by name.
fn mutate(client: &Client, action: Action) -> Outcome<()> {
    match action {
        Action::CreateProject => match create(client) {
            Outcome::Done(_, receipt) => Outcome::Done((), receipt),
            Outcome::NotDone(error) => Outcome::NotDone(error),
            Outcome::Unknown(error) => Outcome::Unknown(error),
        },
        Action::StartProject => run(client.start_project("np_1")),
        Action::StopProject => run(client.stop_project("np_1")),
        Action::ResumeProject => run(client.resume_project("np_1")),
        Action::ReleaseProject => run(client.release_project("np_1")),
        Action::DeleteProject => run(client.delete_project("np_1")),
        read => panic!("{read} is no mutation"),
    }
}
