//! Being asked to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that ask to end. A terminal that is closed asks, too.
pub struct Interrupted([Signal; 3]);

impl Interrupted {
    /// From now on they end nothing by themselves.
    pub fn new() -> anyhow::Result<Interrupted> {
        Ok(Interrupted([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    /// Waits for one.
    pub async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
