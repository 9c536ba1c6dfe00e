//! Free ports on loopback.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::bail;
use rand::Rng;

/// Below the range from which Linux takes ports for outgoing connections: a port chosen here cannot
/// be taken by one of them before its server has bound it, nor while its server is restarted.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) etcd: u16,
    pub(crate) etcd_peer: u16,
    pub(crate) api_server: u16,
}

impl Ports {
    pub(crate) fn choose() -> anyhow::Result<Ports> {
        let mut taken: Vec<TcpListener> = Vec::new();
        let mut choose = || {
            for _ in 0..1000 {
                let port = rand::rng().random_range(RANGE);
                // Held until all three are chosen, so that they differ.
                if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
                    taken.push(listener);
                    return Ok(port);
                }
            }
            bail!("cannot bind any port of {RANGE:?} on 127.0.0.1")
        };
        Ok(Ports {
            etcd: choose()?,
            etcd_peer: choose()?,
            api_server: choose()?,
        })
    }

    pub(crate) fn etcd_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.etcd)
    }

    pub(crate) fn api_server_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.api_server)
    }
}
