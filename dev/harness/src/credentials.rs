//! Keys, certificates, tokens and kubeconfigs of one control plane.

use std::fs;
use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

/// Names under which the API server may be reached.
const SERVER_NAMES: [&str; 3] = ["127.0.0.1", "localhost", "kubernetes.default.svc"];

pub(crate) struct Credentials {
    pub(crate) ca_pem: String,
    pub(crate) ca_der: Vec<u8>,
    pub(crate) admin_token: String,
}

impl Credentials {
    /// Makes them and writes what the API server reads into `folder`.
    pub(crate) fn make(folder: &Path) -> anyhow::Result<Credentials> {
        let admin_token = format!("{:032x}", rand::random::<u128>());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "oms-harness CA");
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let server_key = KeyPair::generate()?;
        let server =
            CertificateParams::new(SERVER_NAMES.map(String::from))?.signed_by(&server_key, &ca)?;
        let account_key = KeyPair::generate()?;
        for (name, content) in [
            ("server.crt", server.pem()),
            ("server.key", server_key.serialize_pem()),
            ("accounts.key", account_key.serialize_pem()),
            ("accounts.pub", account_key.public_key_pem()),
            (
                "tokens.csv",
                format!("{admin_token},admin,admin,system:masters\n"),
            ),
        ] {
            let path = folder.join(name);
            fs::write(&path, content)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(Credentials {
            ca_pem: ca.pem(),
            ca_der: ca.der().to_vec(),
            admin_token,
        })
    }

    /// A kubeconfig with everything in it. A plain `http` server (the fault proxy) needs no CA.
    pub(crate) fn kubeconfig(&self, server: &str, user: &str, token: &str) -> String {
        let ca = match server.starts_with("https:") {
            true => format!(
                "    certificate-authority-data: {}\n",
                STANDARD.encode(&self.ca_pem)
            ),
            false => String::new(),
        };
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: harness\nclusters:\n- name: harness\n  cluster:\n    \
             server: {server}\n{ca}users:\n- name: {user}\n  user:\n    token: {token}\ncontexts:\n- name: harness\n  \
             context:\n    cluster: harness\n    user: {user}\n"
        )
    }
}
