//! The real gateway and the real engine, each a process with data of its own, and the proxy between them.

use crate::engine::{Engine, Folder, SYMBOL, runtime, state};
use crate::proxy::Proxy;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;
use tradewind::domain::{InstrumentId, LinkState};
use tradewind::engine::SessionKind;
use tradewind::wire::{Query, Reply};

/// How often it is looked whether the desk is ready, each ten milliseconds.
const LOOKS: usize = 6_000;

/// The gateway: a TWS-compatible server before an exchange.
pub struct Gateway {
    process: Child,
    _folder: Folder,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// In the order in which they have to end.
pub struct Pair {
    pub engine: Engine,
    pub proxy: Proxy,
    _gateway: Gateway,
}

impl Pair {
    /// Ready to trade.
    pub fn start() -> Self {
        let folder = Folder::with("");
        let words = ["gateway", "--port", "0", "--accounts", "DU100001,DU100002"];
        let mut process = folder
            .command(&words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = process.stdout.take().expect("it is piped");
        let gateway = Gateway {
            process,
            _folder: folder,
        };
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").expect("an address");
        let proxy = Proxy::before(address.parse().unwrap());
        let port = proxy.port;
        // What is looked at is the way of an order, not what a large one would bind.
        let settings = format!(
            "max_quantity_equity = \"10000\"\nwhat_if_above = \"0\"\n[broker]\nuse = \"ibkr\"\n[broker.ibkr]\nport = \"{port}\"\nresets = []\nsymbols = [\"{SYMBOL}\", \"MSFT\"]\n"
        );
        let engine = Engine::of(Folder::with(&settings));
        runtime().block_on(ready(&engine));
        Self {
            engine,
            proxy,
            _gateway: gateway,
        }
    }
}

/// Waits until the link is ready and the instrument has a price.
async fn ready(engine: &Engine) {
    let mut attached = engine.connect(SessionKind::Shell).await;
    let instruments = vec![InstrumentId::new(SYMBOL).unwrap()];
    for _ in 0..LOOKS {
        let now = state(&mut attached).await.state;
        let up = !now.links.is_empty() && now.links.values().all(|link| link.state == LinkState::Ready);
        let query = Query::Quotes {
            instruments: instruments.clone(),
        };
        let priced = match attached.query(query).await.unwrap() {
            Reply::Quotes(quotes, _) => quotes
                .iter()
                .any(|quote| quote.bid.is_some() && quote.ask.is_some() && quote.quality.is_there()),
            other => panic!("not quotes: {other:?}"),
        };
        if up && priced {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the link to the gateway never came to be ready");
}
