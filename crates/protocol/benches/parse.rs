//! Parsing of a `DescribeFaceVerify` reply of 2.2 KB with its `MaterialInfo`, compared with serde_json into borrowing structs
//! without checks.
//!
//! `cargo xtask bench parse`, or `cargo bench -p cloudauth-protocol --bench parse`: the last lines are nanoseconds and the ratio of
//! the fastest batches.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

mod common;
#[path = "common/side_by_side.rs"]
mod side_by_side;

use std::borrow::Cow;
use std::hint::black_box;

use cloudauth_protocol::{Body, DescribeFaceVerify, FaceVerifyStatus, parse};
use criterion::Criterion;
use http::Response;
use serde::Deserialize;
use side_by_side::side_by_side;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "the fields are there to be read")]
struct Envelope<'a> {
    #[serde(borrow)]
    request_id: Cow<'a, str>,
    #[serde(borrow)]
    message: Cow<'a, str>,
    #[serde(borrow)]
    code: Cow<'a, str>,
    #[serde(borrow)]
    result_object: Result<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "the fields are there to be read")]
struct Result<'a> {
    #[serde(borrow)]
    passed: Cow<'a, str>,
    #[serde(borrow)]
    sub_code: Cow<'a, str>,
    #[serde(borrow)]
    identity_info: Cow<'a, str>,
    #[serde(borrow)]
    material_info: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material<'a> {
    #[serde(borrow)]
    face_attack: Cow<'a, str>,
    #[serde(borrow)]
    face_occlusion: Cow<'a, str>,
    #[serde(borrow)]
    facial_picture_front: Picture<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the fields are there to be read")]
struct Picture<'a> {
    face_attack_score: f64,
    #[serde(borrow)]
    oss_bucket_name: Cow<'a, str>,
    #[serde(borrow)]
    oss_object_name: Cow<'a, str>,
    #[serde(borrow)]
    picture_url: Cow<'a, str>,
    quality_score: f64,
    verify_score: f64,
}

fn borrowed(response: &Response<Body>) -> f64 {
    let envelope: Envelope<'_> = serde_json::from_slice(response.body().as_bytes()).unwrap();
    let material: Material<'_> = serde_json::from_str(&envelope.result_object.material_info).unwrap();
    black_box((&material.face_attack, &material.face_occlusion));
    material.facial_picture_front.verify_score
}

fn ours(response: &Response<Body>) -> f64 {
    let reply = parse::<DescribeFaceVerify>(response).unwrap();
    let FaceVerifyStatus::Finished(result) = reply.output else { return 0.0 };
    let material = result.material_info.parse().unwrap();
    black_box((&material.face_attack, &material.face_occlusion));
    material.facial_picture_front.verify_score.value().unwrap_or_default()
}

fn main() {
    let response = Response::new(Body::from(common::describe_reply()));
    assert_eq!(borrowed(&response).to_bits(), ours(&response).to_bits());

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("parse/serde_json borrowed", |b| b.iter(|| borrowed(black_box(&response))));
    criterion.bench_function("parse/ours", |b| b.iter(|| ours(black_box(&response))));
    criterion.final_summary();

    let (theirs, ours) = side_by_side(
        || _ = black_box(borrowed(black_box(&response))),
        || _ = black_box(ours(black_box(&response))),
    );
    println!("figure parse {ours:.0}\nfigure parse-over-serde {:.4}", ours / theirs);
}
