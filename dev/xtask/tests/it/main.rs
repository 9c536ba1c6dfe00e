//! Whether what is told and shipped beside the code is true.

mod argocd;
mod deploy;
mod docs;
mod image;
mod workflows;
