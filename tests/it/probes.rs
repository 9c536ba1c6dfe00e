//! What an operator's process answers over HTTP.

use oms_harness::until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::{DEADLINE, Operator};

/// An answer, as text.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Operator {
    /// Where it listens; it says so in its log. In these tests both flags name
    /// one address, so that one listener answers for both.
    async fn address(&self) -> String {
        let line = self.until_log("listening address=").await;
        let from = line.split("address=").nth(1).expect("an address");
        from.split_whitespace()
            .next()
            .expect("an address")
            .to_owned()
    }

    /// Asks it for `path`; `None` if nothing answers.
    pub async fn ask(&self, path: &str) -> Option<Answer> {
        let address = self.address().await;
        let mut stream = TcpStream::connect(&address).await.ok()?;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split_whitespace().nth(1)?.parse().ok()?;
        Some(Answer {
            status,
            head: head.to_lowercase(),
            body: body.to_owned(),
        })
    }

    /// A figure; `None` while it has none.
    pub async fn counter(&self, series: &str) -> Option<u64> {
        let answer = self.ask("/metrics").await?;
        let mut lines = answer.body.lines();
        lines.find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }

    /// Waits until a figure is this.
    pub async fn until_it_reads(&self, series: &str, count: u64) {
        let what = format!("{series} is {count}");
        until(DEADLINE, &what, async || {
            (self.counter(series).await? == count).then_some(())
        })
        .await
        .expect(&what);
    }
}
