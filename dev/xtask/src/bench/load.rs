//! What is applied: many resources at once, as a user's scripts or Argo CD would.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::Context;
use futures::{StreamExt, TryStreamExt};
use kube::Client;
use kube::api::{DeleteParams, GetParams, PostParams};
use kube::core::Request;
use serde_json::{Value, json};

use super::cluster::NAMESPACE;

/// Requests in flight. More does not make the API server faster.
const AT_ONCE: usize = 16;

/// As many tables as make 3 kB of JSON.
pub const TABLES_SMALL: usize = 30;

fn path() -> String {
    format!("/apis/oms.oceanbase.com/v1alpha1/namespaces/{NAMESPACE}/migrationprojects")
}

/// A resource whose project follows its source for ever: what a fleet at rest is made of.
pub fn project(name: &str, connection: &str, tables: usize) -> Value {
    let table = |number| {
        let name = format!("orders_of_the_year_{number:05}");
        json!({"name": name, "mappedName": name})
    };
    let tables: Vec<Value> = (0..tables).map(table).collect();
    json!({
        "apiVersion": "oms.oceanbase.com/v1alpha1",
        "kind": "MigrationProject",
        "metadata": {"name": name},
        "spec": {
            "connectionRef": {"name": connection},
            "project": {
                "type": "SYNC",
                "sourceEndpointId": "e_mysqlprod01",
                "sinkEndpointId": "e_obprod00001",
                "transferMapping": {
                    "mode": "SPECIFIC",
                    "databases": [{"name": "shop", "mappedName": "shop", "tables": tables}],
                },
                "enableIncrTransfer": true,
                "incrTransferConfig": {
                    "recordTypeWhiteList": ["INSERT", "UPDATE", "DELETE"],
                    "storeLogKeptHour": 72,
                },
            },
        },
    })
}

/// Makes one; returns when it was begun.
pub async fn apply(client: &Client, project: &Value) -> anyhow::Result<Instant> {
    let body = serde_json::to_vec(project)?;
    let request = Request::new(path()).create(&PostParams::default(), body)?;
    let began = Instant::now();
    let made = client.request_text(request).await;
    made.with_context(|| format!("cannot make {}", project["metadata"]["name"]))?;
    Ok(began)
}

/// Changes the spec of one, in a way that OMS has nothing to do with; returns its generation from then on, and when
/// that was begun. By a PUT: patches are counted as the operator's.
pub async fn change(client: &Client, name: &str) -> anyhow::Result<(i64, Instant)> {
    let get = Request::new(path()).get(name, &GetParams::default())?;
    let mut project: Value = client.request(get).await?;
    project["spec"]["deletionPolicy"] = json!("Retain");
    let body = serde_json::to_vec(&project)?;
    let request = Request::new(path()).replace(name, &PostParams::default(), body)?;
    let began = Instant::now();
    let changed: Value = client
        .request(request)
        .await
        .with_context(|| format!("cannot change {name}"))?;
    let generation = changed["metadata"]["generation"].as_i64();
    Ok((
        generation.context("a resource without a generation")?,
        began,
    ))
}

/// Makes those of these names; returns when each was begun.
pub async fn apply_all(
    client: &Client,
    names: &[String],
    connection: &str,
    tables: usize,
    told: impl Fn(usize),
) -> anyhow::Result<HashMap<String, Instant>> {
    let each = names.iter().map(|name| async move {
        let began = apply(client, &project(name, connection, tables)).await?;
        anyhow::Ok((name.clone(), began))
    });
    let mut all = futures::stream::iter(each).buffer_unordered(AT_ONCE);
    let mut begun = HashMap::new();
    while let Some((name, began)) = all.try_next().await? {
        begun.insert(name, began);
        told(begun.len());
    }
    Ok(begun)
}

/// Deletes those of these names.
pub async fn delete_all(client: &Client, names: &[String]) -> anyhow::Result<()> {
    let each = names.iter().map(|name| async move {
        let request = Request::new(path()).delete(name, &DeleteParams::default())?;
        let gone = client.request_text(request).await;
        gone.with_context(|| format!("cannot delete {name}"))?;
        anyhow::Ok(())
    });
    let all = futures::stream::iter(each).buffer_unordered(AT_ONCE);
    all.try_collect::<()>().await
}

/// Names with a number.
pub fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{prefix}-{number:05}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_one_has_3_kb_and_one_of_5_000_tables_400() {
        let size = |tables| project("fleet-00001", "oms", tables).to_string().len();
        assert!((2_500..3_500).contains(&size(TABLES_SMALL)));
        assert!((350_000..450_000).contains(&size(5_000)));
    }
}
