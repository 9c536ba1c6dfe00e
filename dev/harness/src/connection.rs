//! Where a server is, and as whom to talk to it.

use kube::Client;
use kube::config::AuthInfo;

#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) url: String,
    /// None for plain HTTP.
    pub(crate) ca_der: Option<Vec<u8>>,
    pub(crate) token: String,
}

impl Connection {
    /// A new client, which belongs to the runtime of the caller: kube's have a worker task.
    pub(crate) fn client(&self) -> Client {
        let mut config = kube::Config::new(
            self.url
                .parse()
                .expect("a loopback address with a port is a URI"),
        );
        config.root_cert = self.ca_der.clone().map(|der| vec![der]);
        config.auth_info = AuthInfo {
            token: Some(self.token.clone().into()),
            ..AuthInfo::default()
        };
        // A test wants to see the first answer.
        config.default_retry = false;
        Client::try_from(config).expect("a CA made by this crate and a token make a valid client")
    }
}
