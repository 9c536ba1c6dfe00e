//! All scenarios, as data.

use serde_json::{Value, json};

use crate::acts::{Act, Manifest};
use crate::scenario::{Ending, Scenario};

mod connection;
mod creation;
mod ending;
mod life;
mod meanwhile;
mod unheeded;

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    [
        creation::all(),
        connection::all(),
        life::all(),
        unheeded::all(),
        ending::all(),
        meanwhile::all(),
    ]
    .concat()
}

fn scenario(name: &'static str, acts: Vec<Act>, endings: Vec<Ending>) -> Scenario {
    Scenario {
        name,
        acts,
        meddling: Vec::new(),
        endings,
    }
}

/// `orders`, with this in its spec.
fn orders(spec: Value) -> Act {
    Act::Apply(Manifest::of("orders").with(spec))
}

fn state(state: &'static str) -> Act {
    Act::Patch("orders", json!({"spec": {"state": state}}))
}

fn suspend(suspend: bool) -> Act {
    Act::Patch("orders", json!({"spec": {"suspend": suspend}}))
}

fn console(status: &'static str) -> Act {
    Act::SetStatus("shop.orders", status)
}
