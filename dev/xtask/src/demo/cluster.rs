//! The Kubernetes that the demo runs on: one of its own, or one of the user's.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use kube::Client;
use oms_harness::{ControlPlane, apply_yaml, service_account_token};

use super::documents::Documents;
use super::operator::ACCOUNT;
use super::theirs::Theirs;
use crate::screen::Screen;

/// Where the projects go.
pub enum Cluster {
    /// A control plane that ends with the demo.
    Own(Box<ControlPlane>),
    /// The user's.
    Theirs(Box<Theirs>),
}

impl Cluster {
    /// As administrator, or as whoever the user is there.
    pub fn client(&self) -> Client {
        match self {
            Cluster::Own(control_plane) => control_plane.client(),
            Cluster::Theirs(theirs) => theirs.client(),
        }
    }

    /// The namespace of the projects. On a cluster of the demo's own it is the one that kubectl takes
    /// when it is told none.
    pub fn namespace(&self) -> &'static str {
        match self {
            Cluster::Own(_) => "default",
            Cluster::Theirs(_) => super::theirs::NAMESPACE,
        }
    }

    /// Installs what the operator needs: definitions and rights.
    pub async fn install(&self, screen: &Screen) -> anyhow::Result<()> {
        match self {
            Cluster::Own(control_plane) => {
                for part in super::theirs::parts()? {
                    control_plane.apply_yaml(&part.text).await?;
                    screen.say(format_args!("    {}", part.what));
                }
                Ok(())
            }
            Cluster::Theirs(theirs) => theirs.install(screen).await,
        }
    }

    /// A kubeconfig for the operator, as the account of `deploy/default/rbac.yaml`, in `folder`.
    pub async fn operators_kubeconfig(&self, folder: &Path) -> anyhow::Result<String> {
        let (namespace, name) = ACCOUNT;
        let token = service_account_token(&self.client(), namespace, name).await?;
        let text = match self {
            Cluster::Own(control_plane) => control_plane.kubeconfig_for(&token, None),
            Cluster::Theirs(theirs) => theirs.kubeconfig_for(&token)?,
        };
        let path = folder.join("operator.kubeconfig");
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.display().to_string())
    }

    /// Applies the scene.
    pub async fn apply(&self, documents: &Documents, screen: &Screen) -> anyhow::Result<()> {
        let client = self.client();
        for document in documents.documents() {
            screen.doing(document.what());
            apply_yaml(&client, self.namespace(), &document.value.to_string())
                .await
                .with_context(|| document.file.clone())?;
            screen.say(format_args!(
                "    {} from {}",
                document.what(),
                document.file
            ));
        }
        Ok(())
    }

    /// How to call kubectl, and what to type before the first call.
    pub fn kubectl(&self) -> (Option<String>, String) {
        match self {
            Cluster::Own(control_plane) => {
                let path = control_plane.kubeconfig();
                let export = format!("export KUBECONFIG={}", path.display());
                (Some(export), "kubectl".to_owned())
            }
            Cluster::Theirs(theirs) => (None, theirs.kubectl()),
        }
    }

    /// The demo is a proof, too: that the operator got along with the rights of `deploy/default/rbac.yaml`.
    /// Only a cluster of the demo's own has an audit log to read.
    pub async fn only_what_it_may(&self, screen: &Screen) -> anyhow::Result<()> {
        let Cluster::Own(control_plane) = self else {
            return Ok(());
        };
        let all = control_plane.audit().all().await?;
        let requests = all.service_account(ACCOUNT.0, ACCOUNT.1);
        let forbidden = requests.forbidden();
        if !forbidden.is_empty() {
            bail!("deploy/default/rbac.yaml lacks a right that the operator needs: {forbidden}");
        }
        screen.say(format_args!(
            "    {} requests of the operator to Kubernetes, none refused",
            requests.len()
        ));
        Ok(())
    }

    /// Lets go of the resources while the operator still runs to take its finalizers off.
    pub async fn let_go(&self, screen: &Screen) -> anyhow::Result<()> {
        match self {
            // It goes as a whole.
            Cluster::Own(_) => Ok(()),
            Cluster::Theirs(theirs) => theirs.let_go(screen).await,
        }
    }

    /// Ends it, or leaves it as it was found.
    pub async fn stop(self, screen: &Screen) -> anyhow::Result<()> {
        match self {
            Cluster::Own(control_plane) => control_plane
                .stop()
                .await
                .context("the control plane did not end well"),
            Cluster::Theirs(theirs) => theirs.remove(screen).await,
        }
    }
}

/// How long a cluster may take to answer at first.
pub const ANSWER: Duration = Duration::from_secs(15);
