//! A program to count instructions of: runs `sign` (V1, from parameters to body), `parse`, or a whole request (`V1`, `V3`,
//! `V3Body`) a given number of times.
//!
//! ```text
//! cargo build --release -p cloudauth-protocol --example instructions
//! valgrind --tool=callgrind target/release/examples/instructions sign 1000
//! ```

#[path = "../benches/common/mod.rs"]
mod common;

use std::hint::black_box;

use cloudauth_protocol::sign::v1;
use cloudauth_protocol::{
    Body, Credentials, DescribeFaceVerify, Endpoint, FaceVerifyStatus, Nonce, Signing, Stamp, UnixTime,
    parse, prepare,
};
use http::{Method, Response};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const USAGE: &str = "usage: instructions sign|parse|V1|V3|V3Body COUNT";
    let mut args = std::env::args().skip(1);
    let what = args.next().ok_or(USAGE)?;
    let count: usize = args.next().ok_or(USAGE)?.parse()?;
    let (op, by, to) = (common::init(), Credentials::new("testid", "testsecret")?, Endpoint::cn_shanghai());
    let response = Response::new(Body::from(common::describe_reply()));
    let stamp = || Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]));
    let whole = |how| prepare(black_box(&op), &to, &by, how, stamp());
    for _ in 0..count {
        match what.as_str() {
            "sign" => {
                black_box(v1::sign_operation(black_box(&op), &Method::POST, &by, &stamp())?.into_wire());
            }
            "parse" => {
                if let FaceVerifyStatus::Finished(result) =
                    parse::<DescribeFaceVerify>(black_box(&response))?.output
                {
                    black_box(result.material_info.parse()?.facial_picture_front.verify_score);
                }
            }
            "V1" => drop(black_box(whole(Signing::V1)?)),
            "V3" => drop(black_box(whole(Signing::V3)?)),
            "V3Body" => drop(black_box(whole(Signing::V3Body)?)),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(())
}
