//! The CPU time of the emulator for a call with a wrong signature, beside an accepted call, over loopback.
//!
//! `cargo xtask bench refused`, or `cargo bench -p cloudauth-emulator --bench refused`: each body's time in times of an accepted
//! call's. With `-- --test`, a few calls of each.

#![allow(clippy::unwrap_used, reason = "a bench may panic")]

use std::time::Duration;

use cloudauth_emulator::{Clock, Emulator};
use cloudauth_protocol::{
    CertifyId, Credentials, DescribeFaceVerify, Nonce, SceneId, Signing, Stamp, UnixTime, prepare,
};
use cpu_time::{ProcessTime, ThreadTime};

const NOW: UnixTime = UnixTime::from_secs(1_767_323_045);

/// Makes a call and returns the answer.
type Call<'a> = Box<dyn FnMut() -> String + 'a>;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let smoke = std::env::args().any(|arg| arg == "--test");
    let (calls, rounds) = if smoke { (2, 1) } else { (10, 5) };
    let emulator =
        Emulator::builder().clock(Clock::frozen(NOW)).calls_per_second(None).start().await.unwrap();
    // The client has a thread of its own, whose time does not count.
    let url = emulator.url().to_owned();
    tokio::task::spawn_blocking(move || compare(&url, calls, rounds)).await.unwrap();
}

fn compare(url: &str, calls: u32, rounds: u32) {
    let http = ureq::Agent::config_builder().proxy(None).http_status_as_error(false);
    let http = &ureq::Agent::from(http.build());
    let mut compared: Vec<(String, &str, Call<'_>)> = Vec::new();
    let mut entropy = 0_u128;
    let accepted = move || {
        entropy += 1;
        let answer = http.get(accepted_url(url, entropy)).call();
        answer.unwrap().body_mut().read_to_string().unwrap()
    };
    compared.push(("accepted".to_owned(), "\"406\"", Box::new(accepted)));
    for kib in [1_usize, 8, 64, 256, 1024] {
        let size = kib << 10;
        // The string to sign has five bytes for a NUL. At most 1,000 parameters are allowed.
        let many = format!("&a={}", "\0".repeat((size / 900).saturating_sub(3)));
        for (shape, filling) in [("one", "\0"), ("many", &many)] {
            let form = refused_form(size, filling);
            let refused = move || {
                let request = http.post(url).content_type("application/x-www-form-urlencoded");
                request.send(&form).unwrap().body_mut().read_to_string().unwrap()
            };
            compared.push((format!("{kib}-{shape}"), "SignatureDoesNotMatch", Box::new(refused)));
        }
    }
    let mut least = vec![Duration::MAX; compared.len()];
    for _ in 0..rounds {
        for ((_, expected, call), least) in compared.iter_mut().zip(&mut least) {
            *least = (*least).min(cost(call, expected, calls));
        }
    }
    let accepted = least.first().unwrap().as_secs_f64();
    for ((name, ..), least) in compared.iter().zip(&least).skip(1) {
        println!("figure {name} {:.4}", least.as_secs_f64() / accepted);
    }
}

/// The emulator's time for one call: that of the process without that of this thread.
fn cost(call: &mut Call<'_>, expected: &str, calls: u32) -> Duration {
    let (process, thread) = (ProcessTime::now(), ThreadTime::now());
    for _ in 0..calls {
        let answer = call();
        assert!(answer.contains(expected), "{answer}");
    }
    process.elapsed().saturating_sub(thread.elapsed()) / calls
}

fn accepted_url(url: &str, entropy: u128) -> String {
    let op = DescribeFaceVerify::new(SceneId::new(1).unwrap(), CertifyId::new("unknown").unwrap());
    let by = Credentials::new(Emulator::ACCESS_KEY_ID, Emulator::ACCESS_KEY_SECRET).unwrap();
    let stamp = Stamp::new(NOW, Nonce::from_entropy(entropy.to_be_bytes()));
    let request = prepare(&op, &url.parse().unwrap(), &by, Signing::V1Get, stamp).unwrap();
    request.as_http().uri().to_string()
}

fn refused_form(size: usize, filling: &str) -> String {
    let mut form = format!(
        "Action=X&AccessKeyId={}&Signature=x&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&SignatureNonce=1\
         &Format=JSON&Timestamp={NOW}&v=",
        Emulator::ACCESS_KEY_ID
    );
    form.push_str(&filling.repeat((size - form.len()) / filling.len()));
    form
}
