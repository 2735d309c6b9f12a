//! What the exchange costs: a call over a transport that answers immediately, beside making a stamp, signing and reading alone.
//!
//! `cargo xtask bench exchange`, bound to one core, or `cargo bench -p cloudauth-tests --bench exchange`: nanoseconds.

#![allow(clippy::unwrap_used, reason = "a bench may panic")]

#[path = "../../crates/protocol/benches/common/side_by_side.rs"]
mod side_by_side;
#[allow(dead_code, reason = "only the reply is used")]
mod stand_in;

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use cloudauth::{
    Body, CertifyId, Client, Credentials, DescribeFaceVerify, Endpoint, Limits, Nonce, SceneId, Signing,
    Stamp, Transport, TransportError, UnixTime, parse, prepare,
};
use futures_lite::future::block_on;
use http::{Request, Response};
use side_by_side::side_by_side;

/// Answers every request immediately.
#[derive(Debug)]
struct Immediate;

#[async_trait]
impl Transport for Immediate {
    async fn send(&self, request: Request<Body>, _: &Limits) -> Result<Response<Body>, TransportError> {
        black_box(request);
        Ok(reply())
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}

fn reply() -> Response<Body> {
    Response::new(Body::from(stand_in::REPLY))
}

fn main() {
    let by = Credentials::new("testid", "testsecret").unwrap();
    let id = CertifyId::new("03a081bd96328aedf83f635f39a50c57").unwrap();
    let op = DescribeFaceVerify::new(SceneId::new(1_000_000_006).unwrap(), id);
    let client = Client::builder(Immediate, by.clone()).build();
    let endpoint = Endpoint::cn_shanghai();
    let sign_and_read = || {
        let mut entropy = [0; 24];
        getrandom::fill(&mut entropy).unwrap();
        let nonce = Nonce::from_entropy(*entropy.first_chunk().unwrap());
        let stamp = Stamp::new(UnixTime::from(SystemTime::now()), nonce);
        black_box(prepare(black_box(&op), &endpoint, &by, Signing::V1, stamp).unwrap());
        black_box(parse::<DescribeFaceVerify>(&black_box(reply())).unwrap());
    };
    let call = || drop(black_box(block_on(client.describe_face_verify(black_box(&op))).unwrap()));
    let (call, sign_and_read) = side_by_side(call, sign_and_read);
    println!(
        "figure call {call:.0}\nfigure sign-and-read {sign_and_read:.0}\nfigure rest {:.0}",
        call - sign_and_read
    );
}
