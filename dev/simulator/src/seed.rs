//! What an OMS holds before anybody creates a project.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::time::zoned;

/// A data source. Its password is nowhere: OMS never gives one back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DataSource {
    /// `e_…`.
    pub id: String,
    /// Unique in a real OMS. Here two may share one, to test what a client
    /// makes of an answer that it should never get.
    pub name: String,
    /// `MYSQL`, `OB_MYSQL`, `KAFKA`, …
    #[serde(rename = "type")]
    pub kind: String,
}

impl DataSource {
    /// A data source of these words.
    pub fn new(id: &str, name: &str, kind: &str) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            kind: kind.into(),
        }
    }

    pub(crate) fn listed(&self, created: Duration) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "type": self.kind,
            "role": "MASTER",
            "owner": "admin",
            "tenant": null,
            "cluster": null,
            "schema": null,
            "vpcId": null,
            "ip": "192.0.2.10",
            "port": 3306,
            "dGInstanceId": null,
            "userName": "migration",
            "region": "default",
            "description": null,
            "ocpName": null,
            "oracleSid": null,
            "oracleNlsLengthSemantics": null,
            "operatingSystem": null,
            "version": "8.0.36",
            "timezone": "+00:00",
            "charset": "utf8mb4",
            "tryKeepHb": false,
            "resourceOwner": "admin",
            "gmtCreate": zoned(created),
            "gmtModified": zoned(created),
            "partnerId": null,
            "connExtraAttributes": null,
        })
    }

    pub(crate) fn connect_info(&self, side: &str) -> Value {
        json!({
            "id": self.id.replacen("e_", "c_", 1),
            "endpointId": self.id,
            "endpointName": self.name,
            "endpointSide": side,
            "dbEngine": self.kind,
            "connectionInfo": "192.0.2.10:3306",
            "username": "migration",
            "version": "8.0.36",
            "timezone": "+00:00",
            "charset": "utf8mb4",
            "nlsLengthSemantics": null,
            "operatingSystem": null,
            "region": "default",
            "ocpName": null,
            "connExtraAttributes": null,
            "owner": "admin",
            "resourceOwner": "admin",
            "host": "192.0.2.10",
            "port": 3306,
        })
    }
}

/// The first two are the ids of the vendor's CreateProject example.
pub(crate) fn data_sources() -> Vec<DataSource> {
    [
        ("e_4wg07f****", "vendor-example-source", "MYSQL"),
        ("e_4wfy2****", "vendor-example-sink", "OB_MYSQL"),
        ("e_mysqlprod01", "mysql-prod", "MYSQL"),
        ("e_mysqlstage1", "mysql-staging", "MYSQL"),
        ("e_obprod00001", "ob-prod", "OB_MYSQL_CE"),
        ("e_obstaging01", "ob-staging", "OB_MYSQL_CE"),
        ("e_pgprod00001", "postgres-prod", "POSTGRESQL"),
        ("e_tidbprod001", "tidb-prod", "TIDB"),
        ("e_kafkaprod01", "kafka-prod", "KAFKA"),
        ("e_rocketprod1", "rocketmq-prod", "ROCKETMQ"),
        ("e_datahub0001", "datahub-prod", "DATAHUB"),
        ("e_mysqlarchiv", "mysql-prod-archive", "MYSQL"),
    ]
    .map(|(id, name, kind)| DataSource::new(id, name, kind))
    .into()
}

/// Labels by id and name; the first is of the vendor's example. There are more
/// than a project may carry.
pub(crate) fn labels() -> BTreeMap<String, String> {
    [
        ("l_4w****wygjk", "vendor-example"),
        ("l_prod0000001", "prod"),
        ("l_staging0001", "staging"),
        ("l_team_a00001", "team-a"),
        ("l_team_b00001", "team-b"),
        ("l_critical001", "critical"),
        ("l_archive0001", "archive"),
    ]
    .map(|(id, name)| (id.into(), name.into()))
    .into()
}

/// Prechecks that a project may reuse; the first is of the vendor's example.
pub(crate) const PRECHECKS: [&str; 2] = ["t_7di****", "t_precheck001"];
