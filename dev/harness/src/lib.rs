//! A real Kubernetes control plane as child processes.
