//! Signing of an `InitFaceVerify` with the web flow's 15 parameters and a MetaInfo of 300 bytes: V1, from parameters to body,
//! compared with a bare HMAC-SHA1 over the same string to sign, keyed once; and whole requests under V3 compared with V1.
//!
//! `cargo xtask bench sign`, or `cargo bench -p cloudauth-protocol --bench sign`: the last lines are nanoseconds and ratios of the
//! fastest batches.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

mod common;
#[path = "common/side_by_side.rs"]
mod side_by_side;

use std::hint::black_box;

use cloudauth_protocol::sign::v1;
use cloudauth_protocol::{Credentials, Endpoint, InitFaceVerify, Nonce, Signing, Stamp, UnixTime, prepare};
use criterion::Criterion;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use sha1::Sha1;
use side_by_side::side_by_side;

fn sign(op: &InitFaceVerify, by: &Credentials) -> v1::Signed {
    v1::sign_operation(op, &Method::POST, by, &stamp()).unwrap()
}

fn stamp() -> Stamp {
    Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]))
}

fn hmac(keyed: &Hmac<Sha1>, string_to_sign: &[u8]) -> [u8; 20] {
    let mut mac = keyed.clone();
    mac.update(string_to_sign);
    mac.finalize().into_bytes().into()
}

fn main() {
    let op = common::init();
    let by = Credentials::new("testid", "testsecret").unwrap();
    let string_to_sign = sign(&op, &by).string_to_sign().to_vec();
    let keyed = Hmac::<Sha1>::new_from_slice(b"testsecret&").unwrap();
    let endpoint = Endpoint::cn_shanghai();

    let whole = |how| black_box(prepare(black_box(&op), &endpoint, &by, how, stamp()).unwrap());

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("sign/hmac-sha1 alone", |b| b.iter(|| hmac(&keyed, black_box(&string_to_sign))));
    criterion
        .bench_function("sign/v1 parameters to body", |b| b.iter(|| sign(black_box(&op), &by).into_wire()));
    criterion.bench_function("sign/v1 whole request", |b| b.iter(|| whole(Signing::V1)));
    criterion.bench_function("sign/v3 whole request", |b| b.iter(|| whole(Signing::V3)));
    criterion.final_summary();

    let (bare, v1) = side_by_side(
        || _ = black_box(hmac(&keyed, black_box(&string_to_sign))),
        || drop(black_box(sign(black_box(&op), &by).into_wire())),
    );
    println!("figure v1 {v1:.0}\nfigure v1-over-hmac {:.4}", v1 / bare);
    for (key, how) in [("v3", Signing::V3), ("v3body", Signing::V3Body)] {
        let (v1, v3) = side_by_side(|| drop(whole(Signing::V1)), || drop(whole(how)));
        println!("figure {key}-over-v1 {:.4}", v3 / v1);
    }
}
