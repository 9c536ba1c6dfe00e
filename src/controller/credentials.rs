//! From an OMSConnection and its Secret to what a client is made of.

use std::collections::BTreeMap;

use secrecy::SecretString;

use super::claims::Key;
use super::context::Context;
use super::kubernetes;
use super::limits::limits;
use crate::api::v1alpha1::{CaKind, CaRef, OMSConnection, Reason};
use crate::decide::Problem;
use crate::oms::{BaseUrl, Credentials, Settings};

/// Reads everything that a client for `connection` needs, or says what is
/// missing.
pub async fn read(
    context: &Context,
    key: &Key,
    connection: &OMSConnection,
) -> Result<Result<Settings, Problem>, kubernetes::Error> {
    let spec = &connection.spec;
    let base = match BaseUrl::parse(&spec.url) {
        Ok(base) => base,
        Err(error) => {
            return Ok(Err(Problem::new(
                Reason::UrlInvalid,
                format!("spec.url: {error}"),
            )));
        }
    };
    let name = &spec.credentials_secret_ref.name;
    let found = context.kubernetes.secret(&key.namespace, name).await;
    let found = match found {
        Err(error) if error.is_forbidden() => return Ok(Err(denied("Secret", key, name))),
        found => found?,
    };
    let Some(secret) = found else {
        let message = format!(
            "There is no Secret {}/{name}. Create it with the keys username and password.",
            key.namespace
        );
        return Ok(Err(Problem::new(Reason::SecretMissing, message)));
    };
    let credentials = match credentials(&secret) {
        Ok(credentials) => credentials,
        Err(problem) => {
            let message = format!("Secret {}/{name}: {problem}.", key.namespace);
            return Ok(Err(Problem::new(Reason::SecretInvalid, message)));
        }
    };
    let mut settings = Settings::new(base, credentials);
    settings.timeouts = context.settings.timeouts;
    settings.proxy = context.settings.proxy;
    settings.observer = Some(context.metrics.oms_calls(key));
    let governors = &context.governors;
    settings.governor = Some(governors.join(&key.to_string(), &settings.base, limits(spec)));
    if let Some(reference) = spec.tls.as_ref().and_then(|tls| tls.ca_ref.as_ref()) {
        match ca(context, key, reference).await? {
            Ok(pem) => settings.ca_pem = Some(pem),
            Err(problem) => return Ok(Err(problem)),
        }
    }
    Ok(Ok(settings))
}

fn credentials(secret: &BTreeMap<String, Vec<u8>>) -> Result<Credentials, String> {
    let text = |entry: &str| {
        let bytes = secret
            .get(entry)
            .ok_or_else(|| format!("the key {entry} is missing"))?;
        std::str::from_utf8(bytes)
            // A newline at the end comes from `echo` without -n, and never
            // belongs to a name or password.
            .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
            .map_err(|_| format!("the value of {entry} is not text"))
    };
    let username = text("username")?;
    let password = SecretString::from(text("password")?);
    Credentials::new(username, password).map_err(|error| error.to_string())
}

async fn ca(
    context: &Context,
    key: &Key,
    reference: &CaRef,
) -> Result<Result<Vec<u8>, Problem>, kubernetes::Error> {
    let CaRef {
        kind,
        name,
        key: entry,
    } = reference;
    let found = match kind {
        CaKind::Secret => {
            let secret = context.kubernetes.secret(&key.namespace, name).await;
            secret.map(|secret| secret.and_then(|mut secret| secret.remove(entry)))
        }
        CaKind::ConfigMap => {
            let kubernetes = &context.kubernetes;
            let text = kubernetes.config_map_entry(&key.namespace, name, entry);
            text.await.map(|text| text.map(String::into_bytes))
        }
    };
    let found = match found {
        Err(error) if error.is_forbidden() => {
            return Ok(Err(denied(&format!("{kind:?}"), key, name)));
        }
        found => found?,
    };
    Ok(found.ok_or_else(|| {
        Problem::new(
            Reason::CaMissing,
            format!(
                "There is no {kind:?} {}/{name} with the key {entry}, which spec.tls.caRef names.",
                key.namespace
            ),
        )
    }))
}

/// A right that is missing is for a human to give.
fn denied(kind: &str, connection: &Key, name: &str) -> Problem {
    Problem::new(
        Reason::AccessDenied,
        format!(
            "The operator's account may not get the {kind} {}/{name}. Give it the right: it is in \
             deploy/default/rbac.yaml.",
            connection.namespace
        ),
    )
}
