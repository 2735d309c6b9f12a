//! A program to count instructions of: runs `sign` or `parse` a given number of times.
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
    Body, Credentials, DescribeFaceVerify, FaceVerifyStatus, Nonce, Stamp, UnixTime, parse,
};
use http::{Method, Response};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let what = args.next().ok_or("usage: instructions sign|parse COUNT")?;
    let count: usize = args.next().ok_or("usage: instructions sign|parse COUNT")?.parse()?;
    let (op, by) = (common::init(), Credentials::new("testid", "testsecret")?);
    let response = Response::new(Body::from(common::describe_reply()));
    for _ in 0..count {
        if what == "sign" {
            let stamp = Stamp::new(UnixTime::from_secs(1_767_323_045), Nonce::from_entropy([7; 16]));
            black_box(v1::sign_operation(black_box(&op), &Method::POST, &by, &stamp)?.into_wire());
        } else if let FaceVerifyStatus::Finished(result) =
            parse::<DescribeFaceVerify>(black_box(&response))?.output
        {
            black_box(result.material_info.parse()?.facial_picture_front.verify_score);
        }
    }
    Ok(())
}
