//! How a watch gets its first list: object by object where the API server can,
//! else in pages, of which each is held in memory as text and as objects.

use std::time::Duration;

use kube::Client;
use kube::api::{Api, PartialObjectMeta, WatchParams};
use kube::client::Body;
use kube::runtime::watcher;

use super::kubernetes::Ours;
use super::watch::Scope;

/// Objects of one page: a mapping may be hundreds of kilobytes.
const PAGE_SIZE: u32 = 100;

/// What the probe asks for: no object has it.
const NOTHING: &str = "oms.oceanbase.com/probe=none";

/// How long the probe is waited for. The server ends it by itself after 1 s.
const PROBE: Duration = Duration::from_secs(10);

/// How to watch what `scope` names, as far as this API server goes; asked in the
/// first namespace, if the right to watch holds only there. The feature (WatchList) is on
/// since 1.34; a server without it refuses every such watch, so it is asked
/// before.
pub async fn configuration<K: Ours>(client: Client, scope: Scope) -> watcher::Config {
    let config = watcher::Config {
        label_selector: scope.selector,
        ..watcher::Config::default()
    };
    let api: Api<PartialObjectMeta<K>> = match scope.namespaces.first() {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let nothing = WatchParams::streaming_lists().labels(NOTHING).timeout(1);
    match tokio::time::timeout(PROBE, api.watch(&nothing, "0")).await {
        Ok(Ok(_)) => config.streaming_lists(),
        // Pages are right everywhere, and what is in the way of this request
        // will be in the way of the next.
        Ok(Err(error)) => {
            tracing::debug!(kind = %K::kind(&()), %error, "the API server lists in pages");
            config.page_size(PAGE_SIZE)
        }
        Err(_) => config.page_size(PAGE_SIZE),
    }
}

/// A client whose streamed lists are no older than the request for them. kube
/// asks for any state ("0"), which may be that of an API server that lags behind
/// what this process has written through another one.
pub fn up_to_date(client: &Client) -> Client {
    let namespace = client.default_namespace().to_owned();
    let client = client.clone();
    let service = tower::service_fn(move |mut request: http::Request<Body>| {
        if let Some(uri) = without_any_version(request.uri()) {
            *request.uri_mut() = uri;
        }
        let client = client.clone();
        async move { client.send(request).await }
    });
    Client::new(service, namespace)
}

/// The address of a request for a streamed list, without the version.
fn without_any_version(uri: &http::Uri) -> Option<http::Uri> {
    let query = uri.query()?;
    if !query.contains("sendInitialEvents=true") {
        return None;
    }
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| *pair != "resourceVersion=0")
        .collect();
    format!("{}?{}", uri.path(), kept.join("&")).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(uri: &str) -> Option<String> {
        let uri: http::Uri = uri.parse().unwrap();
        without_any_version(&uri).map(|uri| uri.to_string())
    }

    #[test]
    fn only_a_streamed_list_loses_its_version() {
        let streamed = "/apis/x/v1/y?&watch=true&sendInitialEvents=true\
                        &resourceVersionMatch=NotOlderThan&resourceVersion=0";
        let up_to_date = "/apis/x/v1/y?&watch=true&sendInitialEvents=true\
                          &resourceVersionMatch=NotOlderThan";
        assert_eq!(changed(streamed).as_deref(), Some(up_to_date));
        assert_eq!(changed("/apis/x/v1/y?watch=true&resourceVersion=0"), None);
        assert_eq!(changed("/apis/x/v1/y"), None);
    }
}
