//! Whether what is told and shipped beside the code is true.

mod argocd;
mod chart;
mod deploy;
mod docs;
mod gitops;
mod image;
mod monitoring;
mod workflows;
